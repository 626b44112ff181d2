package reports_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Reports present figures and make none: what makes figures is metrics/summary,
// and the statistics are for it only.
func TestReportsMakeNoFigures(t *testing.T) {
	const module = "github.com/dlbench/dlbench/"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"reports/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	summaries := 0
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		for _, imported := range words[1:] {
			switch imported {
			case module + "metrics/stats":
				t.Errorf("%s imports metrics/stats: take the figure from metrics/summary", words[0])
			case module + "metrics/summary":
				summaries++
			}
		}
	}
	if summaries < 4 {
		t.Errorf("only %d packages take figures from metrics/summary: the test looks at the wrong place", summaries)
	}
}
