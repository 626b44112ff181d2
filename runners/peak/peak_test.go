package peak_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/peak"
)

// program is one that says what it is scripted to.
type program struct {
	out, complaint io.Reader
	closed         *int
}

func (p program) Stdin() io.WriteCloser { return nowhere{} }
func (p program) Stdout() io.Reader     { return p.out }
func (p program) Stderr() io.Reader     { return p.complaint }
func (p program) Close(context.Context) error {
	*p.closed++
	return nil
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// bench is a machine of two CPUs with 32 MiB of cache, whose libraries say what
// they are scripted to.
type bench struct {
	peak.Machine
	says     map[string]string // by runner
	fails    map[string]string // of starts
	commands []string
	closed   int
	triads   int
	said     []string
}

func newBench(t *testing.T) *bench {
	root := t.TempDir()
	for _, cpu := range []string{"cpu0", "cpu1"} {
		dir := filepath.Join(root, "sys/devices/system/cpu", cpu, "cache/index3")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"level": "3", "type": "Unified", "size": "32768K", "shared_cpu_list": "0-1"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := &bench{says: map[string]string{}, fails: map[string]string{}}
	b.Machine = peak.Machine{Here: record.Environment{CPU: "EPYC", CPUFlags: []string{"avx2", "avx512_bf16"}}, Engine: "podman", CPUs: "0-1", Memory: 8 << 30,
		Root: root, Dir: filepath.Join(t.TempDir(), "peak"), Now: time.Now,
		Say: func(format string, args ...any) { b.said = append(b.said, fmt.Sprintf(format, args...)) },
		Start: func(_ context.Context, l peak.Library, command []string, on device.Device, threads int) (peak.Program, error) {
			b.commands = append(b.commands, fmt.Sprint(l.Manifest.Name, command, on.Name, threads))
			if why := b.fails[l.Manifest.Name]; why != "" {
				return nil, errors.New(why)
			}
			text, complaint, _ := strings.Cut(b.says[l.Manifest.Name], "!")
			return program{strings.NewReader(text), strings.NewReader(complaint), &b.closed}, nil
		},
		Triad: func(cpus []int, threads int, bytes int64) (float64, error) {
			b.triads++
			if !slices.Equal(cpus, []int{0, 1}) || bytes != 4*32<<20 {
				t.Errorf("a triad on CPUs %v with %d bytes", cpus, bytes)
			}
			return 25e9 * float64(threads), nil
		}}
	return b
}

func library(name string) peak.Library {
	return peak.Library{Manifest: manifest.Manifest{Name: name, Peak: []string{"peak", name}}, Key: "id of " + name}
}

func line(library, precision string, gflops float64, rows int) string {
	return fmt.Sprintf(`{"precision":%q,"library":%q,"flops":%g,"rows":%d}`+"\n", precision, library, gflops*1e9, rows)
}

func (b *bench) of(t *testing.T, threads int, names ...string) *record.Peak {
	t.Helper()
	var libraries []peak.Library
	for _, name := range names {
		libraries = append(libraries, library(name))
	}
	p, err := b.OfCPUs(t.Context(), libraries, threads)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The best library of each precision counts, and is named; a precision without
// units is not tried.
func TestBestLibraryOfEachPrecision(t *testing.T) {
	b := newBench(t)
	b.says["numpy"] = line("OpenBLAS", "fp32", 120, 1024) + `{"precision":"bf16","library":"OpenBLAS","missing":"none there"}`
	b.says["torch"] = line("MKL", "fp32", 200, 2048) + line("oneDNN", "bf16", 700, 4096)
	got := b.of(t, 2, "numpy", "torch")
	want := &record.Peak{GFLOPS: 200, BandwidthBytesPerSec: 50e9, Threads: 2, Source: "MKL, 2048 × 2048; memory by a triad of 3 × 128 MiB",
		Products: []record.PeakProduct{{Precision: "fp32", GFLOPS: 200, Library: "MKL", Rows: 2048}, {Precision: "fp32", GFLOPS: 120, Library: "OpenBLAS", Rows: 1024},
			{Precision: "bf16", GFLOPS: 700, Library: "oneDNN", Rows: 4096}},
		Missing: map[string]string{"fp16": "the processor has no units for it (avx512_fp16, amx_fp16, fphp)",
			"int8": "the processor has no units for it (avx512_vnni, avx_vnni, avx_vnni_int8, amx_int8, i8mm, asimddp)"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := []string{"numpy[peak numpy cpu fp32 bf16]cpu2", "torch[peak torch cpu fp32 bf16]cpu2"}; !slices.Equal(b.commands, want) || b.closed != 2 {
		t.Errorf("started were %q, closed %d", b.commands, b.closed)
	}
}

// What is known is not measured again: not by the same libraries on the same
// CPUs. Another processor, set of CPUs, number of threads or image is another
// question.
func TestEachQuestionIsMeasuredOnce(t *testing.T) {
	b := newBench(t)
	b.says["numpy"], b.says["torch"] = line("OpenBLAS", "fp32", 120, 1024), line("MKL", "fp32", 200, 2048)
	first := b.of(t, 2, "numpy")
	b.says["numpy"] = line("OpenBLAS", "fp32", 60, 1024)
	if diff := cmp.Diff(first, b.of(t, 2, "numpy")); diff != "" || len(b.commands) != 1 || b.triads != 1 {
		t.Errorf("measured again: %d starts, %d triads\n%s", len(b.commands), b.triads, diff)
	}
	if p := b.of(t, 2, "numpy", "torch"); p.GFLOPS != 200 || len(b.commands) != 2 {
		t.Errorf("a new image: %+v after %d starts", p, len(b.commands))
	}
	if p := b.of(t, 1, "numpy"); p.GFLOPS != 60 || p.BandwidthBytesPerSec != 25e9 {
		t.Errorf("fewer threads: %+v", p)
	}
	for name, change := range map[string]func(){
		"processor": func() { b.Here.CPU = "Xeon" },
		"units":     func() { b.Here.CPUFlags = nil },
		"engine":    func() { b.Engine = "local" },
		"asked to":  func() { b.Again = true },
	} {
		before := len(b.commands)
		if change(); b.of(t, 2, "numpy").GFLOPS != 60 || len(b.commands) != before+1 {
			t.Errorf("%s: the old figure", name)
		}
	}
}

// What others disturbed is told so, and measured again when they do not.
func TestBusyMachineIsMeasuredAgain(t *testing.T) {
	b := newBench(t)
	b.Busy = true
	b.says["numpy"] = line("OpenBLAS", "fp32", 60, 1024)
	if p := b.of(t, 2, "numpy"); p.Source != "OpenBLAS, 1024 × 1024, while others computed; memory by a triad of 3 × 128 MiB, while others computed" || !b.Known(2) {
		t.Errorf("got %+v", p)
	}
	b.says["numpy"] = line("OpenBLAS", "fp32", 120, 1024)
	if p := b.of(t, 2, "numpy"); p.GFLOPS != 60 || b.triads != 1 {
		t.Errorf("still busy, and measured again: %+v", p)
	}
	b.Busy = false
	if b.Known(2) {
		t.Error("a disturbed figure is known")
	}
	for range 2 {
		if p := b.of(t, 2, "numpy"); p.GFLOPS != 120 || strings.Contains(p.Source, "others") || b.triads != 2 {
			t.Errorf("not busy any more: %+v", p)
		}
	}
	b.Busy = true
	if p := b.of(t, 2, "numpy"); p.GFLOPS != 120 || b.triads != 2 {
		t.Errorf("a good figure is measured again: %+v", p)
	}
}

// Others only take away: what is measured beside them replaces only what is
// lower, and a quiet measurement replaces everything.
func TestBusyMachineLowersNoFigure(t *testing.T) {
	b := newBench(t)
	b.Again = true
	for _, step := range []struct {
		busy       bool
		says, want float64
		disturbed  bool
	}{{false, 120, 120, false}, {true, 60, 120, false}, {true, 130, 130, true}, {true, 100, 130, true}, {false, 110, 110, false}} {
		b.Busy, b.says["numpy"] = step.busy, line("OpenBLAS", "fp32", step.says, 1024)
		p := b.of(t, 2, "numpy")
		if disturbed := strings.HasPrefix(p.Source, "OpenBLAS, 1024 × 1024, while others"); p.GFLOPS != step.want || disturbed != step.disturbed || len(p.Products) != 1 {
			t.Errorf("%+v: %+v", step, p)
		}
	}
}

// A damaged file of the cache is as good as none.
func TestDamagedCacheIsMeasuredAgain(t *testing.T) {
	b := newBench(t)
	b.says["numpy"] = line("OpenBLAS", "fp32", 120, 1024)
	b.of(t, 2, "numpy")
	files, err := filepath.Glob(filepath.Join(b.Dir, "*.json"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte(`{"version":1,"found":{"bandwidth_bytes_per_s":1e99}}`), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if p := b.of(t, 2, "numpy"); p.GFLOPS != 120 || p.BandwidthBytesPerSec != 50e9 {
		t.Errorf("got %+v", p)
	}
}

// One library that fails leaves the others' figures; without any there is none,
// and the reasons are told.
func TestLibrariesThatFail(t *testing.T) {
	for name, tt := range map[string]struct{ says, fails, reason string }{
		"does not start":     {fails: "no such image", reason: "torch: no such image"},
		"ends with nothing":  {says: "!Traceback\nModuleNotFoundError: torch\n\n", reason: "torch: it told nothing: ModuleNotFoundError: torch"},
		"says no JSON":       {says: "hello\n", reason: `torch: it says "hello", expected a line of JSON`},
		"reaches nothing":    {says: line("MKL", "fp32", 0, 512), reason: "which is no figure"},
		"names no library":   {says: line("", "fp32", 5, 512), reason: "which is no figure"},
		"cannot do it":       {says: `{"precision":"fp32","library":"MKL","missing":"illegal instruction"}`, reason: "torch: illegal instruction"},
		"knows others alone": {says: line("MKL", "bf16", 5, 512), reason: "none of the runners measures it"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.says["numpy"], b.says["torch"], b.fails["torch"] = line("OpenBLAS", "fp32", 120, 1024), tt.says, tt.fails
			if p := b.of(t, 2, "torch", "numpy"); p.GFLOPS != 120 {
				t.Errorf("got %+v", p)
			}
			if _, err := b.OfCPUs(t.Context(), []peak.Library{library("torch")}, 2); err == nil || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("the error is %v, expected %q", err, tt.reason)
			}
		})
	}
	if _, err := newBench(t).OfCPUs(t.Context(), []peak.Library{{Manifest: manifest.Manifest{Name: "other"}}}, 2); err == nil {
		t.Error("a runner without a program has a peak")
	}
}

// Bandwidth that cannot be measured is missing, with the reason; products stay.
func TestBandwidthThatIsNotMeasured(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(b *bench)
		reason string
	}{
		"no caches":         {func(b *bench) { b.Root = t.TempDir() }, "does not tell the sizes of the caches"},
		"too little memory": {func(b *bench) { b.Memory = 1 << 30 }, "arrays that the caches (32 MiB) do not hold would take more than a quarter of the memory"},
		"nobody measures":   {func(b *bench) { b.Triad = nil }, "nobody measures it"},
		"it fails": {func(b *bench) {
			b.Triad = func([]int, int, int64) (float64, error) { return 0, errors.New("no memory") }
		}, "no memory"},
	} {
		b := newBench(t)
		b.says["numpy"] = line("OpenBLAS", "fp32", 120, 1024)
		tt.change(b)
		if p := b.of(t, 2, "numpy"); p.BandwidthBytesPerSec != 0 || !strings.Contains(p.Missing["bandwidth"], tt.reason) || p.GFLOPS != 120 {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// A card's memory is measured by the frameworks, and its products in the
// precisions of cards.
func TestPeakOfACard(t *testing.T) {
	b := newBench(t)
	b.says["torch"] = line("cuBLAS", "fp32", 50_000, 8192) + line("cuBLAS", "tf32", 400_000, 8192) + `{"library":"cuBLAS","bytes_per_s":3e12}`
	on := device.Device{Name: "gpu:1", Card: record.GPU{Index: 1, UUID: "GPU-1"}}
	p, err := b.OfCard(t.Context(), []peak.Library{library("torch")}, on, 2)
	if err != nil {
		t.Fatal(err)
	}
	if p.GFLOPS != 50_000 || p.BandwidthBytesPerSec != 3e12 || p.Best("tf32").GFLOPS != 400_000 || p.Missing["bf16"] != "none of the runners measures it" || b.triads != 0 {
		t.Errorf("got %+v", p)
	}
	if want := []string{"torch[peak torch gpu:0 fp32 tf32 bf16 fp16 int8]gpu:12"}; !slices.Equal(b.commands, want) {
		t.Errorf("started were %q", b.commands)
	}
	b.says["torch"] = line("cuBLAS", "fp32", 1, 8192) + `{"library":"cuBLAS","missing":"out of memory"}`
	on.Card.UUID = "GPU-2"
	if p, err = b.OfCard(t.Context(), []peak.Library{library("torch")}, on, 2); err != nil || p.GFLOPS != 1 || p.Missing["bandwidth"] != "torch: out of memory" {
		t.Errorf("another card: %+v, %v", p, err)
	}
}
