package html_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/html"
)

// attack would run, load and break out, if a report let it.
const attack = `</script><script>document.title="taken"</script><img src=x onerror="document.title='taken'"><u id="alive">bold</u>&"'`

// sample is a record with a ranked pair, a cell that failed parity, one that
// failed and one that is unsupported. Every name holds the given text.
func sample(text string) *record.Record {
	r := &record.Record{
		SchemaVersion: 1, DlbenchVersion: "test" + text, Suite: "smoke" + text, Profile: "quick",
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Status: record.Complete, Rounds: 3,
		Environment: record.Environment{Host: "h" + text, CPU: "CPU" + text, LogicalCPUs: 2, Missing: map[string]string{"gpu": "none" + text}},
		Terms:       record.Terms{Device: "cpu", Threads: 2, CPUs: "0-1", MemoryBytes: 1 << 30},
		Warnings:    []record.Warning{{Code: "code" + text, Text: "warning" + text, Scope: "run"}},
		Comparisons: []record.Comparison{},
	}
	r.Workloads = []record.Workload{{ID: "net/infer/b4/fp32" + text, Batch: 4, Mode: "infer", InputShape: []int{4, 3, 8, 8}, Parameters: 1234, MACs: 5e9}}
	for i, name := range []string{"fast", "slow", "wrong", "dead", "cannot"} {
		r.Runners = append(r.Runners, record.Runner{Name: name + text, Framework: name + text, FrameworkVersion: "1" + text,
			Build: map[string]string{"k" + text: "v" + text}, Terms: record.RunnerTerms{Threads: 2, Layout: "NHWC" + text, Switches: map[string]string{"s": text}}})
		c := record.Cell{Workload: r.Workloads[0].ID, Runner: name + text, Status: record.Pending, FrameworkVersion: "1" + text,
			Parity: record.Parity{Status: record.ParityPassed, Checks: []record.Check{{Layer: "network", Name: "outputs", Tensor: "logits" + text, Value: 1e-6, Tolerance: 1e-5, Passed: true}}}}
		switch name {
		case "wrong":
			c.Status, c.Reason = record.NotRanked, "off"+text
			c.Parity.Status, c.Parity.Reason = record.ParityFailed, "conv is off"+text
			c.Parity.Checks[0].Passed, c.Parity.Checks[0].Value = false, 0.3
		case "dead":
			c.Status, c.Reason = record.Failed, "killed"+text
		case "cannot":
			c.Status, c.Reason = record.Unsupported, "no operator"+text
		default:
			for round := range 3 {
				c.Processes = append(c.Processes, process(round, int64(1+i)*2e6+int64(round)*1e5, text))
			}
		}
		r.Cells = append(r.Cells, c)
	}
	summary.Summarize(r)
	return r
}

func process(round int, iteration int64, text string) record.Process {
	p := record.Process{Round: round, Status: record.Measured, Reason: text, WarmupNS: []int64{1, 2}}
	at := int64(1e9)
	for _, scenario := range []string{record.Offline, record.Offline, record.SingleStream} {
		b := record.Block{Scenario: scenario, Iterations: 100, StartNS: at, EndNS: at + 100*iteration}
		if scenario == record.SingleStream {
			for i := range 100 {
				b.IterationNS = append(b.IterationNS, iteration+int64(i)*1000)
			}
		}
		p.Blocks = append(p.Blocks, b)
		at = b.EndNS + 1e7
	}
	s := record.Series{Name: record.SeriesCPU, Unit: "%"}
	for ns := int64(9e8); ns < at; ns += 1e8 {
		s.TimeNS, s.Values = append(s.TimeNS, ns), append(s.Values, float64(100+ns/1e7%90))
	}
	p.Series = []record.Series{s}
	return p
}

func render(t *testing.T, records ...*record.Record) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Render(&b, records); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPageSaysWhatTheRecordHolds(t *testing.T) {
	page := render(t, sample(""))
	for _, want := range []string{
		"fast was 1.9", "too few processes for a verdict", "least to greatest process", "killed", "no operator", "conv is off",
		"warning", "1,234 parameters", "prefers-color-scheme",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := len(page); n > 1_500_000 {
		t.Errorf("the page has %d bytes, more than 1.5 MB", n)
	}
	if m := regexp.MustCompile(`(?:src|href)="(?:https?:)?//`).FindString(page); m != "" {
		t.Errorf("the page refers to the network: %s", m)
	}
}

func TestAnInterruptedRunSaysSoFirst(t *testing.T) {
	r := sample("")
	r.Status = record.Interrupted
	if page := render(t, r); !strings.Contains(page, "This run was interrupted after 3 rounds.") {
		t.Error("the page does not say that the run was interrupted")
	}
}

// In a real browser: every chart is drawn with data, nothing is logged, no
// request leaves the page, and injected markup stays text.
func TestInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("short: no browser")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI has no chromium")
		}
		t.Skip("chromium is not installed: apt-get install chromium")
	}
	for name, records := range map[string][]*record.Record{
		"one": {sample("")}, "two": {sample(""), sample("")}, "hostile": {sample(attack)},
	} {
		t.Run(name, func(t *testing.T) {
			dom, log := browse(t, chromium, render(t, records...))
			if strings.Contains(log, "CONSOLE") || strings.Contains(log, "Content Security Policy") {
				t.Errorf("the console has messages:\n%s", log)
			}
			if strings.Contains(dom, "<title>taken") || strings.Contains(dom, "<u id=") {
				t.Error("injected markup came alive")
			}
			drawn := regexp.MustCompile(`data-drawn="(\d+)"`).FindAllStringSubmatch(dom, -1)
			charts := strings.Count(dom, `class="chart"`)
			if charts < 4 || len(drawn) != charts {
				t.Fatalf("%d of %d charts are drawn; log:\n%s", len(drawn), charts, log)
			}
			for i, d := range drawn {
				if points, err := strconv.Atoi(d[1]); err != nil || points < 2 {
					t.Errorf("chart %d is drawn with %s points", i, d[1])
				}
			}
		})
	}
}

// browse loads a page from a file and returns its DOM and what was logged.
func browse(t *testing.T, chromium, page string) (dom, log string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=5000", "--enable-logging=stderr", "--dump-dom", "file://"+path)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, errs.String())
	}
	var lines []string
	for _, line := range strings.Split(errs.String(), "\n") {
		if strings.Contains(line, "CONSOLE") || strings.Contains(line, "Security Policy") || strings.Contains(line, "net::") {
			lines = append(lines, line)
		}
	}
	return out.String(), strings.Join(lines, "\n")
}

func BenchmarkRender(b *testing.B) {
	r := sample("")
	for b.Loop() {
		if err := html.Render(&bytes.Buffer{}, []*record.Record{r}); err != nil {
			b.Fatal(err)
		}
	}
}
