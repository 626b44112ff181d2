package cluster

import (
	"fmt"
	"os"
	"strings"
)

// The generated part of the page lies between these.
const (
	begin = "<!-- cluster: begin -->\n"
	end   = "<!-- cluster: end -->\n"
)

// writeTable puts what became of every fault into a page. One that was not run this
// time keeps what the page says.
func writeTable(path string, all []fault, rows map[string]string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(page), begin)
	old, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no markers for the table", path)
	}
	var b strings.Builder
	fmt.Fprintln(&b, "| What happens | What comes of it |\n|---|---|")
	for _, f := range all {
		outcome := rows[f.name]
		if outcome == "" {
			outcome = kept(old, f.name)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", f.name, outcome)
	}
	return os.WriteFile(path, []byte(before+begin+b.String()+end+after), 0o644)
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
