package faults

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dlbench/dlbench/cmd/faults/faulttest"
	"github.com/dlbench/dlbench/metrics/record"
)

// trial is one fault on one engine, in a directory of its own.
type trial struct {
	t       *testing.T
	c       *campaign
	r       *rig
	dir     string
	cache   string // what XDG_CACHE_HOME is
	env     []string
	outcome string // for the table
}

func (c *campaign) trial(t *testing.T, r *rig) *trial {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Join(c.dir, r.name), "trial-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, dir) })
	x := &trial{t: t, c: c, r: r, dir: dir, cache: r.cache}
	x.runner("good", image, "")
	return x
}

// runner puts a runner with a fault there.
func (x *trial) runner(name, image, fault string) {
	x.t.Helper()
	faulttest.Runner(x.t, filepath.Join(x.dir, "runners"), name, image, x.c.runner, fault)
}

func (x *trial) path(name string) string { return filepath.Join(x.dir, name) }

const workload = "lenet/infer/b2/fp32"

// measure are the words of a short run of some runners.
func (x *trial) measure(runners string, more ...string) []string {
	return append([]string{"run", "--engine", x.r.name, "--runner-dir", "runners", "--runner", runners, "--workload", workload,
		"--profile", "quick", "--rounds", "2", "--no-verify", "--out", "out", "--seed", goodFirst}, more...)
}

// goodFirst is a seed with which "good" is measured before "bad" in the first
// round.
const goodFirst = "1"

// program is a dlbench that was started.
type program struct {
	x       *trial
	command *exec.Cmd
	said    *faulttest.Output
	ended   chan struct{}
}

// environ is a small environment: that of cron, and what the engine needs.
func (x *trial) environ() []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + x.dir, "XDG_CACHE_HOME=" + x.cache, "DLBENCH_PYTHON=" + x.c.python, "DLBENCH_PEAK=off"}
	for _, name := range []string{"DOCKER_HOST", "http_proxy", "https_proxy", "PIP_INDEX_URL", "SSL_CERT_FILE"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return slices.Concat(env, x.r.env, x.env)
}

// start starts dlbench, as a program that hears every signal.
func (x *trial) start(args ...string) *program { return x.startBy(nil, args...) }

// startBy starts it by another program, like nohup.
func (x *trial) startBy(wrapper []string, args ...string) *program {
	x.t.Helper()
	said := &faulttest.Output{}
	p := x.startInto(said, wrapper, args...)
	p.said = said
	return p
}

// startInto starts it with another place for what it says.
func (x *trial) startInto(place io.Writer, wrapper []string, args ...string) *program {
	x.t.Helper()
	words := slices.Concat([]string{"env", "--default-signal"}, wrapper, []string{x.c.dlbench}, args)
	p := &program{x: x, command: exec.Command(words[0], words[1:]...), said: &faulttest.Output{}}
	p.command.Dir, p.command.Env = x.dir, x.environ()
	p.command.Stdout, p.command.Stderr = place, place
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.command.WaitDelay = time.Second
	p.ended = faulttest.Start(x.t, p.command)
	return p
}

// patience is how long anything may take on a busy machine.
const patience = 3 * time.Minute

// until waits for something, as long as the program runs.
func (p *program) until(what string, is func() bool) {
	p.x.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
		select {
		case <-p.ended:
			p.x.t.Fatalf("it ended before %s:\n%s", what, p.said)
		default:
		}
	}
	p.x.t.Fatalf("%s never happened:\n%s", what, p.said)
}

// reached waits until a runner was asked something.
func (p *program) reached(runner, request string) {
	p.x.t.Helper()
	p.until(runner+" "+request, func() bool { return p.x.asked("out", runner, request) > 0 })
}

// asked is how often a runner was asked something.
func (x *trial) asked(out, runner, request string) int {
	text, err := os.ReadFile(filepath.Join(x.dir, out, "logs", runner+".log"))
	if err != nil {
		return 0
	}
	return strings.Count(string(text), "reached "+request+"\n")
}

func (p *program) signal(s syscall.Signal) {
	p.x.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.x.t.Fatal(err)
	}
}

// wait is the exit code, as a shell tells it.
func (p *program) wait() int {
	p.x.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.x.t.Fatalf("it does not end:\n%s", p.said)
	}
	status := p.command.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.command.ProcessState.ExitCode()
}

