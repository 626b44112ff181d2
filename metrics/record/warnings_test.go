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
func TestEveryCodeIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "## Warnings")
	if !found {
		t.Fatal("docs/commands.md has no section Warnings")
	}
	for _, c := range record.Explanations {
		if row := fmt.Sprintf("| `%s` | %s | %s |", c.Code, c.Meaning, c.Remedy); !strings.Contains(table, row) {
			t.Errorf("docs/commands.md lacks the row\n%s", row)
		}
	}
	if rows := strings.Count(table, "\n| `"); rows != len(record.Explanations) {
		t.Errorf("docs/commands.md has %d rows for %d codes", rows, len(record.Explanations))
	}
}

func TestExplanationsAreSortedAndFound(t *testing.T) {
	if !slices.IsSortedFunc(record.Explanations, func(a, b record.Explanation) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("explanations are not sorted by code")
	}
	if c, ok := record.Explain(record.BudgetEnded); !ok || c.Remedy == "" {
		t.Errorf("the budget's explanation is %+v", c)
	}
	if _, ok := record.Explain("unheard_of"); ok {
		t.Error("an unknown code has an explanation")
	}
}
