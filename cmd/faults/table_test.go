package faults

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"

	"github.com/dlbench/dlbench/cmd/faults/faulttest"
)

// table is what became of each fault on each engine.
type table struct {
	faults []fault
	mu     sync.Mutex
	cells  map[string]string // by key
}

func newTable(faults []fault) *table { return &table{faults: faults, cells: map[string]string{}} }

func (f fault) key(engine string) string { return f.stage + "|" + f.name + "|" + engine }

// is sets what became of a fault.
func (t *table) is(i int, engine, outcome string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cells[t.faults[i].key(engine)] = outcome
}

// cell is what the page shows.
func (t *table) cell(f fault, engine string) string {
	if f.on != "" && !strings.Contains(f.on, engine) {
		return "–"
	}
	if outcome := t.cells[f.key(engine)]; outcome != "" {
		return outcome
	}
	return notRun
}

const notRun = "not run"

// count is how many cases were run.
func (t *table) count() (n int) {
	for _, f := range t.faults {
		for _, engine := range engineNames {
			if cell := t.cell(f, engine); cell != "–" && cell != notRun {
				n++
			}
		}
	}
	return n
}

// write puts the table into a page, between its markers. A case that was not run
// this time, of those that -run left out, keeps what the page says.
func (t *table) write(path string, rigs map[string]*rig) error {
	return faulttest.Rewrite(path, "faults", func(old string) string {
		t.keep(old)
		return t.text(rigs)
	})
}

// keep takes what an earlier table says of cases that were not run.
func (t *table) keep(old string) {
	for line := range strings.Lines(old) {
		columns := strings.Split(strings.TrimSpace(strings.ReplaceAll(line, `\|`, "\x00")), " | ")
		if len(columns) != 5 {
			continue
		}
		for i, engine := range engineNames {
			f := fault{stage: strings.TrimPrefix(columns[0], "| "), name: strings.ReplaceAll(columns[1], "\x00", `\|`)}
			if cell := strings.TrimSuffix(columns[2+i], " |"); t.cells[f.key(engine)] == "" && cell != notRun {
				t.cells[f.key(engine)] = cell
			}
		}
	}
}

func (t *table) text(rigs map[string]*rig) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d cases on %s, on %s.\n\n", t.count(), versions(rigs), machine())
	fmt.Fprintln(&b, "| Stage | Fault | podman | docker | local |\n|---|---|---|---|---|")
	for _, f := range t.faults {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.stage, f.name, t.cell(f, "podman"), t.cell(f, "docker"), t.cell(f, "local"))
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
