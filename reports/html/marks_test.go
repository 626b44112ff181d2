package html

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Every runner has a colour in the charts and the same one in the tables, and
// there are enough for all that dlbench comes with.
func TestMarksAreTheSameInChartsAndTables(t *testing.T) {
	css, err := os.ReadFile("assets/report.css")
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := os.ReadDir("../../runners")
	if err != nil {
		t.Fatal(err)
	}
	runners := 0
	for _, dir := range manifests {
		if _, err := os.Stat("../../runners/" + dir.Name() + "/runner.json"); err == nil {
			runners++
		}
	}
	if len(colours) < runners {
		t.Errorf("%d colours for %d runners", len(colours), runners)
	}
	for i, colour := range colours {
		for _, want := range []string{fmt.Sprintf("--c%d:%s;", i, colour), fmt.Sprintf(".dot.m%d{background:var(--c%d)}", i, i)} {
			if !strings.Contains(string(css), want) {
				t.Errorf("report.css lacks %s", want)
			}
		}
	}
}
