package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample/drivertest"
)

// situation is a state of a machine's driver, and what the commands make of it.
type situation struct {
	name   string // for the documentation
	nvml   string // what the made-up driver is told; see its source
	build  string // how it is built
	own    bool   // speaks of process numbers: only where they are the driver's
	refuse string // what every command ends with, by exit 5; else it is measured
	doctor string // what doctor says, a regular expression
	record string // a warning's code, or a figure that is missing and its reason: "gpu0_percent: the GPU is lost"
	on     string // device of the cell; gpu:0 if empty
}

var situations = []situation{
	{name: "one H100", nvml: "h100:1", doctor: `GPU 0 +ok +NVIDIA H100 80GB HBM3, 79\.6 GiB, compute capability 9\.0`},
	{name: "two of them", nvml: "h100:2", doctor: `GPU 1 +ok`},
	{name: "the library is there, the driver is not loaded", nvml: "init=9", refuse: "the NVIDIA driver is not loaded", doctor: "modprobe nvidia"},
	{name: "half an update: library and kernel module differ", nvml: "init=18", refuse: "differ in version", doctor: "restart the machine"},
	{name: "no permission for the driver", nvml: "init=4", refuse: "no permission to ask the NVIDIA driver", doctor: `chmod 0666`},
	{name: "no card", nvml: "none", refuse: "the NVIDIA driver shows no GPU", doctor: "GPU +missing"},
	{name: "the only card was given to others", nvml: "noaccess=0", refuse: "open GPU 0: no permission", doctor: "chmod 0666"},
	{name: "the first of two cards was given to others", nvml: "h100:2,noaccess=0", doctor: `GPU 0 +warning +cannot be used: open GPU 0: no permission`, on: "gpu:1"},
	{name: "the first of two cards is broken", nvml: "h100:2,broken=0", doctor: `GPU 0 +warning +cannot be used: open GPU 0: the GPU is lost`, on: "gpu:1"},
	{name: "the card is lost while it is measured", nvml: "lost=0@2", doctor: `GPU 0 +ok`, record: "gpu0_percent: the GPU is lost"},
	{name: "MIG, in two instances, none of them named", nvml: "mig=2", refuse: "gpu:0 is split by MIG", doctor: `split by MIG: gpu:1 \(MIG-`},
	{name: "MIG without an instance", nvml: "mig=0", refuse: "gpu:0 is split by MIG", doctor: `nvidia-smi mig -cgi`},
	{name: "MIG, and no permission to list the instances", nvml: "mig=2,mignolist", refuse: "gpu:0 is split by MIG", doctor: "without an instance"},
	{name: "memory shared with the processor", nvml: "nomem", doctor: "memory shared with the processor", record: "gpu0_memory_bytes: this GPU does not tell"},
	{name: "a virtual GPU without PCIe", nvml: "nopcie", doctor: `GPU 0 +ok`, record: "gpu0_pcie_width: this GPU does not tell"},
	{name: "neither power nor energy", nvml: "nopower", doctor: `GPU 0 +ok`, record: "gpu0_power_watts: this GPU does not tell"},
	{name: "power, and no energy counter", nvml: "noenergy", doctor: `GPU 0 +ok`, record: "gpu0_energy_joules: this GPU does not tell"},
	{name: "an energy counter that stands still", nvml: "energystuck", doctor: `GPU 0 +ok`, record: "gpu0_energy_joules: the GPU's energy counter stands still"},
	{name: "processes may not be listed", nvml: "noproc=4", doctor: `GPU 0 +ok`, record: "gpu0_other_processes: list the processes on GPU 0: no permission"},
	{name: "a desktop on the card", nvml: "xorg=1", own: true, doctor: `GPU 0 +ok`, record: record.GPUShared},
	{name: "others compute on the card", nvml: "count=3", own: true, doctor: `GPU 0 +ok`, record: record.GPUForeign},
	{name: "processes without numbers", nvml: "pids0", own: true, doctor: `GPU 0 +ok`, record: "gpu0_other_processes: the driver does not tell the numbers"},
	{name: "heat holds the clocks down", nvml: "reasons=40", doctor: `GPU 0 +ok`, record: record.GPUThermal},
	{name: "a power cap holds the clocks down", nvml: "reasons=4", doctor: `GPU 0 +ok`, record: record.GPUPowerLimit},
	{name: "the link is slower than it could be", nvml: "linkgen=1", doctor: `GPU 0 +ok`, record: record.GPULink},
	{name: "a driver that is too old for CUDA 13", nvml: "driver=575.57.08,cuda=12090", doctor: `GPU driver +warning +NVIDIA 575\.57\.08, for CUDA 12\.9 and older; too old`},
	{name: "driver R418, with few functions", nvml: "h100:1", build: "-DOLD_DRIVER", doctor: `GPU 0 +ok`, record: "gpu0_energy_joules: the NVIDIA driver is too old to tell"},
	{name: "a driver without what is deprecated", nvml: "h100:1", build: "-DNEW_DRIVER", doctor: `GPU 0 +ok`},
}

