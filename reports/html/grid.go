package html

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/dlbench/dlbench/reports/ranking"
)

// grid is a table: the page sorts, filters and copies every one the same way.
type grid struct {
	ID      string
	Caption string
	Columns []column
	Rows    []row
}

// column is a header. Columns of numbers are aligned at the right.
type column struct {
	Name    string
	Numeric bool
	Runner  int // number of the runner that the column is about, else -1
}

// row is a line of a table.
type row struct {
	Runner int // number of the runner that the row is about, else -1
	Cells  []cell
	Class  string
}

// cell is a text, with the number behind it if it stands for one.
type cell struct {
	Text     string
	Soft     string // beside the text, less loud
	Value    *float64
	Class    string
	Mark     string // class of the runner's dot
	Href     string
	Strip    *strip
	Mentions []mention
}

// strip is an interval drawn inside a table, in per cent of its width.
type strip struct {
	Mark           string
	Low, Mid, High float64
}

// newGrid makes a table with its header; a name that begins with # heads a
// column of numbers.
func newGrid(id, caption string, names ...string) *grid {
	g := &grid{ID: id, Caption: caption}
	for _, name := range names {
		numeric := name[0] == '#'
		if numeric {
			name = name[1:]
		}
		g.Columns = append(g.Columns, column{Name: name, Numeric: numeric, Runner: -1})
	}
	return g
}

// add adds a row about a runner, or about none (-1).
func (g *grid) add(runner int, cells ...cell) {
	g.Rows = append(g.Rows, row{Runner: runner, Cells: cells})
}

func text(s string) cell { return cell{Text: s} }

// number shows a value as the format says and keeps it for sorting and copying.
func number(format string, v float64) cell {
	if !finite(v) {
		return text(absent)
	}
	return cell{Text: fmt.Sprintf(format, v), Value: &v}
}

func count(n int) cell { return number("%.0f", float64(n)) }

// figure is a number with the digits that its uncertainty leaves.
func figure(v, uncertainty float64) cell {
	if !finite(v) {
		return text(absent)
	}
	return cell{Text: ranking.Figure(v, uncertainty), Value: &v}
}

const absent = "–"

// optional is a figure that may be missing.
func optional(format string, v *float64) cell {
	if v == nil {
		return cell{Text: absent}
	}
	return number(format, *v)
}

// optionalFigure is a figure that may be missing, with the digits that people
// read.
func optionalFigure(v *float64) cell {
	if v == nil {
		return text(absent)
	}
	return figure(*v, 0)
}

// Behind is the number behind a text that is not that number; empty if there
// is none.
func (c cell) Behind() string {
	if c.Value == nil || !finite(*c.Value) {
		return ""
	}
	if exact := strconv.FormatFloat(*c.Value, 'g', -1, 64); exact != c.Text {
		return exact
	}
	return ""
}

// MarshalJSON is the cell as the page's script reads it: its text, and the
// number behind a text that is not that number.
func (c cell) MarshalJSON() ([]byte, error) {
	if c.Behind() == "" {
		return json.Marshal(c.Text)
	}
	return json.Marshal([]any{c.Text, rounded(*c.Value)})
}

// MarshalJSON is the row as the page's script reads it: the runner, then the
// cells.
func (r row) MarshalJSON() ([]byte, error) {
	list := []any{r.Runner}
	for _, c := range r.Cells {
		list = append(list, c)
	}
	return json.Marshal(list)
}

// MarshalJSON is what the page's script makes the table from.
func (g grid) MarshalJSON() ([]byte, error) {
	names, numeric := []string{}, []int{}
	for i, c := range g.Columns {
		names = append(names, c.Name)
		if c.Numeric {
			numeric = append(numeric, i)
		}
	}
	rows := g.Rows
	if rows == nil {
		rows = []row{}
	}
	return json.Marshal(map[string]any{"caption": g.Caption, "columns": names, "numeric": numeric, "rows": rows})
}
