// Package markdown writes Markdown in which no text becomes markup.
package markdown

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
)

// Writer keeps the first error.
type Writer struct {
	w   io.Writer
	err error
}

// New makes a writer.
func New(w io.Writer) *Writer { return &Writer{w: w} }

// Err is the first error of a write.
func (w *Writer) Err() error { return w.err }

func (w *Writer) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.w, format, args...)
	}
}

// Heading is a heading of a level from 1.
func (w *Writer) Heading(level int, text string) {
	w.printf("%s %s\n\n", strings.Repeat("#", level), Plain(text))
}

// Paragraph is a paragraph of text.
func (w *Writer) Paragraph(format string, args ...any) {
	w.printf("%s\n\n", block(fmt.Sprintf(format, args...)))
}

// List is a list of items; a name, where there is one, is bold.
func (w *Writer) List(items ...Item) {
	for _, i := range items {
		if i.Name == "" {
			w.printf("- %s\n", block(i.Text))
			continue
		}
		w.printf("- **%s** %s\n", Plain(i.Name), Plain(i.Text))
	}
	w.printf("\n")
}

// Item is one of a list.
type Item struct{ Name, Text string }

// Table is a header and rows; the columns that are named stand at the right.
func (w *Writer) Table(header []string, rows [][]string, right ...int) {
	w.row(header)
	rule := make([]string, len(header))
	for i := range rule {
		rule[i] = "---"
	}
	for _, column := range right {
		rule[column] = "---:"
	}
	w.printf("| %s |\n", strings.Join(rule, " | "))
	for _, row := range rows {
		w.row(row)
	}
	w.printf("\n")
}

func (w *Writer) row(cells []string) {
	escaped := make([]string, len(cells))
	for i, c := range cells {
		escaped[i] = Plain(c)
	}
	w.printf("| %s |\n", strings.Join(escaped, " | "))
}

// Plain takes the meaning from what Markdown and HTML would read as markup
// anywhere in a line.
func Plain(text string) string {
	var b strings.Builder
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case r == '\n' || r == '\r':
			b.WriteByte(' ')
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\|*`[]~", r), r == '_' && !inside(runes, i):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// inside says whether letters or digits stand on both sides: an underscore there
// is no markup, and codes stay readable in the raw text.
func inside(runes []rune, i int) bool {
	word := func(k int) bool {
		return k >= 0 && k < len(runes) && (unicode.IsLetter(runes[k]) || unicode.IsDigit(runes[k]))
	}
	return word(i-1) && word(i+1)
}

// begins are the starts of a line that Markdown reads as a heading, a list, a
// rule or an underline.
var begins = regexp.MustCompile(`^\s*([#+=-]|\d+[.)])`)

// block is a text where a line begins.
func block(text string) string {
	text = Plain(text)
	at := begins.FindStringSubmatchIndex(text)
	if at == nil {
		return text
	}
	last := at[3] - 1 // the sign itself, or what follows the number
	return text[:last] + `\` + text[last:]
}
