package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
)

// progress tells people on standard error how far a command is: by one line that
// is drawn again if that is a terminal, else by one line of text a step.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	columns func() int // of the terminal, now; nil if it is none
	now     func() time.Time
	began   time.Time
	step    string // as it is drawn, or was printed
	drawn   int    // columns of what is on the screen
}

func (p *program) newProgress() *progress { return p.progressTo(nil) }

// progressTo tells a log; nil is standard error.
func (p *program) progressTo(log io.Writer) *progress {
	g := &progress{w: log, now: p.now, began: p.now()}
	if log == nil {
		g.w = p.stderr
		if p.terminal {
			g.columns = p.columns
		}
	}
	return g
}

// Step announces what is done now. The fraction is that of the command's present
// part, from 0 to 1, or negative if it is not known; left is 0 if unknown.
func (g *progress) Step(text string, fraction float64, left time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.columns == nil {
		if text != g.step {
			fmt.Fprintln(g.w, logLine(g.now().Sub(g.began), text, fraction, left))
		}
		g.step = text
		return
	}
	g.step = drawnLine(g.columns(), text, fraction, left)
	g.draw(g.step)
}

// Detail is what the step is busy with: only a terminal shows it.
func (g *progress) Detail(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.columns != nil {
		g.draw(g.step + ": " + text)
	}
}

// Say prints a line that stays.
func (g *progress) Say(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clear()
	fmt.Fprintf(g.w, format+"\n", args...)
}

// End clears the line that is drawn again.
func (g *progress) End() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clear()
}

// draw leaves the last column free: some terminals begin a new line there.
func (g *progress) draw(line string) {
	g.clear()
	line = columns.Truncate(line, max(1, g.columns()-1), "…")
	fmt.Fprint(g.w, line)
	g.drawn = columns.StringWidth(line)
}

// clear takes the drawn line off the screen. If the terminal has become narrower
// since, the line has wrapped onto several rows.
func (g *progress) clear() {
	if g.drawn == 0 {
		return
	}
	if rows := (g.drawn - 1) / max(1, g.columns()); rows > 0 {
		fmt.Fprintf(g.w, "\x1b[%dA\r\x1b[J", rows)
	} else {
		fmt.Fprint(g.w, "\r"+strings.Repeat(" ", g.drawn)+"\r")
	}
	g.drawn = 0
}

// columns counts what characters take on a screen, on every machine alike.
var columns = &runewidth.Condition{}
