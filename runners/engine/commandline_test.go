package engine_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/presence"
)

func TestMain(m *testing.M) {
	enginetest.Play()
	os.Exit(m.Run())
}

// played is podman or docker by their command lines, without a container.
func played(t *testing.T, name string) (*engine.CLI, *enginetest.CommandLine) {
	t.Helper()
	double := enginetest.NewCommandLine(t, name)
	if name == "docker" {
		return engine.NewDocker(os.Environ()), double
	}
	c, err := engine.NewPodman(os.Environ(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c, double
}

// bothPlayed runs a test with each of them.
func bothPlayed(t *testing.T, test func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine)) {
	for _, name := range []string{"podman", "docker"} {
		t.Run(name, func(t *testing.T) {
			c, double := played(t, name)
			test(t, c, double)
		})
	}
}

// shell starts a script in a played container and stops it at the test's end.
func shell(t *testing.T, c *engine.CLI, script string) engine.Process {
	t.Helper()
	p, err := c.Start(t.Context(), engine.Spec{Name: "x", Image: "image", Session: "s", Command: []string{"sh", "-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(context.Background(), 0); err != nil {
			t.Errorf("stop at the end: %v", err)
		}
	})
	return p
}

// waiting is a process that has said that it runs, and ends with its input.
const waiting = "echo ready; cat"

func ready(t *testing.T, p engine.Process) {
	t.Helper()
	line := make([]byte, 6)
	if _, err := io.ReadFull(p.Stdout(), line); err != nil || string(line) != "ready\n" {
		t.Fatalf("it said %q, %v", line, err)
	}
}

func TestTheCommandLinesBehaveLikeEveryEngine(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		if c.Name() != filepath.Base(t.Name()) {
			t.Errorf("its name is %q", c.Name())
		}
		enginetest.Suite{Shell: true, Base: engine.Spec{Image: "image"}, New: func(*testing.T) engine.Engine { return c }}.Run(t)
		if left := double.Containers(); len(left) > 0 {
			t.Errorf("containers are left: %v", left)
		}
	})
}

