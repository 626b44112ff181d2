package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// screen is a terminal of some columns: it wraps what is too long, and knows the
// control sequences that progress uses.
type screen struct {
	columns  int
	rows     [][]rune
	row, col int
}

func (s *screen) Write(data []byte) (int, error) {
	text := []rune(string(data))
	for i := 0; i < len(text); i++ {
		switch r := text[i]; r {
		case '\r':
			s.col = 0
		case '\n':
			s.row, s.col = s.row+1, 0
		case '\x1b':
			m := control.FindStringSubmatch(string(text[i:]))
			if m == nil {
				return 0, fmt.Errorf("an unknown sequence %q", string(text[i:]))
			}
			if n, _ := strconv.Atoi(m[1]); m[2] == "A" {
				s.row = max(0, s.row-n)
			} else {
				s.rows = s.rows[:min(len(s.rows), s.row+1)]
				if s.row < len(s.rows) {
					s.rows[s.row] = s.rows[s.row][:min(len(s.rows[s.row]), s.col)]
				}
			}
			i += len(m[0]) - 1
		default:
			s.put(r)
		}
	}
	return len(data), nil
}

var control = regexp.MustCompile(`^\x1b\[(\d*)([AJ])`)

func (s *screen) put(r rune) {
	width := columns.RuneWidth(r)
	if s.col+width > s.columns {
		s.row, s.col = s.row+1, 0
	}
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
	}
	for len(s.rows[s.row]) < s.col+width {
		s.rows[s.row] = append(s.rows[s.row], ' ')
	}
	s.rows[s.row][s.col] = r
	for extra := 1; extra < width; extra++ {
		s.rows[s.row][s.col+extra] = 0
	}
	s.col += width
}

// narrow makes the terminal narrower: what does not fit wraps.
func (s *screen) narrow(columns int) {
	old := s.rows
	*s = screen{columns: columns}
	for i, line := range old {
		if i > 0 {
			_, _ = s.Write([]byte("\n"))
		}
		for _, r := range line {
			if r != 0 {
				s.put(r)
			}
		}
	}
}

// lines are what a person sees.
func (s *screen) lines() []string {
	var out []string
	for _, row := range s.rows {
		if line := strings.TrimRight(strings.ReplaceAll(string(row), "\x00", ""), " "); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// onScreen is progress on a terminal.
func onScreen(columns int) (*progress, *screen) {
	s := &screen{columns: columns}
	p := &program{stderr: s, terminal: true, columns: func() int { return s.columns }, now: time.Now}
	return p.newProgress(), s
}

func TestProgressIsOneLineOfAnyTerminal(t *testing.T) {
	for _, columns := range []int{1, 2, 10, 40, 59, 60, 80, 200} {
		g, s := onScreen(columns)
		for i := range 30 {
			g.Step(fmt.Sprintf("round %d: resnet50/infer/b8/fp32 pytorch 計測中 %s", i, strings.Repeat("x", i*7)), float64(i)/30, time.Hour)
			g.Detail("a builder's line, 日本語 " + strings.Repeat("y", 100))
			if got := s.lines(); len(got) > 1 {
				t.Fatalf("%d columns: the screen has %q", columns, got)
			}
		}
		g.End()
		if got := s.lines(); len(got) != 0 {
			t.Errorf("%d columns: %q is left at the end", columns, got)
		}
	}
}

func TestATerminalThatBecomesNarrowerIsNotSmeared(t *testing.T) {
	g, s := onScreen(120)
	g.Say("engine: podman")
	g.Step("round 1: "+strings.Repeat("resnet50/infer/b8/fp32 ", 5), 0.5, time.Minute)
	s.narrow(50)
	g.Step("round 2: lenet", 0.6, 0)
	if got := s.lines(); len(got) != 2 || got[0] != "engine: podman" || got[1] != "60 % round 2: lenet" {
		t.Errorf("the screen has %q", got)
	}
	s.columns = 100
	g.Step("round 3: lenet", 0.75, time.Minute)
	if got := s.lines(); len(got) != 2 || got[1] != "[██████████████████······] round 3: lenet, 1m00s left" {
		t.Errorf("the screen has %q", got)
	}
}

func TestAFileHasOneLineAStep(t *testing.T) {
	var file bytes.Buffer
	at := time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)
	p := &program{stderr: &file, columns: func() int { return 80 }, now: func() time.Time { return at }}
	g := p.newProgress()
	for range 100 {
		g.Step("install pytorch, output in logs/install-pytorch.log", -1, 0)
		g.Detail("Collecting torch")
		at = at.Add(15 * time.Second) // however long the step takes
	}
	g.Say("engine: podman")
	g.Step("round 1: lenet", 0.25, 90*time.Second)
	g.Step("round 1: resnet50 "+strings.Repeat("z", 200), 0.5, 0)
	g.End()
	want := "[     0s] install pytorch, output in logs/install-pytorch.log\nengine: podman\n[ 25m00s]  25 % round 1: lenet, 1m30s left\n[ 25m00s]  50 % round 1: resnet50 " + strings.Repeat("z", 200) + "\n"
	if file.String() != want {
		t.Errorf("the file has\n%s\nwant\n%s", file.String(), want)
	}
}
