package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// fault is a row of the table: something that happens to a run on a cluster.
type fault struct {
	name string
	do   func(x *trial)
}

// faults are those that a cluster with accounts meets.
func faults() []fault {
	return []fault{
		{"none, the workloads dealt out to both nodes", none},
		{"none, all of it on both nodes, while one is busy at first", busyNode},
		{"a node dies, and jobs are not requeued", nodeDies},
		{"a node dies, and Slurm requeues its job", nodeDiesRequeued},
		{"a job runs over its time limit", timeLimit},
		{"somebody cancels one job (`scancel`)", cancelled},
		{"a job has to make room and is requeued (preemption)", preempted},
		{"sbatch refuses the partition or the account", refused},
		{"sbatch refuses because of a quota (`MaxSubmitJobs` of the account, `MaxSubmitJobsPerUser` of the QOS)", quota},
		{"a quota lets one job run at a time (`MaxJobs`)", oneAtATime},
		{"there are more shards than an array may have elements (`MaxArraySize`)", tooMany},
		{"slurmctld is killed and starts again", controllerRestarts},
		{"Ctrl-C", interrupted},
		{"the machine that submitted goes away", submitterDies},
		{"`--detach`, and a look while it runs", detached},
		{"two campaigns at once", together},
		{"the shared directory is full before anything is submitted", fullBefore},
		{"the shared directory fills while it measures", fullMeanwhile},
		{"the shared directory is gone on the nodes", gone},
		{"`nightly`: a first night, one without a change, one with a job that somebody cancels, Ctrl-C", night},
	}
}

// TestFaults meets all of them on a cluster that keeps accounts, and some on one
// that keeps none.
func TestFaults(t *testing.T) {
	if os.Getenv("DLBENCH_CLUSTER") == "" {
		t.Skip("DLBENCH_CLUSTER=1 runs it (make cluster)")
	}
	rows := map[string]string{}
	meet := func(t *testing.T, r *rig, f fault) {
		t.Run(f.name, func(t *testing.T) {
			x := r.trial(t)
			rows[f.name] = "**failed**"
			f.do(x)
			x.nothingLeft()
			if !t.Failed() {
				rows[f.name] = strings.Join(x.outcome, "; ")
			}
		})
	}
	all := faults()
	t.Run("accounts", func(t *testing.T) {
		r := newRig(t, true)
		for _, f := range all {
			meet(t, r, f)
		}
	})
	off := fault{"no accounts (`sacct`), and the controller has forgotten the jobs", forgotten}
	t.Run("none", func(t *testing.T) { meet(t, newRig(t, false), off) })
	if path := os.Getenv("DLBENCH_CLUSTER_TABLE"); path != "" {
		if err := writeTable(filepath.Join("..", "..", path), append(all, off), rows); err != nil {
			t.Fatal(err)
		}
	}
}

func none(x *trial) {
	p := x.start(x.measure("out", "good", "--sbatch-arg=--gres=gpu:1")...)
	p.ends(0, `shard 0: job \d+_0 (runs|has ended) on n[12]`, `shard 1: job \d+_1 has ended on n[12]`)
	x.complete("out")
	rec := x.record("out", 0, record.Complete)
	if job := rec.Environment.SlurmJob; job == "" {
		x.t.Error("the record does not name Slurm's job")
	}
	text, err := os.ReadFile(filepath.Join(x.shard("out", 0), "node.json"))
	if err != nil || !strings.Contains(string(text), `"gpus": "0"`) || !strings.Contains(string(text), `"cpus": "`+rec.Terms.CPUs+`"`) {
		x.t.Errorf("node.json is %s, %v; the terms' CPUs are %s", text, err, rec.Terms.CPUs)
	}
	x.tell("both shards complete, each on one node")
}