// The program's real binding meets a made-up library of the driver, in each
// situation and with each command that computes on a card.
func TestSituationsOfTheDriver(t *testing.T) {
	m := newMadeUp(t)
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			if s.own && m.foreignPIDs {
				t.Skip("processes have other numbers here than the driver's")
			}
			m := m.in(t, s)
			exit := exitDone
			if s.refuse != "" {
				exit = exitEnvironment
			}
			m.expect("doctor", exit, s.doctor, "doctor", "--device", "gpu")
			if s.refuse != "" {
				for _, command := range []string{"run", "verify", "nightly", "selftest", "fidelity"} {
					m.expect(command, exit, s.refuse, command, "--device", "gpu", "--engine", "local")
				}
				return
			}
			if m.python == "" || testing.Short() && s.build != "-DOLD_DRIVER" {
				return // the reference computes by numpy; and each campaign takes seconds
			}
			m.measure(s)
		})
	}
}

// madeUp drives a program that was built as users build it.
type madeUp struct {
	t           *testing.T
	program     string
	libraries   map[string]string
	dir, python string
	foreignPIDs bool
	environ     []string
}

func newMadeUp(t *testing.T) *madeUp {
	m := &madeUp{t: t, program: filepath.Join(t.TempDir(), "dlbench"), libraries: map[string]string{}, dir: t.TempDir(), python: testPython()}
	for _, build := range []string{"", "-DOLD_DRIVER", "-DNEW_DRIVER"} {
		m.libraries[build] = drivertest.Build(t, strings.Fields(build)...)
	}
	command := exec.Command("go", "build", "-o", m.program, ".")
	command.Env = append(os.Environ(), "CGO_CFLAGS=-O2 -Wno-deprecated-declarations")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	script, err := txtar.ParseFile("testdata/script/gpu.txt") // its runners say which card they were given
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range script.Files {
		path := filepath.Join(m.dir, file.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, file.Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	compiledAdapters(t, m.python, filepath.Join(m.dir, "cache", "dlbench"))
	namespace, err := os.Readlink("/proc/self/ns/pid")
	m.foreignPIDs = err == nil && namespace != "pid:[4026531836]"
	return m
}

// in is the machine in a situation: without container engines, with one cache
// for all situations, and with a history of its own.
func (m *madeUp) in(t *testing.T, s situation) *madeUp {
	here := *m
	here.t = t
	here.environ = []string{"PATH=" + m.dir, "HOME=" + m.dir, "XDG_CACHE_HOME=" + filepath.Join(m.dir, "cache"), "XDG_DATA_HOME=" + t.TempDir(), "DLBENCH_PYTHON=" + m.python,
		"LD_LIBRARY_PATH=" + m.libraries[s.build], "MADEUP_NVML=" + s.nvml}
	return &here
}

func (m *madeUp) expect(name string, exit int, says string, args ...string) {
	m.t.Helper()
	var out bytes.Buffer
	command := exec.Command(m.program, args...)
	command.Dir, command.Env, command.Stdout, command.Stderr = m.dir, m.environ, &out, &out
	if err := command.Run(); command.ProcessState == nil {
		m.t.Fatal(err)
	}
	words := strings.Join(strings.Fields(out.String()), " ") // tables break lines
	if code := command.ProcessState.ExitCode(); code != exit || !regexp.MustCompile(strings.ReplaceAll(says, " +", " ")).MatchString(words) {
		m.t.Errorf("%s exits with %d, want %d and %q:\n%s", name, code, exit, says, out.String())
	}
}

// measure runs the commands that compute.
func (m *madeUp) measure(s situation) {
	what := []string{"--device", "gpu", "--engine", "local", "--runner-dir", "runners", "--runner", "good", "--workload", "lenet/infer/b2/fp32"}
	out := filepath.Join(m.t.TempDir(), "out")
	m.expect("run", exitDone, "record ", append([]string{"run", "--profile", "quick", "--rounds", "1", "--out", out}, what...)...)
	rec, err := record.Read(filepath.Join(out, "result.json"))
	if err != nil {
		m.t.Fatal(err)
	}
	cell := rec.Cells[0]
	if on := "gpu:0"; cell.Status != record.Measured || s.on == "" && cell.Device != on || s.on != "" && cell.Device != s.on {
		m.t.Errorf("the cell is %s on %s: %s", cell.Status, cell.Device, cell.Reason)
	}
	missing := map[string]string{}
	for _, p := range cell.Processes {
		for name, reason := range p.Missing {
			if strings.HasPrefix(name, "gpu") {
				missing[name] = reason
			}
		}
	}
	name, reason, figure := strings.Cut(s.record, ": ")
	switch {
	case figure && !strings.Contains(missing[name], reason):
		m.t.Errorf("missing are %v, want %s", missing, s.record)
	case !figure && s.record != "" && !slices.ContainsFunc(rec.Warnings, func(w record.Warning) bool { return w.Code == s.record }):
		m.t.Errorf("warnings are %v, want %s", rec.Warnings, s.record)
	case s.record == "" && len(missing) > 0 && !m.foreignPIDs:
		m.t.Errorf("missing are %v", missing)
	}
	if s.build == "" && s.nvml != "h100:1" {
		return // what they say of the card is what run says
	}
	m.expect("verify", exitDone, "passed", append([]string{"verify"}, what...)...)
	m.expect("nightly", exitEnvironment, "NOTHING JUDGED",
		append([]string{"nightly", "--profile", "quick", "--rounds", "1", "--dir", filepath.Join(m.t.TempDir(), "nights")}, what...)...)
}

// The documentation's table is this test's.
func TestTheDocumentationHasTheSituations(t *testing.T) {
	const begin, end = "<!-- situations -->\n", "<!-- /situations -->\n"
	path := filepath.Join("..", "..", "docs", "gpu.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(page), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the table between %q and %q", path, begin, end)
	}
	if want := head + begin + situationsTable() + end + tail; want != string(page) {
		if os.Getenv("DLBENCH_UPDATE_SCRIPTS") == "" {
			t.Fatalf("%s has another table: DLBENCH_UPDATE_SCRIPTS=1 writes it", path)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func situationsTable() string {
	var b strings.Builder
	b.WriteString("| Situation | `doctor --device gpu` | `run`, `verify`, `nightly` |\n|---|---|---|\n")
	for _, s := range situations {
		doctor, run := "0", "measured on `gpu:0`"
		if s.on != "" {
			run = "measured on `" + s.on + "`"
		}
		name, reason, figure := strings.Cut(s.record, ": ")
		switch {
		case s.refuse != "":
			doctor, run = "5", "5: "+s.refuse
		case figure:
			run += fmt.Sprintf("; `%s` is missing: %s", name, reason)
		case s.record != "":
			run += fmt.Sprintf("; warning `%s`", s.record)
		}
		fmt.Fprintf(&b, "| %s | %s: %s | %s |\n", s.name, doctor, plain(s.doctor), run)
	}
	return b.String()
}

// plain is what a regular expression looks for, for people.
func plain(expression string) string {
	return strings.NewReplacer(`\`, "", " +", " ").Replace(expression)
}
