package table_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/reports/table"
)

func TestColumnsAreAlignedAndTheLastOneWraps(t *testing.T) {
	tb := table.New("name", "n", "notes")
	tb.Add("short", "9", "one two three four five six seven")
	tb.Add("a longer one", "10")
	var b strings.Builder
	if err := tb.Write(&b, 44); err != nil {
		t.Fatal(err)
	}
	want := `name           n  notes
short          9  one two three four five
                  six seven
a longer one  10
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		table.Bytes(1000): "1000 B", table.Bytes(1 << 20): "1 MiB", table.Bytes(5810686705): "5.41 GiB",
		table.Thousands(25557032): "25,557,032", table.Thousands(999): "999", table.Dimensions([]int{8, 3}): "8×3",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