// busyNode holds n2 until n1 has measured its shard: the other shard waits for n2, and
// does not go to n1, which is free.
func busyNode(x *trial) {
	holder := x.call("sbatch", "--parsable", "--nodelist=n2", "--exclusive", "--output=/dev/null", "--wrap", "sleep 600")
	x.until("n2 is busy", func() bool { return strings.Contains(x.call("squeue", "-h", "-j", holder, "-o", "%T"), "RUNNING") })
	p := x.start(x.measure("out", "good", "--spread", "nodes")...)
	job := p.says(`job (\d+)_\d has ended on n1`)[1]
	time.Sleep(5 * time.Second) // Slurm plans every two: time enough to go wrong
	if waits := x.call("squeue", "-h", "-r", "-j", job, "-o", "%T"); waits != "PENDING" {
		x.t.Errorf("while n1 is free and was measured, the other shard is %q, expected it to wait for n2", waits)
	}
	x.call("scancel", holder)
	p.ends(0)
	x.complete("out")
	if a, b := x.node(0), x.node(1); a == b {
		x.t.Errorf("both shards were on %s", a)
	}
	x.tell("each node measured once; the second shard waited for its node")
}

func nodeDies(x *trial) {
	x.runner("bad", "measure:hang")
	p := x.start(x.measure("out", "good,bad", "--sbatch-arg=--no-requeue", "--spread", "nodes")...)
	x.hangs(0)
	node := x.hangs(1)
	x.loses(node)
	p.says(`shard 1: job \d+_1 is node_fail on ` + node)
	x.runner("bad", "")
	x.call("scancel", p.job()+"_0") // it would hang for an hour
	p.ends(5, `2 of 2 shards have no complete record`, `shard 1 on `+node+`: the node went down \(NODE_FAIL\)`, `^hint: dlbench run --resume `)
	x.record("out", 1, record.Running)
	x.tell("“the node went down (NODE_FAIL)”, what it had saved is kept")
	x.returns(node)
	x.resume()
}

func nodeDiesRequeued(x *trial) {
	x.runner("bad", "measure:hang")
	p := x.start(x.measure("out", "good,bad")...)
	node, other := x.hangs(0), x.hangs(1)
	x.runner("bad", "")
	x.loses(node)
	x.hurry(p.job())
	x.call("scancel", p.job()+"_1") // which leaves a node for the other
	p.ends(5, `1 of 2 shards have no complete record`, `shard 1 on `+other)
	x.record("out", 0, record.Complete)
	if now := x.node(0); now != other {
		x.t.Errorf("shard 0 was measured on %s, expected %s", now, other)
	}
	if _, err := record.Read(filepath.Join(x.shard("out", 0), "on-"+node, "result.json")); err != nil {
		x.t.Errorf("what %s measured is gone: %v", node, err)
	}
	x.returns(node)
	x.resume()
	x.outcome = []string{"the other node measures the shard anew, what the first one had saved is kept beside it"}
}

func timeLimit(x *trial) {
	x.runner("bad", "measure:hang")
	p := x.start(x.measure("out", "good,bad", "--sbatch-arg=--time=1")...)
	p.ends(5, `2 of 2 shards`, `shard 0 on n[12]: the job ran into its time limit \(TIMEOUT\)`, `shard 1 on n[12]: the job ran into its time limit`)
	for shard := range 2 {
		x.record("out", shard, record.Interrupted)
	}
	x.tell("“the job ran into its time limit (TIMEOUT)”, partial records")
	x.resume("--sbatch-arg=--time=10")
}

func cancelled(x *trial) {
	x.runner("bad", "measure:hang")
	p := x.start(x.measure("out", "good,bad")...)
	x.hangs(0)
	x.hangs(1)
	x.call("scancel", p.job()+"_1")
	p.says(`shard 1: job \d+_1 is cancelled`)
	x.call("scancel", p.job()+"_0")
	p.ends(5, `shard 1 on n[12]: the job was cancelled \(CANCELLED\)`)
	x.record("out", 1, record.Interrupted)
	x.tell("“the job was cancelled (CANCELLED)”, partial record")
	x.resume()
}

