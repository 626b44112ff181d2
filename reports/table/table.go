// Package table writes tables for people at a terminal.
package table

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Table is a header and rows of cells. Columns of numbers are aligned at the
// right, all others at the left.
type Table struct {
	header []string
	rows   [][]string
}

// New makes a table with a header.
func New(header ...string) *Table { return &Table{header: header} }

// Add adds a row; cells that are missing are empty.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.header))
	copy(row, cells)
	t.rows = append(t.rows, row)
}

const gap = "  "

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Write prints the table. Where it is wider than the given width, the last
// column goes on in further lines.
func (t *Table) Write(w io.Writer, width int) error {
	widths := t.widths()
	indent := 0
	for _, columns := range widths[:len(widths)-1] {
		indent += columns + len(gap)
	}
	room := max(24, width-indent)
	var b strings.Builder
	numeric := make([]bool, len(t.header)) // once, not at each row: a history has ten thousand
	for i := range numeric {
		numeric[i] = t.numeric(i)
	}
	t.writeRow(&b, t.header, widths, numeric, room, indent)
	for _, row := range t.rows {
		t.writeRow(&b, row, widths, numeric, room, indent)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Table) widths() []int {
	widths := make([]int, len(t.header))
	for i, name := range t.header {
		widths[i] = utf8.RuneCountInString(name)
		for _, row := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	return widths
}

func (t *Table) writeRow(b *strings.Builder, row []string, widths []int, numeric []bool, room, indent int) {
	var line strings.Builder
	last := len(row) - 1
	for i, cell := range row[:last] {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if numeric[i] {
			line.WriteString(pad + cell + gap)
		} else {
			line.WriteString(cell + pad + gap)
		}
	}
	lines := wrap(row[last], room)
	if numeric[last] {
		lines[0] = strings.Repeat(" ", max(0, widths[last]-utf8.RuneCountInString(lines[0]))) + lines[0]
	}
	line.WriteString(lines[0])
	b.WriteString(strings.TrimRightFunc(line.String(), unicode.IsSpace) + "\n")
	for _, more := range lines[1:] {
		b.WriteString(strings.Repeat(" ", indent) + more + "\n")
	}
}

// numeric says whether all filled cells of a column begin like a number.
func (t *Table) numeric(column int) bool {
	filled := false
	for _, row := range t.rows {
		cell := row[column]
		if cell == "" || cell == "–" {
			continue
		}
		first := cell[0]
		if (first < '0' || first > '9') && first != '-' && first != '+' {
			return false
		}
		filled = true
	}
	return filled
}

// wrap breaks a text at spaces into lines of at most room columns; a longer
// word has a line of its own.
func wrap(text string, room int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > room {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
