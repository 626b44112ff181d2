package launch_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/runners/session"
)

// introduced is a runner that says it computes on a device, and keeps how it
// was started and greeted.
type introduced struct {
	says  string // hello's device
	spec  engine.Spec
	asked protocol.HelloParams
}

func (i *introduced) script(p *enginetest.Streams) engine.Exit {
	i.spec = p.Spec
	scanner := bufio.NewScanner(p.Stdin)
	for scanner.Scan() {
		var r protocol.Request
		if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
			return engine.Exit{Code: 1}
		}
		result := "{}"
		if r.Request == protocol.Hello {
			result = fmt.Sprintf(`{"protocol":1,"device":%s}`, i.says)
			if err := json.Unmarshal(r.Params, &i.asked); err != nil {
				return engine.Exit{Code: 1}
			}
		}
		fmt.Fprintf(p.Stdout, `{"id":%d,"result":%s}`+"\n", r.ID, result)
		if r.Request == protocol.Bye {
			break
		}
	}
	return engine.Exit{}
}

var card = device.Device{Name: "gpu:1", Card: record.GPU{Index: 1, UUID: "GPU-8d3f"}}

func TestARunnerConfirmsItsDevice(t *testing.T) {
	for name, tt := range map[string]struct {
		on          device.Device
		says        string
		gpus        string
		asked       string
		fault, told string
	}{
		"the GPU":          {card, `{"kind":"gpu","uuid":"GPU-8d3f"}`, "GPU-8d3f", "gpu:0", "", ""},
		"some GPU":         {card, `{"kind":"gpu"}`, "GPU-8d3f", "gpu:0", "", "cannot tell which GPU"},
		"another GPU":      {card, `{"kind":"gpu","uuid":"GPU-8e00"}`, "GPU-8d3f", "gpu:0", `runner "x@gpu:1": hello: asked for GPU-8d3f, the runner computes on GPU-8e00`, ""},
		"the CPU":          {card, `{"kind":"cpu"}`, "GPU-8d3f", "gpu:0", "asked for GPU-8d3f, the runner computes on the CPU", ""},
		"nothing":          {card, `{}`, "GPU-8d3f", "gpu:0", `asked for GPU-8d3f, the runner computes on ""`, ""},
		"the CPU as asked": {device.CPU, `{"kind":"cpu"}`, "", "cpu", "", ""},
		"a GPU unasked":    {device.CPU, `{"kind":"gpu","uuid":"GPU-8d3f"}`, "", "cpu", "asked for the CPU", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			runner := &introduced{says: tt.says}
			fake := &enginetest.Fake{Scripts: map[string]enginetest.Script{"x": runner.script}}
			l := &launch.Launcher{Engine: fake, Threads: 1, Inputs: filepath.Join(dir, "in"), Work: filepath.Join(dir, "work"), Logs: filepath.Join(dir, "logs"),
				Deadlines: session.Deadlines{Hello: 10 * time.Second, Close: time.Second}}
			r, err := l.Open(t.Context(), manifest.Manifest{Name: "x@gpu:1", Local: &manifest.Local{Command: []string{"x"}}}, "", tt.on)
			if got := strings.Join(runner.spec.GPUs, " "); got != tt.gpus || runner.asked.Device != tt.asked {
				t.Errorf("it was started with %q and asked for %q, want %q and %q", got, runner.asked.Device, tt.gpus, tt.asked)
			}
			for _, m := range runner.spec.Mounts {
				if strings.Contains(m.Host, ":") {
					t.Errorf("the mount of %s would end at its colon", m.Host)
				}
			}
			var failure *session.Failure
			switch {
			case tt.fault != "":
				if !errors.As(err, &failure) || failure.Kind != session.WrongDevice || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("error is %v, want %q", err, tt.fault)
				}
			case err != nil:
				t.Fatal(err)
			default:
				if !strings.Contains(r.Unconfirmed(), tt.told) || (tt.told == "") != (r.Unconfirmed() == "") {
					t.Errorf("unconfirmed is %q, want %q", r.Unconfirmed(), tt.told)
				}
				if err := r.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if left, err := os.ReadDir(l.Work); err != nil || len(left) > 0 {
				t.Errorf("%v are left, %v", left, err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			for range 100 {
				if fake.Running() == 0 {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Error("a process is left")
		})
	}
}

// In a container the driver of a card keeps what it compiles where the next process
// of the cell finds it; a plain process has the user's place for that.
func TestTheDriversCacheOutlivesAContainer(t *testing.T) {
	for name, tt := range map[string]struct {
		on        device.Device
		container bool
		want      string
	}{
		"a container with a card": {card, true, "/dlbench/cache/driver"},
		"a container without":     {device.CPU, true, ""},
		"a plain process":         {card, false, ""},
	} {
		dir := t.TempDir()
		says := `{"kind":"cpu"}`
		if tt.on.GPU() {
			says = `{"kind":"gpu","uuid":"GPU-8d3f"}`
		}
		runner := &introduced{says: says}
		fake := &enginetest.Fake{Scripts: map[string]enginetest.Script{"x": runner.script}}
		l := &launch.Launcher{Engine: fake, Threads: 1, Inputs: filepath.Join(dir, "in"), Work: filepath.Join(dir, "work"),
			Deadlines: session.Deadlines{Hello: 10 * time.Second, Close: time.Second}}
		if tt.container {
			l.Engine = struct{ engine.Engine }{fake} // which does not share the host's paths
		}
		m := manifest.Manifest{Name: "x", Command: []string{"x"}, Local: &manifest.Local{Command: []string{"x"}}}
		r, err := l.OpenWith(t.Context(), m, "", tt.on, launch.Own{Cache: filepath.Join(dir, "kept")})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := runner.spec.Environment["CUDA_CACHE_PATH"]; got != tt.want {
			t.Errorf("%s: CUDA_CACHE_PATH is %q, want %q", name, got, tt.want)
		}
		mounted := false
		for _, mount := range runner.spec.Mounts {
			mounted = mounted || mount.Host == filepath.Join(dir, "kept") && !mount.ReadOnly
		}
		if mounted != (tt.want != "") {
			t.Errorf("%s: mounts are %v", name, runner.spec.Mounts)
		}
		if r.CompileCache() != "" {
			t.Errorf("%s: the runner itself keeps nothing, and found %q", name, r.CompileCache())
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