func preempted(x *trial) {
	x.runner("bad", "measure:hang")
	p := x.start(x.measure("out", "good,bad")...)
	x.hangs(0)
	x.hangs(1)
	x.runner("bad", "")
	urgent := x.call("sbatch", "--parsable", "--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap", "sleep 3")
	p.says(`shard 0: job \d+_0 waits \(BeginTime\)`)
	x.until("the urgent job has ended", func() bool { return !strings.Contains(x.call("squeue", "-h", "-o", "%F"), urgent) })
	x.hurry(p.job())
	p.ends(0)
	x.complete("out")
	x.tell("the jobs wait, and go on where they were, or begin anew on another node; complete")
}

func refused(x *trial) {
	x.start(x.measure("out", "good", "--partition", "nope")...).ends(5, `invalid partition specified: nope`)
	x.start(x.measure("out", "good", "--sbatch-arg=--account=nope")...).ends(5, `Invalid account or account/partition combination`)
	if _, err := os.Stat(filepath.Join(x.dir, "out")); err == nil {
		x.t.Error("a directory is left")
	}
	x.outcome = []string{"exit 5 with Slurm's words", "nothing is left"}
}

// limit sets a limit in the accounts for as long as the trial lasts.
func (x *trial) limit(of, name string) (lift func()) {
	x.t.Helper()
	set := func(value string) {
		x.call("sh", "-c", "sacctmgr -i modify "+of+" set "+name+"="+value)
	}
	set("1")
	x.t.Cleanup(func() { set("-1") })
	return func() { set("-1") }
}

func quota(x *trial) {
	for _, q := range []struct{ of, name, says string }{
		{"user where name=root", "MaxSubmitJobs", "AssocMaxSubmitJobLimit"},
		{"qos where name=normal", "MaxSubmitJobsPerUser", "QOSMaxSubmitJobPerUserLimit"},
	} {
		lift := x.limit(q.of, q.name)
		x.start(x.measure("out", "good")...).ends(5, `sbatch: `+q.says, `^hint: a quota of the account or the QOS allows fewer jobs`)
		lift()
		if _, err := os.Stat(filepath.Join(x.dir, "out")); err == nil {
			x.t.Error("a directory is left")
		}
	}
	x.outcome = []string{"exit 5 with Slurm's words, and what a quota is", "nothing is left"}
}

func oneAtATime(x *trial) {
	x.limit("user where name=root", "MaxJobs")
	p := x.start(x.measure("out", "good")...)
	p.ends(0, `shard 1: job \d+_1 waits \(AssocMaxJobsLimit\)`)
	x.complete("out")
	x.tell("the shards run one after the other; complete")
}

func tooMany(x *trial) {
	x.start("run", "--cluster", "slurm", "--nodes", "5", "--engine", "local", "--runner-dir", "runners", "--runner", "good", "--out", "out", "--no-verify",
		"--workload", "lenet/infer/b1/fp32,lenet/infer/b2/fp32,lenet/infer/b3/fp32,lenet/infer/b4/fp32,lenet/infer/b5/fp32").ends(5,
		`submit the shards 0-4: sbatch: Batch job submission failed: Invalid job array specification`, `^hint: this cluster takes arrays of at most 4 elements \(MaxArraySize\)`)
	if _, err := os.Stat(filepath.Join(x.dir, "out")); err == nil {
		x.t.Error("a directory is left")
	}
	x.outcome = []string{"exit 5 with how many there may be", "nothing is left"}
}

// saved waits until the controller has written to disk that the job runs, which
// it does within seconds: one that was killed before believes that the job waits,
// and ends what the nodes have of it.
func (x *trial) saved(job string) {
	x.t.Helper()
	began := time.Now()
	x.call("scontrol", "update", "jobid="+job, "comment=saved")
	x.until("the controller saves its state", func() bool {
		info, err := os.Stat(filepath.Join(x.slurm, "state", "job_state"))
		return err == nil && info.ModTime().After(began)
	})
}

