package cluster

import (
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/cmd/faults/faulttest"
)

// writeTable puts what became of every fault into a page. One that was not run this
// time keeps what the page says.
func writeTable(path string, all []fault, rows map[string]string) error {
	return faulttest.Rewrite(path, "cluster", func(old string) string {
		var b strings.Builder
		fmt.Fprintln(&b, "| What happens | What comes of it |\n|---|---|")
		for _, f := range all {
			outcome := rows[f.name]
			if outcome == "" {
				outcome = kept(old, f.name)
			}
			fmt.Fprintf(&b, "| %s | %s |\n", f.name, outcome)
		}
		return b.String()
	})
}

// kept is what an earlier table says of a fault.
func kept(old, name string) string {
	for line := range strings.Lines(old) {
		if outcome, found := strings.CutPrefix(line, "| "+name+" | "); found {
			return strings.TrimSuffix(strings.TrimSpace(outcome), " |")
		}
	}
	return "not run"
}
