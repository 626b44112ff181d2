package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// progress tells people on standard error how far a command is: one line that
// is drawn again where that is a terminal, else plain lines.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	now      func() time.Time
	began    time.Time
	drawn    int // columns of the line on the screen
	last     string
	lastAt   time.Time
}

func (p *program) newProgress() *progress {
	return &progress{w: p.stderr, terminal: p.terminal, now: p.now, began: p.now()}
}

const (
	barWidth    = 24
	plainPeriod = 10 * time.Second // between plain lines of the same step
)

// step announces what is done now. Fraction is of the command's present part,
// from 0 to 1, or negative where it is not known; left is 0 where unknown.
func (g *progress) step(text string, fraction float64, left time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.terminal {
		g.plain(text, fraction, left)
		return
	}
	line := text
	if fraction >= 0 {
		line = bar(fraction) + " " + text
	}
	if left > 0 {
		line += ", " + roundDuration(left) + " left"
	}
	g.draw(line)
}

func (g *progress) plain(text string, fraction float64, left time.Duration) {
	now := g.now()
	if text == g.last && now.Sub(g.lastAt) < plainPeriod {
		return
	}
	g.last, g.lastAt = text, now
	line := fmt.Sprintf("[%7s]", roundDuration(now.Sub(g.began)))
	if fraction >= 0 {
		line += fmt.Sprintf(" %3.0f %%", 100*min(fraction, 1))
	}
	line += " " + text
	if left > 0 {
		line += ", " + roundDuration(left) + " left"
	}
	fmt.Fprintln(g.w, line)
}

// say prints a line that stays.
func (g *progress) say(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clear()
	fmt.Fprintf(g.w, format+"\n", args...)
}

// end clears the line that is drawn again.
func (g *progress) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clear()
}

func (g *progress) draw(line string) {
	const most = 110
	if utf8.RuneCountInString(line) > most {
		line = string([]rune(line)[:most-1]) + "…"
	}
	g.clear()
	fmt.Fprint(g.w, line)
	g.drawn = utf8.RuneCountInString(line)
}

func (g *progress) clear() {
	if g.drawn > 0 {
		fmt.Fprint(g.w, "\r"+strings.Repeat(" ", g.drawn)+"\r")
		g.drawn = 0
	}
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