func TestAContainerMayDoNothingButCompute(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		p, err := c.Start(t.Context(), engine.Spec{
			Session: "session-1", Name: "x", Image: "image", Command: []string{"true"}, CPUs: "0-1", MemoryBytes: 1 << 30, PIDs: 50, TmpfsBytes: 1 << 20, FileBytes: 1 << 21,
			Environment: map[string]string{"OMP_NUM_THREADS": "2"},
			Mounts:      []engine.Mount{{Host: "/a", Inside: "/dlbench/in", ReadOnly: true}, {Host: `/b:c, "d"`, Inside: "/dlbench/work"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Stop(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		calls := double.Calls("create")
		if len(calls) != 1 {
			t.Fatalf("it was created %d times", len(calls))
		}
		for _, want := range []string{
			"--pull=never", "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
			"--pids-limit=50", "--tmpfs=/tmp:rw,nosuid,nodev,size=1048576,mode=1777", "--ulimit=fsize=2097152:2097152", "--ulimit=core=0:0",
			"--memory=1073741824", "--memory-swap=1073741824", "--cpuset-cpus=0-1", "--env=OMP_NUM_THREADS=2",
			"--mount=type=bind,src=/a,dst=/dlbench/in,readonly", `--mount=type=bind,"src=/b:c, ""d""",dst=/dlbench/work`, "--label=dlbench.session=session-1",
		} {
			if !slices.Contains(calls[0], want) {
				t.Errorf("%s is not among %q", want, calls[0])
			}
		}
		if user := slices.Index(calls[0], "--user"); user < 0 || strings.HasPrefix(calls[0][user+1], "0:") {
			t.Errorf("its user is root: %q", calls[0])
		}
		if tail := calls[0][len(calls[0])-2:]; tail[0] != "image" || tail[1] != "true" {
			t.Errorf("it ends with %q, want the image and its command", tail)
		}
	})
}

func TestAContainerThatCannotBeCreatedSaysWhatTheEngineSaid(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		double.Fail("create", "Trying to find it...\nError: image: image not known\n")
		_, err := c.Start(t.Context(), engine.Spec{Name: "pytorch", Image: "image", Command: []string{"true"}})
		if err == nil || !strings.Contains(err.Error(), "create a container for pytorch") || !strings.HasSuffix(err.Error(), "Error: image: image not known") {
			t.Errorf("got %v, want the runner and the engine's last line", err)
		}
	})
}

func TestAFullDiskOfTheEngineIsNoFaultOfTheRunner(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		double.Fail("create", "Error: write /var/lib/containers/storage: no space left on device\n")
		_, err := c.Start(t.Context(), engine.Spec{Name: "x", Image: "i"})
		var missing *engine.EnvironmentError
		if !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &missing) || !strings.HasPrefix(missing.Hint, "make room where "+c.Name()) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAContainerThatVanishesBeforeItsStartIsOneThatEnded(t *testing.T) {
	c, double := played(t, "podman")
	double.Answer("create", "c0ffee\n")
	double.Fail("start", "Error: no such container c0ffee\n")
	p, err := c.Start(t.Context(), engine.Spec{Name: "x", Image: "image", Command: []string{"true"}})
	if err != nil {
		t.Fatal(err)
	}
	exit, err := p.Wait(t.Context())
	if err != nil || exit.Code != 125 {
		t.Errorf("it ended as %+v, %v, want the engine's 125", exit, err)
	}
	if err := p.Stop(t.Context(), 0); err != nil { // rm says: no such container
		t.Error(err)
	}
	if removals := double.Calls("rm"); len(removals) != 1 || removals[0][len(removals[0])-1] != "c0ffee" {
		t.Errorf("removed by %q", removals)
	}
}

func TestTheIdentityIsOfTheProcessInside(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		p := shell(t, c, "echo $$; cat")
		pid := make([]byte, 20)
		n, err := p.Stdout().Read(pid)
		if err != nil {
			t.Fatal(err)
		}
		identity := p.Identity()
		if ids := double.Containers(); len(ids) != 1 || identity.ContainerID != ids[0] {
			t.Errorf("container %q, want %q", identity.ContainerID, ids)
		}
		if got, want := identity.PID, strings.TrimSpace(string(pid[:n])); want != strconv.Itoa(got) {
			t.Errorf("process %d, want %s", got, want)
		}
		groups, err := os.ReadFile("/proc/self/cgroup") // the double's containers stay in ours
		if err != nil || identity.Cgroup == "" || !strings.Contains(string(groups), ":"+identity.Cgroup+"\n") {
			t.Errorf("control group %q, want one of %q (%v)", identity.Cgroup, groups, err)
		}
		before := len(double.Calls("inspect"))
		if again := p.Identity(); again != identity || len(double.Calls("inspect")) != before {
			t.Errorf("asked again: %+v", again)
		}
	})
}

func TestAProcessThatHasEndedHasNoIdentity(t *testing.T) {
	c, _ := played(t, "podman")
	p := shell(t, c, "true")
	if _, err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.Identity(); got.PID != 0 || got.Cgroup != "" || got.ContainerID == "" {
		t.Errorf("identity %+v, want the container's only", got)
	}
}

