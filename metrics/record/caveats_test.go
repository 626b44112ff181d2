package record_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

// Users look codes up in docs/commands.md: each stands there as it is here.
func TestEveryCaveatIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "## Warnings")
	if !found {
		t.Fatal("docs/commands.md has no section Warnings")
	}
	for _, c := range record.Caveats {
		if row := fmt.Sprintf("| `%s` | %s | %s |", c.Code, c.Meaning, c.Mend); !strings.Contains(table, row) {
			t.Errorf("docs/commands.md lacks the row\n%s", row)
		}
	}
	if rows := strings.Count(table, "\n| `"); rows != len(record.Caveats) {
		t.Errorf("docs/commands.md has %d rows for %d codes", rows, len(record.Caveats))
	}
}

func TestCaveatsAreSortedAndFound(t *testing.T) {
	if !slices.IsSortedFunc(record.Caveats, func(a, b record.Caveat) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("caveats are not sorted by code")
	}
	if c, ok := record.CaveatOf(record.BudgetEnded); !ok || c.Mend == "" {
		t.Errorf("the budget's caveat is %+v", c)
	}
	if _, ok := record.CaveatOf("unheard_of"); ok {
		t.Error("an unknown code has a caveat")
	}
}