// ends asserts the exit code, and what was said as a regular expression.
func (p *program) ends(code int, says string) {
	p.x.t.Helper()
	if got := p.wait(); got != code {
		p.x.t.Fatalf("exit %d, expected %d:\n%s", got, code, p.said)
	}
	if !regexp.MustCompile(`(?m)` + says).MatchString(p.said.String()) {
		p.x.t.Errorf("it does not say %q:\n%s", says, p.said)
	}
	p.x.tell(fmt.Sprintf("exit %d", code))
}

// tell adds to the outcome.
func (x *trial) tell(text string) {
	if x.outcome != "" {
		text = x.outcome + "; " + text
	}
	x.outcome = text
}

// record asserts that a run left a valid record of a status, which holds at
// least so many processes.
func (x *trial) record(out, status string, processes int) *record.Record {
	x.t.Helper()
	rec, err := record.Read(filepath.Join(x.dir, out, "result.json"))
	if err != nil {
		x.t.Fatal(err)
	}
	kept := 0
	for _, c := range rec.Cells {
		kept += len(c.Processes)
	}
	if rec.Status != status || kept < processes {
		x.t.Errorf("the record is %s with %d processes, expected %s with at least %d", rec.Status, kept, status, processes)
	}
	x.tell(status)
	return rec
}

// cell asserts what became of a runner.
func (x *trial) cell(rec *record.Record, runner, status, reason string) {
	x.t.Helper()
	c := rec.Cell(workload, runner)
	if c == nil || c.Status != status || !strings.Contains(c.Reason, reason) {
		x.t.Errorf("%s is %+v, expected %s: %s", runner, c, status, reason)
		return
	}
	x.tell(runner + " " + strings.ReplaceAll(status, "_", " "))
}

// none asserts that no directory was left.
func (x *trial) none(name string) {
	x.t.Helper()
	if _, err := os.Stat(filepath.Join(x.dir, name)); !errors.Is(err, fs.ErrNotExist) {
		x.t.Errorf("%s is there: %v", name, err)
	}
}

// resume goes on with a run, which has to become complete.
func (x *trial) resume(out string, runners string) {
	x.t.Helper()
	p := x.start("run", "--runner-dir", "runners", "--resume", out, "--rounds", "2", "--no-verify", "--runner", runners)
	p.ends(0, `record +`+out)
	x.record(out, record.Complete, 2)
}

// nothingLeft asserts that neither containers nor processes nor files of work are
// left.
func (x *trial) nothingLeft() {
	x.t.Helper()
	left, err := x.r.containers()
	if err != nil || len(left) > 0 {
		x.t.Errorf("containers are left: %v, %v", left, err)
		for _, id := range left {
			_, _ = x.r.call("rm", "--force", id)
		}
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		running := x.processes()
		if len(running) == 0 {
			break
		}
		if time.Now().After(end) {
			x.t.Errorf("processes are left: %v", running)
			x.killProcesses()
			break
		}
	}
	locks, _ := filepath.Glob(filepath.Join(x.cache, "dlbench", "processes", "*"))
	if len(locks) > 0 {
		x.t.Errorf("files of work are left: %v", locks)
		for _, path := range locks {
			_ = os.RemoveAll(path)
		}
	}
	_ = filepath.WalkDir(x.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (strings.Contains(entry.Name(), ".tmp") || entry.Name() == lockOfOutput) {
			x.t.Errorf("%s is left", path)
		}
		return nil
	})
}

// lockOfOutput is what a run holds in its directory. One that was killed leaves
// it, unlocked.
const lockOfOutput = ".dlbench.lock"

// processes are the runners that run outside of containers.
func (x *trial) processes() (pids []int) {
	if x.r.name != "local" {
		return nil // those that there are belong to the trials beside this one
	}
	entries, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range entries {
		text, err := os.ReadFile(path)
		if err == nil && strings.HasPrefix(string(text), x.c.runner+"\x00") {
			var pid int
			_, _ = fmt.Sscanf(path, "/proc/%d/", &pid)
			pids = append(pids, pid)
		}
	}
	return pids
}

func (x *trial) killProcesses() {
	for _, pid := range x.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
