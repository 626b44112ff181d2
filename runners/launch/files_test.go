package launch_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/runners/session"
	"github.com/dlbench/dlbench/workloads/plan"
)

// walled is the scripted engine with a container's wall: its processes see
// mounts, and not the host's paths.
type walled struct{ engine.Engine }

// obedient answers every request, keeps its parameters, and says a line on
// standard error for each.
type obedient struct {
	spec  engine.Spec
	asked map[string]json.RawMessage
}

func (o *obedient) script(p *enginetest.Streams) engine.Exit {
	o.spec, o.asked = p.Spec, map[string]json.RawMessage{}
	results := map[string]string{
		protocol.Hello: `{"protocol":1,"device":{"kind":"cpu"}}`, protocol.Load: `{"parameters":7}`, protocol.Verify: `{"shapes":{"conv":[1,2]}}`,
		protocol.Measure: `{"start_ns":1,"end_ns":2,"output_digest":"d"}`,
	}
	lines := bufio.NewScanner(p.Stdin)
	for lines.Scan() {
		var r protocol.Request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return engine.Exit{Code: 1}
		}
		o.asked[r.Request] = r.Params
		result, ok := results[r.Request]
		if !ok {
			result = "{}"
		}
		fmt.Fprintln(p.Stderr, "heard", r.Request)
		fmt.Fprintf(p.Stdout, `{"id":%d,"result":%s}`+"\n", r.ID, result)
		if r.Request == protocol.Bye {
			break
		}
	}
	return engine.Exit{}
}

// launcher is one with a scripted engine, whose runners are reached by the
// first word of the manifest's command.
func launcher(t *testing.T, e engine.Engine) *launch.Launcher {
	t.Helper()
	dir := t.TempDir()
	l := &launch.Launcher{Engine: e, Session: "s", Threads: 2, CPUs: "0-1", Memory: 1 << 30, Python: "/opt/python", Adapters: "/adapters",
		Inputs: filepath.Join(dir, "in"), Work: filepath.Join(dir, "work"), Logs: filepath.Join(dir, "logs"),
		Deadlines: session.Deadlines{Hello: 10 * time.Second, Load: 10 * time.Second, Verify: 10 * time.Second, Block: 10 * time.Second, Close: time.Second}}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(l.Work); err == nil && len(left) > 0 {
			t.Errorf("work directories are left: %v", left)
		}
	})
	return l
}

func (o *obedient) string(t *testing.T, request, field string) string {
	t.Helper()
	var params map[string]any
	if err := json.Unmarshal(o.asked[request], &params); err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	text, _ := params[field].(string)
	return text
}

var inImage = manifest.Manifest{Name: "x", Command: []string{"x"}, Environment: map[string]string{"OMP_NUM_THREADS": "{threads}"}}

