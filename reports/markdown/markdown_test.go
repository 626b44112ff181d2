package markdown_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/reports/markdown"
)

var update = flag.Bool("update", false, "write the golden files")

// golden holds a text against a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestADocument(t *testing.T) {
	var b strings.Builder
	w := markdown.New(&b)
	w.Heading(1, "dlbench: suite smoke")
	w.Paragraph("%d rounds, seed %d.", 3, 7)
	w.Table([]string{"runner", "images/s", "notes"}, [][]string{{"pytorch", "267", "foreign_load, steal_time"}, {"a|b", "–", ""}}, 1)
	w.List(markdown.Item{Name: "foreign_load", Text: "(cell:w/a): 0.5 CPUs"}, markdown.Item{Text: "device cpu, 2 threads"})
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	golden(t, "testdata/document.md", b.String())
}

// What a record says is text, whatever it looks like: the file shows how each
// attack stands in the raw document.
func TestNoTextBecomesMarkup(t *testing.T) {
	var b strings.Builder
	w := markdown.New(&b)
	attacks := []string{`<script>alert(1)</script>`, `**bold** and __bold__ and _slanted_ and ~~struck~~`, "`code`", `[link](javascript:alert(1))`, `![picture](x)`, `a|b\|c\\|d`,
		`&lt;b&gt;`, "two\nlines\r\n# and a heading", `trailing backslash\`, `snake_case_stays`}
	var rows [][]string
	for _, a := range attacks {
		rows = append(rows, []string{a, a})
	}
	w.Table([]string{"a|b", "c"}, rows)
	for _, a := range append(attacks, "# heading", "- list", "+ list", "1. list", "23) list", "===", "> quote", "  ## indented") {
		w.Paragraph("%s", a)
		w.List(markdown.Item{Text: a}, markdown.Item{Name: a, Text: a})
	}
	golden(t, "testdata/hostile.md", b.String())
	for i, line := range strings.Split(b.String(), "\n") {
		for _, markup := range []string{"<", ">", "# and a heading\n"} {
			if strings.Contains(line, markup) {
				t.Errorf("line %d holds %q: %s", i+1, markup, line)
			}
		}
		if strings.HasPrefix(line, "|") {
			if cells := unescaped(line, '|') - 1; cells != 2 {
				t.Errorf("line %d has %d cells, expected 2: %s", i+1, cells, line)
			}
		}
	}
}

// unescaped counts a sign that no backslash stands before which is not escaped
// itself.
func unescaped(line string, sign byte) int {
	n := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case sign:
			n++
		}
	}
	return n
}

// full fails after some writes.
type full struct{ left int }

var errFull = errors.New("the disk is full")

func (f *full) Write(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errFull
	}
	f.left--
	return len(p), nil
}

func TestTheFirstErrorIsKept(t *testing.T) {
	f := &full{left: 1}
	w := markdown.New(f)
	w.Heading(1, "a")
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	w.Heading(2, "b")
	f.left = 5
	w.Paragraph("c")
	if !errors.Is(w.Err(), errFull) || f.left != 5 {
		t.Errorf("got %v, and %d writes after it", w.Err(), 5-f.left)
	}
}
