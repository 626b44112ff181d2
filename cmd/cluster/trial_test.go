package cluster

import (
	"encoding/json"
	"fmt"
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

// trial is one fault on the cluster, in a directory of its own.
type trial struct {
	*rig
	t       *testing.T
	dir     string
	outcome []string // for the table
}

func (r *rig) trial(t *testing.T) *trial {
	t.Helper()
	dir, err := os.MkdirTemp(r.dir, "trial-")
	if err != nil {
		t.Fatal(err)
	}
	here := *r
	here.t = t // what fails, fails this trial
	x := &trial{rig: &here, t: t, dir: dir}
	x.runner("good", "")
	return x
}

// runner puts a runner with a fault there, or gives one another fault.
func (x *trial) runner(name, fault string) {
	x.t.Helper()
	faulttest.Runner(x.t, filepath.Join(x.dir, "runners"), name, "dlbench-faults/runner:1", x.rig.runner, fault)
}

var workloads = []string{"lenet/infer/b1/fp32", "lenet/infer/b2/fp32"}

// measure are the words of a short run on both nodes.
func (x *trial) measure(out, runners string, more ...string) []string {
	return append([]string{"run", "--cluster", "slurm", "--nodes", "2", "--engine", "local", "--runner-dir", "runners", "--runner", runners,
		"--workload", strings.Join(workloads, ","), "--profile", "quick", "--rounds", "2", "--no-verify", "--out", out}, more...)
}

// program is a dlbench that was started.
type program struct {
	x       *trial
	command *exec.Cmd
	said    *faulttest.Output
	ended   chan struct{}
}

func (x *trial) start(args ...string) *program {
	x.t.Helper()
	p := &program{x: x, command: exec.Command(x.dlbench, args...), said: &faulttest.Output{}}
	p.command.Dir = x.dir
	p.command.Env = append(x.environ(), "HOME="+x.dir, "XDG_CACHE_HOME="+filepath.Join(x.rig.dir, "cache"), "DLBENCH_PYTHON="+x.python, "DLBENCH_PEAK=off")
	p.command.Stdout, p.command.Stderr = p.said, p.said
	p.ended = faulttest.Start(x.t, p.command)
	return p
}

// says waits for a line.
func (p *program) says(line string) []string {
	p.x.t.Helper()
	pattern := regexp.MustCompile(`(?m)` + line)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if found := pattern.FindStringSubmatch(p.said.String()); found != nil {
			return found
		}
		select {
		case <-p.ended:
			if pattern.FindString(p.said.String()) == "" {
				p.x.t.Fatalf("it ended and never said %q:\n%s", line, p.said)
			}
		default:
		}
	}
	p.x.t.Fatalf("it never says %q:\n%s", line, p.said)
	return nil
}

// job is the number that Slurm gave.
func (p *program) job() string { return p.says(`submitted as job (\d+)`)[1] }

// ends asserts the exit code, and what was said.
func (p *program) ends(code int, says ...string) {
	p.x.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.x.t.Fatalf("it does not end:\n%s", p.said)
	}
	if got := p.command.ProcessState.ExitCode(); got != code {
		p.x.t.Fatalf("exit %d, expected %d:\n%s", got, code, p.said)
	}
	for _, line := range says {
		if !regexp.MustCompile(`(?m)` + line).MatchString(p.said.String()) {
			p.x.t.Errorf("it does not say %q:\n%s", line, p.said)
		}
	}
	p.x.tell(fmt.Sprintf("exit %d", code))
}

// tell adds to the outcome.
func (x *trial) tell(text string) { x.outcome = append(x.outcome, text) }

// hangs waits until a shard's runner hangs, and says which node that is on.
func (x *trial) hangs(shard int) (node string) {
	x.t.Helper()
	x.until(fmt.Sprintf("the runner of shard %d hangs", shard), func() bool {
		text, _ := os.ReadFile(filepath.Join(x.shard("out", shard), "logs", "bad.log"))
		return strings.Contains(string(text), "reached measure\n")
	})
	return x.node(shard)
}

func (x *trial) shard(out string, shard int) string {
	return filepath.Join(x.dir, out, "shards", fmt.Sprintf("%04d", shard))
}

// node is where a shard is, or was last.
func (x *trial) node(shard int) string {
	x.t.Helper()
	var n struct{ Node string }
	text, err := os.ReadFile(filepath.Join(x.shard("out", shard), "node.json"))
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil || n.Node == "" {
		x.t.Fatalf("shard %d is on %q: %v", shard, n.Node, err)
	}
	return n.Node
}

// record asserts that a shard left a valid record of a status.
func (x *trial) record(out string, shard int, status string) *record.Record {
	x.t.Helper()
	rec, err := record.Read(filepath.Join(x.shard(out, shard), "result.json"))
	if err != nil {
		x.t.Fatal(err)
	}
	if rec.Status != status {
		x.t.Errorf("the record of shard %d is %s, expected %s", shard, rec.Status, status)
	}
	return rec
}

// complete asserts that both shards are measured, on these workloads together.
func (x *trial) complete(out string) {
	x.t.Helper()
	var measured []string
	for shard := range 2 {
		for _, c := range x.record(out, shard, record.Complete).Cells {
			if len(c.Processes) != 2 {
				x.t.Errorf("%s of shard %d has %d processes, expected 2", c.Workload, shard, len(c.Processes))
			}
			measured = append(measured, c.Workload)
		}
	}
	slices.Sort(measured)
	if got := slices.Compact(measured); !slices.Equal(got, workloads) {
		x.t.Errorf("%v were measured, expected %v", got, workloads)
	}
}

// resume goes on, with a runner that hangs no longer, until all is complete.
func (x *trial) resume(more ...string) *program {
	x.t.Helper()
	x.runner("bad", "")
	p := x.start(append([]string{"run", "--resume", "out"}, more...)...)
	p.ends(0)
	x.complete("out")
	x.outcome[len(x.outcome)-1] = "`--resume` completes it"
	return p
}

// hurry has Slurm start what it requeued now, and not after two minutes.
func (x *trial) hurry(job string) {
	x.t.Helper()
	x.until("the requeued element waits", func() bool {
		return strings.Contains(x.call("squeue", "-h", "-r", "-j", job, "-o", "%T %r"), "PENDING BeginTime")
	})
	x.call("sh", "-c", "scontrol update JobId="+job+" StartTime=now || true") // it says of elements that run that they wait no longer
}

// nothingLeft asserts that neither jobs nor their processes nor unfinished files
// are left.
func (x *trial) nothingLeft() {
	x.t.Helper()
	if jobs := x.call("squeue", "-h", "-o", "%i %T"); jobs != "" {
		x.t.Errorf("jobs are left: %s", jobs)
		x.call("scancel", "--user=root")
		x.until("no job is left", func() bool { return x.call("squeue", "-h") == "" })
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var left []int
		for _, node := range []string{"n1", "n2"} {
			left = append(left, processes("SLURMD_NODENAME="+node, x.rig.dir)...)
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(end) {
			x.t.Errorf("processes are left: %v", left)
			for _, pid := range left {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			break
		}
	}
	_ = filepath.WalkDir(x.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (strings.Contains(entry.Name(), ".tmp") || entry.Name() == ".dlbench.lock") {
			x.t.Errorf("%s is left", path)
		}
		return nil
	})
}