func TestAKillForMemoryIsTold(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		double.Answer("inspect --format {{.State.OOMKilled}}", "true\n")
		exit, err := shell(t, c, "kill -KILL $$").Wait(t.Context())
		if err != nil || !exit.OOMKilled || exit.Code != 137 || exit.Signal != "SIGKILL" {
			t.Errorf("exit is %+v, %v", exit, err)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	c, _ := played(t, "podman")
	p := shell(t, c, waiting)
	ready(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAStopThatCannotRemoveSaysSoAndMayBeTriedAgain(t *testing.T) {
	c, double := played(t, "podman")
	p := shell(t, c, waiting)
	ready(t, p)
	double.Fail("rm", "Error: the storage is busy\n")
	if err := p.Stop(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "remove container c0ffee") || !strings.Contains(err.Error(), "the storage is busy") {
		t.Errorf("got %v, want the container and what the engine said", err)
	}
	double.Fail("rm", "Error: No such container\n") // somebody else removed it
	if err := p.Stop(t.Context(), 0); err != nil {
		t.Errorf("a container that is gone: %v", err)
	}
}

func TestASweepRemovesWhatDeadHarnessesLeft(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		p := shell(t, c, waiting) // ours, and at work
		ready(t, p)
		for _, owner := range []string{"99999999:1", strconv.Itoa(os.Getpid()) + ":1", "nonsense"} { // ended; a later process of that number; not ours
			double.Leave("dlbench.session=old", "dlbench.owner="+owner)
		}
		earlier := double.Leave("dlbench.owner=99999999:1") // by a dlbench that does not say in which namespace
		double.Answer("inspect --format {{.State.Status}} {{json .Config.Labels}} "+earlier, `running {"dlbench.owner":"99999999:1"}`)
		n, err := c.Sweep(t.Context())
		if err != nil || n != 3 {
			t.Errorf("%d were removed, %v; want 3", n, err)
		}
		left, want := double.Containers(), []string{earlier, p.Identity().ContainerID}
		slices.Sort(want)
		if !slices.Equal(left, want) {
			t.Errorf("%v are left, want only those that are at work: %v", left, want)
		}
		if filters := double.Calls("ps"); len(filters) != 1 || !slices.Contains(filters[0], "label=dlbench.owner") {
			t.Errorf("it listed by %q, want only containers with our label", filters)
		}
	})
}

// A PID says nothing of a process in another namespace, nor of one before the
// machine was restarted.
func TestASweepKnowsOwnersByTheirLocks(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		dir := t.TempDir()
		self, err := presence.Claim(dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c.OwnedBy(self)
		p := shell(t, c, waiting)
		ready(t, p)
		var own []string // what the container is labelled with
		for _, arg := range double.Calls("create")[0] {
			if label, found := strings.CutPrefix(arg, "--label="); found {
				own = append(own, label)
			}
		}
		elsewhere := func(changes ...string) []string { // the last of a name counts
			return slices.Concat(own, []string{"dlbench.pidns=pid:[1]", "dlbench.owner=99999999:1"}, changes)
		}
		live := double.Leave(elsewhere()...)
		unknown := double.Leave(elsewhere("dlbench.lock=" + filepath.Join(dir, "not-here.lock"))...)
		double.Leave(elsewhere("dlbench.boot=earlier")...)
		gone, err := presence.Claim(dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		lock := presence.Lock(gone.Labels())
		if err := gone.Release(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(lock, nil, 0o644); err != nil { // as a killed process leaves it
			t.Fatal(err)
		}
		double.Leave(elsewhere("dlbench.lock=" + lock)...)
		if n, err := c.Sweep(t.Context()); n != 2 || err != nil {
			t.Errorf("%d were removed, %v; want those of a killed process and of an earlier start", n, err)
		}
		left, want := double.Containers(), []string{p.Identity().ContainerID, live, unknown}
		slices.Sort(want)
		if !slices.Equal(left, want) {
			t.Errorf("%v are left, want %v", left, want)
		}
		if sessions, err := c.Sessions(t.Context()); len(sessions) != 0 || err != nil {
			t.Errorf("what is ours, or does not run, is another's session: %v, %v", sessions, err)
		}
		if err := self.Release(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestASweepGoesOnAfterOneThatItCannotRemove(t *testing.T) {
	c, double := played(t, "podman")
	stuck := double.Leave("dlbench.owner=99999999:1")
	double.Leave("dlbench.owner=99999999:1")
	double.Fail("rm --force --volumes "+stuck, "Error: device or resource busy\n")
	n, err := c.Sweep(t.Context())
	if n != 1 || err == nil || !strings.Contains(err.Error(), "device or resource busy") {
		t.Errorf("%d removed, %v; want 1 and the other's fault", n, err)
	}
	double.Fail("ps", "Error: cannot open the database\n")
	if _, err := c.Sweep(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot open the database") {
		t.Errorf("got %v", err)
	}
}

// Podman tells its version without a directory for temporary files, and fails
// everything else, so that images seemed to be missing and were built.
func TestATMPDIRThatIsNotThereIsTold(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, _ *enginetest.CommandLine) {
		t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "gone"))
		health := func() engine.Health { again, _ := played(t, c.Name()); return again.Probe(t.Context()) }
		h := health()
		if c.Name() == "docker" { // whose daemon has directories of its own
			if h.State != engine.Healthy {
				t.Errorf("health is %+v", h)
			}
			return
		}
		if h.State != engine.Unhealthy || !strings.Contains(h.Reason, "/gone is no directory") || !strings.Contains(h.Hint, "TMPDIR") {
			t.Errorf("health is %+v", h)
		}
		t.Setenv("TMPDIR", "")
		if h := health(); h.State != engine.Healthy {
			t.Errorf("health is %+v without it", h)
		}
	})
}

func TestHealth(t *testing.T) {
	bothPlayed(t, func(t *testing.T, c *engine.CLI, double *enginetest.CommandLine) {
		for range 2 {
			if h := c.Probe(t.Context()); h.State != engine.Healthy || h.Version != "5.4.2" {
				t.Errorf("health is %+v", h)
			}
		}
		if asked := len(double.Calls("version")); asked != 1 {
			t.Errorf("it was asked %d times, want once", asked)
		}
		sick, other := played(t, c.Name())
		other.Fail("version", "loading\nError: cannot connect to the daemon\n")
		if h := sick.Probe(t.Context()); h.State != engine.Unhealthy || !strings.HasSuffix(h.Reason, "Error: cannot connect to the daemon") || !strings.Contains(h.Hint, "apt-get install") {
			t.Errorf("health is %+v", h)
		}
		absent, _ := played(t, c.Name())
		t.Setenv("PATH", t.TempDir())
		if h := absent.Probe(t.Context()); h.State != engine.Undetected || h.Reason != c.Name()+" is not installed" || !strings.Contains(h.Hint, "apt-get install") {
			t.Errorf("health is %+v", h)
		}
	})
}

func TestACancelledCallSaysThatItWasCancelled(t *testing.T) {
	c, _ := played(t, "docker")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Output(ctx, "version"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestPodmansConfiguration holds on either version of control groups: the older
// needs a configuration, unless the user brings one.
func TestPodmansConfiguration(t *testing.T) {
	enginetest.NewCommandLine(t, "podman")
	dir := t.TempDir()
	environment := func(environ ...string) string {
		c, err := engine.NewPodman(append(os.Environ(), environ...), dir)
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, variable := range c.Command(t.Context(), "version").Env {
			if value, ours := strings.CutPrefix(variable, "CONTAINERS_CONF="); ours {
				found = value
			}
		}
		return found
	}
	if got := environment("CONTAINERS_CONF=/mine"); got != "/mine" {
		t.Errorf("the user's configuration became %q", got)
	}
	os.Unsetenv("CONTAINERS_CONF")
	_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
	if version2 := err == nil; version2 {
		if got := environment(); got != "" {
			t.Errorf("with version 2 the configuration is %q, want podman's own", got)
		}
		return
	}
	path := filepath.Join(dir, "containers.conf")
	for range 2 {
		if got := environment(); got != path {
			t.Errorf("with version 1 the configuration is %q, want %q", got, path)
		}
	}
	if data, err := os.ReadFile(path); err != nil || !strings.Contains(string(data), `runtime="runc"`) {
		t.Errorf("it has %q, %v", data, err)
	}
	kept := filepath.Join(t.TempDir(), "cache")
	if err := os.Mkdir(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := engine.NewPodman(os.Environ(), kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(kept); err != nil {
		t.Fatal(err)
	}
	c.Command(t.Context(), "rm")
	if _, err := os.Stat(filepath.Join(kept, "containers.conf")); err != nil {
		t.Errorf("a configuration that was removed with the cache stays away: %v", err)
	}
	if _, err := engine.NewPodman(nil, filepath.Join(dir, "no such directory")); err == nil || !strings.Contains(err.Error(), "podman's configuration") {
		t.Errorf("got %v", err)
	}
}