func TestARunnerInAContainerSeesItsOwnPaths(t *testing.T) {
	runner := &obedient{}
	l := launcher(t, walled{&enginetest.Fake{Scripts: map[string]enginetest.Script{"x": runner.script}}})
	r, err := l.Open(t.Context(), inImage, "image:1", device.CPU)
	if err != nil {
		t.Fatal(err)
	}
	if s := runner.spec; s.Image != "image:1" || s.Session != "s" || s.CPUs != "0-1" || s.MemoryBytes != 1<<30 || s.Environment["OMP_NUM_THREADS"] != "2" {
		t.Errorf("it was started as %+v", s)
	}
	if i := slices.IndexFunc(runner.spec.Mounts, func(m engine.Mount) bool { return m.Host == l.Inputs && m.ReadOnly }); i < 0 || len(runner.spec.Mounts) != 2 {
		t.Errorf("its mounts are %+v: inputs read-only, and a work directory", runner.spec.Mounts)
	}
	files := plan.Files{Plan: plan.File{Path: filepath.Join(l.Inputs, "plans/p/plan.json")}, Weights: plan.File{Path: filepath.Join(l.Inputs, "w")}, Batch: plan.File{Path: filepath.Join(l.Inputs, "b")}}
	loaded, err := r.Load(t.Context(), files)
	if err != nil || loaded.Parameters != 7 {
		t.Fatalf("loaded %+v, %v", loaded, err)
	}
	for field, want := range map[string]string{"plan": "/dlbench/in/plans/p/plan.json", "weights": "/dlbench/in/w", "batch": "/dlbench/in/b"} {
		if got := runner.string(t, protocol.Load, field); got != want {
			t.Errorf("%s is %q inside, want %q", field, got, want)
		}
	}
	host, verified, err := r.Verify(t.Context(), protocol.VerifyParams{Steps: 3})
	if err != nil || len(verified.Shapes) != 1 {
		t.Fatalf("verified %+v, %v", verified, err)
	}
	inside := runner.string(t, protocol.Verify, "output")
	if !strings.HasPrefix(inside, "/dlbench/work/") || filepath.Base(inside) != filepath.Base(host) || !strings.HasPrefix(host, l.Work) {
		t.Errorf("it writes %q, which is to be read at %q", inside, host)
	}
	_, none, err := r.Measure(t.Context(), protocol.MeasureParams{Scenario: protocol.Offline, Iterations: 1}, false)
	if err != nil || none != "" || runner.string(t, protocol.Measure, "output") != "" {
		t.Errorf("a block without output has %q, %v", none, err)
	}
	result, output, err := r.Measure(t.Context(), protocol.MeasureParams{Scenario: protocol.Offline, Iterations: 1}, true)
	if err != nil || result.EndNS != 2 || output == host || filepath.Base(runner.string(t, protocol.Measure, "output")) != filepath.Base(output) {
		t.Errorf("a block's output is %q, %+v, %v; want a file of its own", output, result, err)
	}
	if info, err := os.Stat(filepath.Dir(output)); err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("an unprivileged user cannot write to %v, %v", info, err)
	}
	if info, err := os.Stat(l.Work); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may look into %v, %v", info, err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARunnerOnTheHostIsStartedWithItsPython(t *testing.T) {
	runner := &obedient{}
	l := launcher(t, &enginetest.Fake{Scripts: map[string]enginetest.Script{"/opt/python": runner.script}})
	m := inImage
	m.Local = &manifest.Local{Command: []string{"python3", "-m", "mine"}}
	r, err := l.Open(t.Context(), m, "", device.CPU)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(runner.spec.Command, " "); got != "/opt/python -m mine" {
		t.Errorf("the command is %q", got)
	}
	if path := runner.spec.Environment["PYTHONPATH"]; path != "/adapters" {
		t.Errorf("Python looks for modules in %q", path)
	}
	path := filepath.Join(l.Inputs, "plan.json")
	if _, err := r.Load(t.Context(), plan.Files{Plan: plan.File{Path: path}}); err != nil || runner.string(t, protocol.Load, "plan") != path {
		t.Errorf("it was given %q, %v; want the host's own path", runner.string(t, protocol.Load, "plan"), err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAManifestWithoutAWayToStartLocallyIsUnsupported(t *testing.T) {
	l := launcher(t, &enginetest.Fake{})
	var refusal *protocol.Error
	if _, err := l.Open(t.Context(), inImage, "", device.CPU); !errors.As(err, &refusal) || refusal.Code != protocol.Unsupported {
		t.Errorf("open gives %v", err)
	}
	if _, err := l.StartRaw(t.Context(), inImage, "", device.CPU); !errors.As(err, &refusal) || refusal.Code != protocol.Unsupported {
		t.Errorf("a raw start gives %v", err)
	}
}

func TestARunnerThatDoesNotStartLeavesNothing(t *testing.T) {
	l := launcher(t, walled{&enginetest.Fake{}})
	if _, err := l.Open(t.Context(), inImage, "image", device.CPU); err == nil || !strings.Contains(err.Error(), `no script "x"`) {
		t.Errorf("got %v", err)
	}
}

func TestProcessesOfARunnerShareALog(t *testing.T) {
	l := launcher(t, walled{&enginetest.Fake{Scripts: map[string]enginetest.Script{"x": (&obedient{}).script}}})
	on := inImage
	on.Name = "x@gpu:0"
	for range 2 {
		r, err := l.Open(t.Context(), on, "image", device.CPU)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(l.Logs, "x@gpu-0.log"))
	if err != nil || strings.Count(string(data), "heard hello") != 2 {
		t.Errorf("the log has %q, %v; want what both processes said", data, err)
	}
	l.Logs = ""
	r, err := l.Open(t.Context(), inImage, "image", device.CPU)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDirectoriesThatCannotBeMadeAreTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*launch.Launcher){
		"work": func(l *launch.Launcher) { l.Work = filepath.Join(file, "work") },
		"logs": func(l *launch.Launcher) { l.Logs = filepath.Join(file, "logs") },
	} {
		t.Run(name, func(t *testing.T) {
			l := launcher(t, walled{&enginetest.Fake{}})
			change(l)
			if _, err := l.Open(t.Context(), inImage, "image", device.CPU); err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("got %v, want an error that names %s", err, file)
			}
		})
	}
}