func controllerRestarts(x *trial) {
	x.runner("bad", "measure:hang")
	p := x.start(x.measure("out", "good,bad")...)
	x.hangs(0)
	x.hangs(1)
	x.saved(p.job())
	x.kill(x.daemon("slurmctld"))
	p.says(`Slurm does not answer, and is asked again`)
	x.script("controller", x.slurm)
	p.says(`Slurm answers again`)
	x.until("both nodes are known again", func() bool { return strings.Count(x.call("squeue", "-h", "-r", "-o", "%T"), "RUNNING") == 2 })
	x.call("scancel", p.job())
	p.ends(5)
	x.outcome = []string{"the jobs go on, the watch is told and asks again"}
	x.resume()
}

func interrupted(x *trial) {
	x.runner("bad", "measure:hang")
	p := x.start(x.measure("out", "good,bad")...)
	x.hangs(0)
	x.hangs(1)
	if err := p.command.Process.Signal(syscall.SIGINT); err != nil {
		x.t.Fatal(err)
	}
	p.ends(130, `cancel the jobs \d+`, `go on with dlbench run --resume out`)
	for shard := range 2 {
		x.record("out", shard, record.Interrupted)
	}
	x.tell("the jobs are cancelled, partial records")
	x.resume()
}

func submitterDies(x *trial) {
	p := x.start(x.measure("out", "good")...)
	job := p.job()
	p.says(`waits|runs|pending`)
	if err := p.command.Process.Kill(); err != nil {
		x.t.Fatal(err)
	}
	<-p.ended
	before := x.call("squeue", "-h", "-j", job)
	p = x.start("run", "--resume", "out")
	p.ends(0)
	if regexp.MustCompile(`submitted`).MatchString(p.said.String()) {
		x.t.Errorf("what went on by itself was submitted again:\n%s", p.said)
	}
	if before == "" {
		x.t.Log("the jobs had ended before anybody looked")
	}
	x.complete("out")
	x.outcome = []string{"the jobs go on", "`--resume` collects them"}
}

func detached(x *trial) {
	p := x.start(x.measure("out", "good", "--detach")...)
	p.ends(0, `^out$`)
	p = x.start("run", "--resume", "out", "--detach")
	p.ends(0, `^out$`)
	p = x.start("run", "--resume", "out")
	p.ends(0)
	if strings.Contains(p.said.String(), "submitted") {
		x.t.Errorf("jobs that run were submitted again:\n%s", p.said)
	}
	x.complete("out")
	x.outcome = []string{"`--resume` waits for the jobs and collects them"}
}

func together(x *trial) {
	first, second := x.start(x.measure("a", "good")...), x.start(x.measure("b", "good")...)
	first.ends(0)
	second.ends(0)
	x.complete("a")
	x.complete("b")
	x.outcome = []string{"one waits for the nodes that the other has", "both complete"}
}

// small mounts a little file system as a run's directory, and returns how many bytes
// are free there.
func (x *trial) small(name string, bytes int) string {
	x.t.Helper()
	dir := filepath.Join(x.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		x.t.Fatal(err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill leaves no room in a directory.
func (x *trial) fill(dir string) string {
	x.t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		x.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := 1 << 20; block >= 512; block /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, block))
		}
	}
	return path
}

func fullBefore(x *trial) {
	dir := x.small("out", 8<<20) // the program has more
	x.start(x.measure("out", "good")...).ends(5, `prepare the run's directory .*no space left on device`, `^hint: make room`)
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		x.t.Errorf("%v is left", left)
	}
	x.outcome = []string{"exit 5", "nothing is submitted, nothing is left"}
}

func fullMeanwhile(x *trial) {
	dir := x.small("out", 64<<20)
	x.runner("bad", "measure:pause")
	p := x.start(x.measure("out", "good,bad")...)
	x.hangs(0)
	x.hangs(1)
	ballast := x.fill(dir)
	p.ends(5, `have no complete record`)
	if err := os.Remove(ballast); err != nil {
		x.t.Fatal(err)
	}
	x.tell("what was saved is kept")
	x.resume()
}

