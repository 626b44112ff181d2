package reports_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
)

func TestManyWarningsOfACodeAreOneLine(t *testing.T) {
	rec := &record.Record{Status: record.Complete, Warnings: []record.Warning{{Code: "virtual_machine", Scope: "run", Text: "this is a guest"}}}
	for i := range 5 {
		rec.Warnings = append(rec.Warnings, record.Warning{Code: "steal_time", Scope: record.Scope(fmt.Sprint("cell:", i)), Text: fmt.Sprintf("%d %% were stolen", i)})
	}
	var out strings.Builder
	if err := reports.Table(&out, rec, 100); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"warning virtual_machine (run): this is a guest\n", "warning steal_time, 5 times, like (cell:0): 0 % were stolen\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "steal_time"); n != 1 {
		t.Errorf("steal_time is told %d times", n)
	}
	// Files have room for all.
	var file strings.Builder
	if err := reports.Markdown(&file, rec); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(file.String(), "steal_time"); n != 5 {
		t.Errorf("summary.md tells steal_time %d times, expected 5", n)
	}
}
