// Package timechart draws where the time of a run went, from its log of times:
// one bar a step, several runs on one axis.
package timechart

import (
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/timeline"
)

// Run is a log with what it is called.
type Run struct {
	Name  string
	Steps []timeline.Step
}

// Span is the time from a run's first step to the end of its last.
func (r Run) Span() (begin, end time.Time) {
	begin, end = r.Steps[0].Start, r.Steps[0].End
	for _, s := range r.Steps {
		if s.Start.Before(begin) {
			begin = s.Start
		}
		if s.End.After(end) {
			end = s.End
		}
	}
	return begin, end
}

// kinds in the order in which they are drawn, and their colours, which differ in
// lightness too.
var kinds = []struct{ name, colour string }{
	{timeline.Fetch, "#b8c4d6"}, {timeline.Image, "#5b8db8"}, {timeline.Verify, "#e0a458"}, {timeline.Preview, "#9c6b98"}, {timeline.Round, "#3c7a57"},
}

const (
	left, right = 70.0, 20.0
	width       = 960.0
	bar, gap    = 18.0, 3.0
	letter      = 6.2 // width of one, about
)

// SVG draws runs below one another.
func SVG(w io.Writer, runs []Run) error {
	longest := time.Duration(0)
	for _, r := range runs {
		begin, end := r.Span()
		longest = max(longest, end.Sub(begin))
	}
	scale := (width - left - right) / max(1, longest.Seconds())
	var body strings.Builder
	y := 24.0
	for _, r := range runs {
		y = draw(&body, r, scale, y)
	}
	y = axis(&body, longest, scale, y)
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="11">
<rect width="%.0f" height="%.0f" fill="white"/>
%s</svg>
`, width, y, width, y, body.String())
	return err
}

func draw(w io.Writer, r Run, scale, y float64) float64 {
	begin, end := r.Span()
	fmt.Fprintf(w, `<text x="4" y="%.0f" font-weight="bold">%s: %s</text>`+"\n", y, html.EscapeString(r.Name), minutes(end.Sub(begin)))
	y += 8
	for _, kind := range kinds {
		rows := lanes(r.Steps, kind.name)
		for i, lane := range rows {
			if i == 0 {
				fmt.Fprintf(w, `<text x="4" y="%.1f">%s</text>`+"\n", y+13, kind.name)
			}
			for _, s := range lane {
				step(w, s, kind.colour, left+s.Start.Sub(begin).Seconds()*scale, y, s.End.Sub(s.Start).Seconds()*scale)
			}
			y += bar + gap
		}
	}
	return y + 22
}

// step is one bar, with its name if there is room for some of it; a hover tells
// all of it.
func step(w io.Writer, s timeline.Step, colour string, x, y, long float64) {
	stroke := ""
	if s.Error != "" {
		stroke = ` stroke="#b00020" stroke-width="2"`
	}
	took := fmt.Sprintf("%s, %s", s.Name, minutes(s.End.Sub(s.Start)))
	if s.Error != "" {
		took += ": " + s.Error
	}
	fmt.Fprintf(w, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.0f" fill="%s"%s><title>%s</title></rect>`+"\n",
		x, y, max(long, 0.8), bar, colour, stroke, html.EscapeString(took))
	name := []rune(s.Name)
	if room := int((long - 6) / letter); room >= 4 {
		if len(name) > room {
			name = append(name[:room-1], '…')
		}
		fmt.Fprintf(w, `<text x="%.1f" y="%.1f" fill="white" pointer-events="none">%s</text>`+"\n", x+3, y+13, html.EscapeString(string(name)))
	}
}

// lanes are the steps of a kind, in as few rows as there were steps at once.
func lanes(steps []timeline.Step, kind string) [][]timeline.Step {
	var of []timeline.Step
	for _, s := range steps {
		if s.Kind == kind {
			of = append(of, s)
		}
	}
	slices.SortStableFunc(of, func(a, b timeline.Step) int { return a.Start.Compare(b.Start) })
	var rows [][]timeline.Step
	for _, s := range of {
		i := slices.IndexFunc(rows, func(row []timeline.Step) bool { return !row[len(row)-1].End.After(s.Start) })
		if i < 0 {
			rows, i = append(rows, nil), len(rows)
		}
		rows[i] = append(rows[i], s)
	}
	return rows
}

// axis has a mark every so many minutes, at most 16 of them.
func axis(w io.Writer, longest time.Duration, scale, y float64) float64 {
	every := 1.0
	for longest.Minutes()/every > 16 {
		every *= 2
	}
	for m := 0.0; m <= math.Ceil(longest.Minutes()); m += every {
		if x := left + m*60*scale; x <= width-right+1 {
			fmt.Fprintf(w, `<line x1="%.1f" x2="%.1f" y1="30" y2="%.1f" stroke="#0002"/><text x="%.1f" y="%.1f" text-anchor="middle">%.0f</text>`+"\n", x, x, y-16, x, y, m)
		}
	}
	fmt.Fprintf(w, `<text x="4" y="%.1f">minutes</text>`+"\n", y)
	return y + 8
}

func minutes(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