// gone takes the directory from the nodes before a job begins there.
func gone(x *trial) {
	holder := x.call("sbatch", "--parsable", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap", "sleep 600")
	x.until("the nodes are busy", func() bool { return strings.Contains(x.call("squeue", "-h", "-j", holder, "-o", "%T"), "RUNNING") })
	p := x.start(x.measure("out", "good")...)
	p.says(`waits|pending`)
	hidden := filepath.Join(x.dir, "hidden")
	if err := os.Rename(filepath.Join(x.dir, "out", "shards"), hidden); err != nil {
		x.t.Fatal(err)
	}
	x.call("scancel", holder)
	p.ends(5, `wrote nothing \(FAILED\): does every node see the run's directory`)
	if err := os.Rename(hidden, filepath.Join(x.dir, "out", "shards")); err != nil {
		x.t.Fatal(err)
	}
	x.tell("“does every node see the run's directory?”")
	x.resume()
}

func forgotten(x *trial) {
	x.runner("bad", "measure:hang")
	p := x.start(x.measure("out", "good,bad", "--detach")...)
	job := p.job()
	p.ends(0)
	x.hangs(0)
	x.hangs(1)
	x.call("scancel", job)
	x.until("the controller has forgotten the job", func() bool {
		return x.call("sh", "-c", "squeue -h --states=all -j "+job+" 2>&1 || true") == "slurm_load_jobs error: Invalid job id specified"
	})
	p = x.resume()
	if !strings.Contains(p.said.String(), "this cluster keeps no accounts (sacct)") {
		x.t.Errorf("it says\n%s", p.said)
	}
	x.outcome = append([]string{"known from their files only"}, x.outcome[1:]...)
}

// night has nights measured on both nodes. Cells may lose nine tenths before that counts:
// both nodes are one busy machine.
func night(x *trial) {
	start := func() *program {
		return x.start("nightly", "--cluster", "slurm", "--nodes", "2", "--engine", "local", "--runner", "reference", "--workload", strings.Join(workloads, ","),
			"--profile", "quick", "--rounds", "6", "--dir", "nights", "--min-change", "0.9", "--notify", "cat > told")
	}
	told := filepath.Join(x.dir, "told")
	start().ends(5, `shard 0 on n[12]: NOTHING JUDGED: this is the first whole record`, `shard 1 on n[12]: NOTHING JUDGED`)
	if err := os.Remove(told); err != nil {
		x.t.Errorf("the first night told nobody: %v", err)
	}
	good := start()
	good.ends(0)
	if _, err := os.Stat(told); err == nil || good.said.String() != "" {
		x.t.Errorf("a good night is not silent: %q, %v", good.said, err)
	}
	runs := func(element string) (job string) {
		x.until("shard "+element+" runs", func() bool {
			found := regexp.MustCompile(`(?m)^(\d+)_` + element + ` RUNNING`).FindStringSubmatch(x.call("squeue", "-h", "-r", "-o", "%F_%K %T"))
			if found != nil {
				job = found[1]
			}
			return found != nil
		})
		return job
	}
	cut := start()
	x.call("scancel", runs("1")+"_1")
	cut.ends(5, `shard 1( on n[12])?: the job was cancelled \(CANCELLED\)`)
	interrupted := start()
	runs("0")
	if err := interrupted.command.Process.Signal(syscall.SIGINT); err != nil {
		x.t.Fatal(err)
	}
	interrupted.ends(130)
	index, err := os.ReadFile(filepath.Join(x.dir, "nights", "index.html"))
	for _, want := range []string{"NOTHING JUDGED", "nothing got slower in 2 parts, cells judged: 2", "the job was cancelled (CANCELLED)"} {
		if err != nil || !strings.Contains(string(index), want) {
			x.t.Errorf("the list of nights lacks %q: %v", want, err)
		}
	}
	x.outcome = []string{"exit 5, there is nothing to hold it against", "exit 0 and silent", "exit 5 with the shard and the reason, the other one judged", "exit 130, no job left"}
}
