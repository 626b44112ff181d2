package cluster

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rig is a cluster that runs, and what all trials on it share.
type rig struct {
	t       *testing.T
	dir     string // of everything
	slurm   string // of the cluster's daemons
	dlbench string
	runner  string // the scripted runner of cmd/faults
	python  string // with numpy, for the reference
}

// newRig starts a cluster, and ends all of it when the test does.
func newRig(t *testing.T, accounting bool) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "dlbench-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove %s: %v", dir, err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "owner"), []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: dir, slurm: filepath.Join(dir, "slurm"), runner: filepath.Join(dir, "runner"), python: os.Getenv("DLBENCH_TEST_PYTHON")}
	if r.dlbench = os.Getenv("DLBENCH_CLUSTER_PROGRAM"); !filepath.IsAbs(r.dlbench) { // make names it from the root
		if r.dlbench, err = filepath.Abs(filepath.Join("..", "..", r.dlbench)); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", r.runner, "../faults/runner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the runner: %v\n%s", err, out)
	}
	args := []string{"start", r.slurm, strconv.Itoa(freePorts(t))}
	if accounting {
		args = append(args, "accounting")
	}
	r.sweep()
	t.Cleanup(func() { r.script("stop", r.slurm) })
	r.script(args...)
	return r
}

// sweep ends clusters whose test was killed before it could.
func (r *rig) sweep() {
	r.t.Helper()
	owners, _ := filepath.Glob(filepath.Join(os.TempDir(), "dlbench-cluster-*", "owner"))
	for _, owner := range owners {
		text, err := os.ReadFile(owner)
		pid, wrong := strconv.Atoi(string(text))
		if err != nil || wrong != nil || pid < 2 || syscall.Kill(pid, 0) == nil {
			continue
		}
		r.t.Logf("%s was left: it is ended and removed", filepath.Dir(owner))
		r.script("stop", filepath.Join(filepath.Dir(owner), "slurm"))
		if err := os.RemoveAll(filepath.Dir(owner)); err != nil {
			r.t.Error(err)
		}
	}
}

// freePorts is the first of five ports that nobody listens on.
func freePorts(t *testing.T) int {
	t.Helper()
	for first := 27800; first < 28800; first += 10 {
		free := true
		for port := first; port < first+5; port++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				free = false
				break
			}
			_ = l.Close() // nothing was sent that could be lost
		}
		if free {
			return first
		}
	}
	t.Fatal("no five ports are free from 27800 to 28800")
	return 0
}

// script runs cluster.sh. Daemons that it starts keep no stream of the test's open.
func (r *rig) script(args ...string) {
	r.t.Helper()
	said, err := os.Create(filepath.Join(r.dir, "cluster.sh.log"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = said.Close() }()
	command := exec.Command("sh", append([]string{"cluster.sh"}, args...)...)
	command.Stdout, command.Stderr = said, said
	if err := command.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		r.t.Fatalf("cluster.sh %s: %v\n%s", strings.Join(args, " "), err, text)
	}
}

// environ is what Slurm's commands need to find this cluster.
func (r *rig) environ() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SLURM_CONF=" + filepath.Join(r.slurm, "slurm.conf"), "LC_ALL=C"}
}

// call calls one of Slurm's commands, as an administrator or another user would.
func (r *rig) call(command string, args ...string) string {
	r.t.Helper()
	c := exec.Command(command, args...)
	c.Env = r.environ()
	out, err := c.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s %s: %v\n%s", command, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// daemon is the number of one of the cluster's processes.
func (r *rig) daemon(name string) int {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.slurm, "run", name+".pid"))
	if err != nil {
		r.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 2 {
		r.t.Fatalf("%s has the number %q", name, text)
	}
	return pid
}

// kill ends one process at once.
func (r *rig) kill(pid int) {
	r.t.Helper()
	if pid < 2 {
		r.t.Fatalf("no process has the number %d", pid)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		r.t.Fatalf("kill %d: %v", pid, err)
	}
}

// processes are those whose environment has this line and that have this program's
// name in their command line.
func processes(line, program string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		environ, err := os.ReadFile(path)
		if err != nil || !strings.Contains("\x00"+string(environ), "\x00"+line+"\x00") {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && strings.Contains(string(command), program) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// loses has a node lose its power: its daemon, what runs its jobs, and the jobs.
func (r *rig) loses(node string) {
	r.t.Helper()
	daemon := r.daemon("slurmd-" + node)
	steps := parentsOf(processes("SLURMD_NODENAME="+node, ""), "slurmstepd")
	r.kill(daemon)
	for _, pid := range steps {
		r.kill(pid)
	}
	for _, pid := range processes("SLURMD_NODENAME="+node, r.dir) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // some end by themselves when the others have
	}
}

// parentsOf are the parents of processes that have a name: a step's daemon has no
// variable that tells its node, and its job has.
func parentsOf(of []int, name string) (parents []int) {
	seen := map[int]bool{}
	for _, pid := range of {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		parent, err := strconv.Atoi(fields[1])
		if err != nil || parent < 2 || seen[parent] {
			continue
		}
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", parent))
		if strings.HasPrefix(string(command), name) {
			seen[parent] = true
			parents = append(parents, parent)
		}
	}
	return parents
}

// returns starts a node again, and waits until Slurm has it back.
func (r *rig) returns(node string) {
	r.t.Helper()
	r.script("node", r.slurm, node)
	r.until(node+" is idle", func() bool { return r.call("sinfo", "-h", "-N", "-p", "main", "-n", node, "-o", "%T") == "idle" })
}

// patience is how long anything may take on a busy machine.
const patience = 4 * time.Minute

func (r *rig) until(what string, is func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if is() {
			return
		}
	}
	r.t.Fatalf("%s never happened", what)
}