func TestARawStartSpeaksForItself(t *testing.T) {
	runner := &obedient{}
	l := launcher(t, walled{&enginetest.Fake{Scripts: map[string]enginetest.Script{"x": runner.script}}})
	c, err := l.StartRaw(t.Context(), inImage, "image", device.CPU)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Inside(filepath.Join(c.Work, "out")); got != "/dlbench/work/out" {
		t.Errorf("its file is %q inside", got)
	}
	if _, err := io.WriteString(c.Stdin(), `{"id":5,"request":"unload"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	reply, err := bufio.NewReader(c.Stdout()).ReadString('\n')
	if err != nil || reply != `{"id":5,"result":{}}`+"\n" || len(runner.asked) != 1 {
		t.Errorf("it answered %q, %v, after %v; want that nothing was said before", reply, err, runner.asked)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A cell may have threads of its own: its process is told so on both ways.
func TestOpenWithOtherThreads(t *testing.T) {
	runner := &obedient{}
	l := launcher(t, walled{&enginetest.Fake{Scripts: map[string]enginetest.Script{"x": runner.script}}})
	r, err := l.OpenWith(t.Context(), inImage, "image:1", device.CPU, launch.Own{Threads: 7})
	if err != nil {
		t.Fatal(err)
	}
	if got := runner.spec.Environment["OMP_NUM_THREADS"]; got != "7" {
		t.Errorf("its environment says %s threads", got)
	}
	var hello struct{ Threads int }
	if err := json.Unmarshal(runner.asked["hello"], &hello); err != nil || hello.Threads != 7 {
		t.Errorf("hello says %d threads, %v", hello.Threads, err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// What a runner compiles is kept in a directory that its next process finds: the
// one that it is given, or one that ends with it.
func TestARunnerFindsWhatItCompiled(t *testing.T) {
	keeps := inImage
	keeps.Environment = map[string]string{"KEPT": "{cache}/compiled"}
	runner := &obedient{}
	l := launcher(t, walled{&enginetest.Fake{Scripts: map[string]enginetest.Script{"x": runner.script}}})
	shared := filepath.Join(t.TempDir(), "a", "cell")
	for process, want := range []string{"empty", "filled"} {
		r, err := l.OpenWith(t.Context(), keeps, "image:1", device.CPU, launch.Own{Cache: shared})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.CompileCache(); got != want {
			t.Errorf("process %d found the directory %q, want %q", process, got, want)
		}
		if got := runner.spec.Environment["KEPT"]; got != "/dlbench/cache/compiled" {
			t.Errorf("it is told %s", got)
		}
		if !slices.Contains(runner.spec.Mounts, engine.Mount{Host: shared, Inside: "/dlbench/cache"}) {
			t.Errorf("its mounts are %+v", runner.spec.Mounts)
		}
		if info, err := os.Stat(shared); err != nil || info.Mode().Perm() != 0o777 {
			t.Errorf("the directory is %v, %v: the user inside has to write to it", info.Mode(), err)
		}
		if err := os.WriteFile(filepath.Join(shared, "kernel.so"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	r, err := l.Open(t.Context(), keeps, "image:1", device.CPU)
	if err != nil {
		t.Fatal(err)
	}
	if got := runner.spec.Environment["KEPT"]; got != "/dlbench/work/compiled/compiled" || r.CompileCache() != "empty" || len(runner.spec.Mounts) != 2 {
		t.Errorf("without a directory it is told %s, found %q, and its mounts are %+v", got, r.CompileCache(), runner.spec.Mounts)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	plain, err := l.OpenWith(t.Context(), inImage, "image:1", device.CPU, launch.Own{Cache: shared})
	if err != nil {
		t.Fatal(err)
	}
	if plain.CompileCache() != "" || len(runner.spec.Mounts) != 2 {
		t.Errorf("one that keeps nothing found %q, and its mounts are %+v", plain.CompileCache(), runner.spec.Mounts)
	}
	if err := plain.Close(t.Context()); err != nil {
		t.Error(err)
	}
	raw, err := l.StartRaw(t.Context(), keeps, "image:1", device.CPU)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(raw.Stdin(), `{"id":1,"request":"bye"}`); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(raw.Stdout()).ReadString('\n'); err != nil { // it has begun
		t.Fatal(err)
	}
	if err := raw.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := runner.spec.Environment["KEPT"]; got != "/dlbench/work/compiled/compiled" {
		t.Errorf("one that is started raw is told %s", got)
	}
}
