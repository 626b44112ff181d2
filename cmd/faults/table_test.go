package faults

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"
)

// row is a fault and what became of it on each engine.
type row struct {
	fault
	cells map[string]string
}

type table []row

// count is how many cases were run.
func (t table) count() (n int) {
	for _, r := range t {
		for _, cell := range r.cells {
			if cell != "–" && cell != "not run" {
				n++
			}
		}
	}
	return n
}

// The generated part of the page lies between these.
const (
	begin = "<!-- faults: begin -->\n"
	end   = "<!-- faults: end -->\n"
)

// write puts the table into a page, between its markers.
func (t table) write(path string, rigs map[string]*rig) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no markers for the table", path)
	}
	return os.WriteFile(path, []byte(before+begin+t.text(rigs)+end+after), 0o644)
}

func (t table) text(rigs map[string]*rig) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d cases on %s, on %s.\n\n", t.count(), machine(), versions(rigs))
	fmt.Fprintln(&b, "| Stage | Fault | podman | docker | local |\n|---|---|---|---|---|")
	for _, r := range t {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.stage, r.name, r.cells["podman"], r.cells["docker"], r.cells["local"])
	}
	return b.String()
}

// machine describes where the campaign ran, and when.
func machine() string {
	model := runtime.GOARCH
	if infos, err := cpu.Info(); err == nil && len(infos) > 0 {
		model = infos[0].ModelName
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%s with %d CPUs, Linux %s, %s", model, runtime.NumCPU(), strings.TrimSpace(string(kernel)), time.Now().Format("2 January 2006"))
}

func versions(rigs map[string]*rig) string {
	var parts []string
	for _, name := range engineNames {
		if r := rigs[name]; r != nil && r.absent == "" {
			parts = append(parts, strings.TrimSpace(name+" "+strings.TrimPrefix(r.version, "plain processes")))
		} else {
			parts = append(parts, name+" not there")
		}
	}
	return strings.Join(parts, ", ")
}
