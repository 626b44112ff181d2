package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	barWidth = 24
	barRoom  = 60 // a narrower terminal has the words only
)

// drawnLine is a step on a terminal.
func drawnLine(columns int, text string, fraction float64, left time.Duration) string {
	if fraction >= 0 && columns >= barRoom {
		text = bar(fraction) + " " + text
	} else if fraction >= 0 {
		text = fmt.Sprintf("%.0f %% ", 100*min(fraction, 1)) + text
	}
	return text + remaining(left)
}

// logLine is a step in a file.
func logLine(since time.Duration, text string, fraction float64, left time.Duration) string {
	line := fmt.Sprintf("[%7s]", roundDuration(since))
	if fraction >= 0 {
		line += fmt.Sprintf(" %3.0f %%", 100*min(fraction, 1))
	}
	return line + " " + text + remaining(left)
}

func remaining(left time.Duration) string {
	if left <= 0 {
		return ""
	}
	return ", " + roundDuration(left) + " left"
}

func bar(fraction float64) string {
	full := int(min(max(fraction, 0), 1) * barWidth)
	return "[" + strings.Repeat("█", full) + strings.Repeat("·", barWidth-full) + "]"
}

func roundDuration(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
}
