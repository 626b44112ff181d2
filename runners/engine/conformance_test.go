package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
)

func TestFake(t *testing.T) {
	enginetest.Suite{New: func(*testing.T) engine.Engine { return &enginetest.Fake{Scripts: enginetest.Scripts()} }}.Run(t)
}

func TestLocal(t *testing.T) {
	enginetest.Suite{Shell: true, New: func(*testing.T) engine.Engine { return engine.NewLocal(os.Environ()) }}.Run(t)
}

func TestPodman(t *testing.T) { containers(t, podman(t)).Run(t) }

func TestDocker(t *testing.T) {
	d := engine.NewDocker(os.Environ())
	if h := d.Probe(t.Context()); h.State != engine.Healthy {
		t.Skipf("docker is %s: %s", h.State, h.Reason)
	}
	containers(t, d).Run(t)
}

// podman is skipped if there is none, unless the environment demands it.
func podman(t *testing.T) *engine.CLI {
	t.Helper()
	if testing.Short() {
		t.Skip("short: no containers")
	}
	p, err := engine.NewPodman(os.Environ(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if h := p.Probe(t.Context()); h.State != engine.Healthy {
		missing(t, fmt.Sprintf("podman is %s: %s", h.State, h.Reason))
	}
	return p
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("DLBENCH_TEST_CONTAINERS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// containers needs any image with a shell: the runners' base.
func containers(t *testing.T, c *engine.CLI) enginetest.Suite {
	t.Helper()
	return enginetest.Suite{Shell: true, Base: engine.Spec{Image: baseImage(t, c)}, New: func(*testing.T) engine.Engine { return c }}
}

func baseImage(t *testing.T, c *engine.CLI) string {
	t.Helper()
	text, err := c.Output(t.Context(), "images", "--format", "{{.Repository}}:{{.Tag}}")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(text) {
		if strings.Contains(name, "dlbench/base-python:") {
			return name
		}
	}
	missing(t, "there is no base image: dlbench images build reference")
	return ""
}

// output starts a shell script under a spec and returns what it printed.
func output(t *testing.T, e engine.Engine, spec engine.Spec, script string) (string, engine.Exit) {
	t.Helper()
	spec.Command, spec.Session, spec.Name = []string{"sh", "-c", "{ " + script + "; } 2>&1"}, "test", "test"
	p, err := e.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(p.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	exit, err := p.Wait(t.Context())
	if err := errors.Join(err, p.Stop(t.Context(), 0)); err != nil {
		t.Fatal(err)
	}
	return string(text), exit
}

func TestCPUSet(t *testing.T) {
	script := `grep Cpus_allowed_list /proc/self/status`
	for name, start := range map[string]func(t *testing.T) (engine.Engine, engine.Spec){
		"local": func(*testing.T) (engine.Engine, engine.Spec) { return engine.NewLocal(os.Environ()), engine.Spec{} },
		"podman": func(t *testing.T) (engine.Engine, engine.Spec) {
			c := podman(t)
			return c, engine.Spec{Image: baseImage(t, c)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, spec := start(t)
			spec.CPUs = "0"
			if text, _ := output(t, e, spec, script); !strings.HasSuffix(strings.TrimSpace(text), "\t0") {
				t.Errorf("it may run on %q, want only CPU 0", text)
			}
		})
	}
}

func TestMountsAndLimits(t *testing.T) {
	c := podman(t)
	in, work := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(in, "given"), []byte("given"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(work, 0o777); err != nil {
		t.Fatal(err)
	}
	spec := engine.Spec{Image: baseImage(t, c), MemoryBytes: 64 << 20, FileBytes: 1 << 20, TmpfsBytes: 8 << 20, Mounts: []engine.Mount{
		{Host: in, Inside: "/dlbench/in", ReadOnly: true}, {Host: work, Inside: "/dlbench/work"},
	}}
	for name, test := range map[string]struct {
		script string
		want   string
	}{
		"inputs are there":         {`cat /dlbench/in/given`, "given"},
		"and cannot be changed":    {`echo x > /dlbench/in/given`, "Read-only file system"},
		"work can be written":      {`echo x > /dlbench/work/made && echo written`, "written"},
		"the root cannot":          {`echo x > /made`, "Read-only file system"},
		"a file ends at its limit": {`head -c 2000000 /dev/zero > /dlbench/work/large; echo code $?`, "code 153"},
		"/tmp ends at its size":    {`for i in 1 2 3 4 5 6 7 8 9 10; do head -c 1000000 /dev/zero > /tmp/$i; done`, "No space left"},
		"there is no network":      {`cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' \n'`, "lo"},
		"nobody's user":            {`id -u`, "65532"},
		"no capability is left":    {`grep CapEff /proc/self/status`, "0000000000000000"},
		"none can be gained":       {`grep NoNewPrivs /proc/self/status`, "1"},
		"standard input is no tty": {`test -t 0 || echo no tty`, "no tty"},
		"the home can be written":  {`echo x > $HOME/x && echo written`, "written"},
	} {
		t.Run(name, func(t *testing.T) {
			text, _ := output(t, c, spec, test.script)
			if !strings.Contains(text, test.want) {
				t.Errorf("it printed %q, want %q", text, test.want)
			}
		})
	}
	t.Run("memory ends at its limit", func(t *testing.T) {
		_, exit := output(t, c, spec, `head -c 200000000 /dev/zero | tail`)
		if !exit.OOMKilled && exit.Code == 0 {
			t.Errorf("exit is %+v, want an end by the memory limit", exit)
		}
	})
}

// A running container carries every rule that it is said to have.
func TestARunningContainerIsHardened(t *testing.T) {
	c := podman(t)
	p, err := c.Start(t.Context(), engine.Spec{Session: "s1", Name: "n", Image: baseImage(t, c), Command: []string{"cat"}, CPUs: "0", MemoryBytes: 128 << 20, PIDs: 77})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Stop(context.Background(), 0) }()
	id := p.Identity()
	if id.PID == 0 || id.ContainerID == "" || id.Cgroup == "" {
		t.Errorf("identity is %+v", id)
	}
	text, err := c.Output(t.Context(), "inspect", id.ContainerID)
	if err != nil {
		t.Fatal(err)
	}
	var seen []struct {
		Config struct {
			User   string
			Tty    bool
			Labels map[string]string
		}
		HostConfig struct {
			NetworkMode    string
			ReadonlyRootfs bool
			CapDrop        []string
			SecurityOpt    []string
			CpusetCpus     string
			Memory         int64
			MemorySwap     int64
			PidsLimit      int64
			Privileged     bool
			Tmpfs          map[string]string
		}
	}
	if err := json.Unmarshal([]byte(text), &seen); err != nil || len(seen) != 1 {
		t.Fatalf("inspect: %v", err)
	}
	h, config := seen[0].HostConfig, seen[0].Config
	for name, ok := range map[string]bool{
		"user": config.User == "65532:65532", "no tty": !config.Tty, "label": config.Labels[engine.Label] == "s1",
		"network": h.NetworkMode == "none", "read-only": h.ReadonlyRootfs, "not privileged": !h.Privileged,
		"no-new-privileges": strings.Contains(strings.Join(h.SecurityOpt, " "), "no-new-privileges"),
		"capabilities":      len(h.CapDrop) > 0, "cpuset": h.CpusetCpus == "0", "memory": h.Memory == 128<<20, "no swap": h.MemorySwap == 128<<20,
		"pids": h.PidsLimit == 77, "tmpfs": h.Tmpfs["/tmp"] != "",
	} {
		if !ok {
			t.Errorf("%s is not as it should be: %+v %+v", name, h, config)
		}
	}
}

func TestSweepRemovesWhatADeadHarnessLeft(t *testing.T) {
	c := podman(t)
	image := baseImage(t, c)
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	left, err := c.Output(t.Context(), "create", "--label=dlbench.owner="+fmt.Sprintf("%d:1", dead.Process.Pid), image, "true")
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Start(t.Context(), engine.Spec{Session: "s", Name: "n", Image: image, Command: []string{"cat"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Stop(context.Background(), 0) }()
	if n, err := c.Sweep(t.Context()); err != nil || n < 1 {
		t.Errorf("swept %d, %v", n, err)
	}
	if _, err := c.Output(t.Context(), "inspect", left); err == nil {
		t.Error("the dead harness's container is still there")
	}
	if _, err := c.Output(t.Context(), "inspect", p.Identity().ContainerID); err != nil {
		t.Errorf("the living harness's container is gone: %v", err)
	}
}

func TestAMissingImageIsToldAtOnce(t *testing.T) {
	c := podman(t)
	_, err := c.Start(t.Context(), engine.Spec{Name: "n", Image: "dlbench/nothing:here", Command: []string{"true"}})
	if err == nil || !strings.Contains(err.Error(), "dlbench/nothing:here") {
		t.Errorf("error is %v", err)
	}
}

func TestParseCPUs(t *testing.T) {
	for list, want := range map[string]string{"0-3,8": "0-3,8", "3,1,2,1": "1-3", "": "", "0, 5": "0,5", "0,2": "0,2"} {
		cpus, err := engine.ParseCPUs(list)
		if got := engine.FormatCPUs(cpus); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", list, got, err, want)
		}
	}
	for _, list := range []string{"a", "3-1", "-1", "1-", "0-99999999"} {
		if _, err := engine.ParseCPUs(list); err == nil {
			t.Errorf("%q is accepted", list)
		}
	}
}

func TestPathInside(t *testing.T) {
	mounts := []engine.Mount{{Host: "/a/b", Inside: "/in"}, {Host: "/w", Inside: "/work"}}
	c := engine.NewDocker(nil)
	for host, want := range map[string]string{"/a/b/c/d": "/in/c/d", "/w/x": "/work/x", "/a/bc": "/a/bc", "/w": "/work"} {
		if got := engine.PathInside(c, mounts, host); got != want {
			t.Errorf("%s is %s inside, want %s", host, got, want)
		}
	}
	if got := engine.PathInside(engine.NewLocal(nil), mounts, "/w/x"); got != "/w/x" {
		t.Errorf("a local process sees %s", got)
	}
}
