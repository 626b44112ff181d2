package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/cluster"
)

// scripted is a Slurm of shell scripts on PATH, which print what Debian's Slurm 22.05
// printed in the same situation, and note what they were given.
type scripted struct {
	t   *testing.T
	bin string
	run *cluster.Campaign
	progress
}

type progress struct {
	mu   sync.Mutex
	said []string
}

func (p *progress) Step(string, float64, time.Duration) {}
func (p *progress) Detail(string)                       {}
func (p *progress) Say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, fmt.Sprintf(format, args...))
}

func (p *progress) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

func newScripted(t *testing.T) *scripted {
	t.Helper()
	s := &scripted{t: t, bin: t.TempDir()}
	t.Setenv("PATH", s.bin+":"+os.Getenv("PATH"))
	s.is("sbatch", `echo 12`)
	s.is("squeue", ``)
	s.is("scancel", ``)
	s.is("scontrol", ``)
	s.is("sacct", accountingOff)
	s.is("sinfo", `printf 'n1|main*\nn1|urgent\nn2|main*\nn2|urgent\n'`)
	dir := filepath.Join(t.TempDir(), "a run's 100%")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.run = &cluster.Campaign{Dir: dir, Environ: os.Environ(), Now: time.Now, Progress: s}
	return s
}

// What the real commands print to standard error, and how they exit.
const (
	accountingOff = `echo 'Slurm accounting storage is disabled' >&2; exit 1`
	forgotten     = `echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1`
	restarting    = `echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1`
)

// is makes a command do something.
func (s *scripted) is(command, does string) {
	s.t.Helper()
	path := filepath.Join(s.bin, command)
	text := fmt.Sprintf("#!/bin/sh\nfor a; do echo \"$a\"; done >> %s.given\n%s\n", path, does)
	if err := os.WriteFile(path+".new", []byte(text), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil { // one that is being run stays as it is
		s.t.Fatal(err)
	}
}

// given are the words that a command was given, over all of its calls.
func (s *scripted) given(command string) string {
	text, _ := os.ReadFile(filepath.Join(s.bin, command+".given"))
	return string(text)
}

func (s *scripted) begin(spread string, nodes int) error {
	s.t.Helper()
	shards, err := cluster.Spread(spread, []cluster.Workload{{ID: "lenet/infer/b1/fp32", Time: 2}, {ID: "lenet/infer/b2/fp32", Time: 1}}, nodes)
	if err != nil {
		s.t.Fatal(err)
	}
	plan := &cluster.Plan{Spread: spread, Suite: "smoke", Shards: shards, Arguments: []string{"--rounds=2"}}
	return s.run.Begin(context.Background(), plan, cluster.Request{Partition: "main", Constraint: "odd", Device: "gpu:0,1", More: []string{"--time=9"}}, "/bin/true")
}

// leaves writes what a shard's job leaves: a record of a status, and node.json.
func (s *scripted) leaves(shard int, node, status string, ended bool) {
	s.t.Helper()
	rec := recordtest.Simulation{Seed: 3, Modes: []string{"infer"}, Workloads: 1, Runners: 2, Rounds: 4, Noise: 0.002}.Record()
	summary.Summarize(rec)
	rec.Status = status
	dir := cluster.ShardDir(s.run.Dir, shard)
	if err := record.Write(filepath.Join(dir, "result.json"), rec); err != nil {
		s.t.Fatal(err)
	}
	text := fmt.Sprintf(`{"node": %q}`, node)
	if ended {
		text = fmt.Sprintf(`{"node": %q, "ended": "2026-11-26T16:54:31Z"}`, node)
	}
	if err := os.WriteFile(filepath.Join(dir, "node.json"), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// A cell that parity could not judge is as bad as one that failed it, as for a run
// on one machine.
func TestOutcomeIsThatOfARun(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*record.Cell)
		failed bool
	}{
		"all passed":               {func(*record.Cell) {}, false},
		"a runner failed":          {func(c *record.Cell) { c.Status = record.Failed }, true},
		"parity failed":            {func(c *record.Cell) { c.Parity.Status = record.ParityFailed }, true},
		"its runner crashed":       {func(c *record.Cell) { c.Parity.Status = record.ParityError }, true},
		"parity was not asked for": {func(c *record.Cell) { c.Parity.Status = record.ParitySkipped }, false},
	} {
		s := newScripted(t)
		if err := s.begin(record.ByNodes, 1); err != nil {
			t.Fatal(err)
		}
		s.leaves(0, "n1", record.Complete, true)
		path := filepath.Join(cluster.ShardDir(s.run.Dir, 0), "result.json")
		rec, err := record.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		c := &rec.Cells[1]
		if tt.change(c); c.Parity.Status != record.ParityPassed && c.Status == record.Measured {
			*c = record.Cell{Workload: c.Workload, Runner: c.Runner, Status: record.NotRanked, Reason: "why", Parity: record.Parity{Status: c.Parity.Status, Reason: "why"}}
		}
		summary.Summarize(rec)
		if err := record.Write(path, rec); err != nil {
			t.Fatal(err)
		}
		_, rest := s.collect()
		if err := s.run.Outcome(rest); (bench.KindOf(err) == bench.Failure) != tt.failed || (err != nil) != tt.failed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// collect are the members and what is kept of them.
func (s *scripted) collect() (members []cluster.Member, rest []cluster.Rest) {
	rest = s.run.Collect(func(m cluster.Member) { members = append(members, m) })
	return members, rest
}

func queue(lines ...string) string { return "printf '%s\\n' '" + strings.Join(lines, "' '") + "'" }

func TestWhatSbatchIsGiven(t *testing.T) {
	s := newScripted(t)
	if err := s.begin(record.ByWorkloads, 2); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{"--parsable", "--job-name=dlbench-smoke", "--nodes=1", "--ntasks=1", "--exclusive", "--mem=0", "--chdir=" + s.run.Dir,
		"--open-mode=append", "--output=" + strings.ReplaceAll(s.run.Dir, "%", "%%") + "/shards/%4a/slurm.log", "--partition=main", "--constraint=odd",
		"--gres=gpu:2", "--time=9", "--array=0-1", filepath.Join(s.run.Dir, "job.sh")}, "\n") + "\n"
	if got := s.given("sbatch"); got != want {
		t.Errorf("sbatch was given\n%s, expected\n%s", got, want)
	}
	plan, err := cluster.ReadPlan(s.run.Dir)
	if err != nil || len(plan.Jobs) != 1 || plan.Jobs[0].ID != "12" || len(plan.Shards) != 2 {
		t.Errorf("the plan is %+v, %v", plan, err)
	}
}

func TestWhatSlurmRefusesLeavesNothing(t *testing.T) {
	s := newScripted(t)
	s.is("sbatch", `echo 'sbatch: error: invalid partition specified: nope' >&2; echo 'sbatch: error: Batch job submission failed: Invalid partition name specified' >&2; exit 1`)
	err := s.begin(record.ByWorkloads, 2)
	if bench.KindOf(err) != bench.Environment || !strings.Contains(err.Error(), "invalid partition specified: nope; Batch job submission failed") {
		t.Errorf("it is %v", err)
	}
	if left, _ := os.ReadDir(s.run.Dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	s.is("sbatch", `echo 'Submitted batch job 12'`)
	if err := s.begin(record.ByWorkloads, 2); err == nil || !strings.Contains(err.Error(), `printed "Submitted batch job 12"`) {
		t.Errorf("what is no number: %v", err)
	}
	if err := s.begin(record.ByNodes, 3); err == nil || !strings.Contains(err.Error(), "partition main has 2 (n1,n2)") {
		t.Errorf("more nodes than there are: %v", err)
	}
}

// TestWhatHelpsWhenSbatchRefuses has the words that Slurm 22.05 prints.
func TestWhatHelpsWhenSbatchRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ says, scontrol, hint string }{
		"more elements than an array may have": {"Batch job submission failed: Invalid job array specification", `printf 'MaxArraySize            = 2\nMaxDBDMsgs = 1\n'`,
			"this cluster takes arrays of at most 2 elements (MaxArraySize), and each shard is one: give fewer --nodes"},
		"and nobody says how many":    {"Batch job submission failed: Invalid job array specification", `exit 1`, "what sbatch was given: --job-name=dlbench-smoke "},
		"a quota of the account":      {"AssocMaxSubmitJobLimit", ``, "a quota of the account or the QOS allows fewer jobs at a time"},
		"a quota of the QOS":          {"QOSMaxSubmitJobPerUserLimit", ``, "a quota of the account or the QOS allows fewer jobs at a time"},
		"something that is not known": {"Batch job submission failed: Unspecified error", ``, "what sbatch was given: --job-name=dlbench-smoke "},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			s.is("sbatch", fmt.Sprintf("echo 'sbatch: error: %s' >&2; exit 1", tt.says))
			s.is("scontrol", tt.scontrol)
			err := s.begin(record.ByWorkloads, 2)
			var told *bench.Error
			if !errors.As(err, &told) || told.Kind != bench.Environment || !strings.HasPrefix(told.Hint, tt.hint) || !strings.Contains(err.Error(), "submit the shards 0-1: sbatch: "+tt.says) {
				t.Errorf("it is %v, hint %q", err, told.Hint)
			}
			if left, _ := os.ReadDir(s.run.Dir); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

func TestAShardsOwnReportIsNamed(t *testing.T) {
	s := newScripted(t)
	if err := s.begin(record.ByWorkloads, 2); err != nil {
		t.Fatal(err)
	}
	s.leaves(1, "n2", record.Complete, true)
	if err := os.WriteFile(filepath.Join(cluster.ShardDir(s.run.Dir, 1), "report.html"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if members, _ := s.collect(); members[0].Report != "" || members[1].Report != "shards/0001/report.html" {
		t.Errorf("they are %q and %q", members[0].Report, members[1].Report)
	}
}

func TestStatesOfJobsBecomeReasons(t *testing.T) {
	for _, c := range []struct {
		name, squeue, sacct string
		record              string // that shard 1 left; empty is none
		ended               bool
		missing             string // of shard 1; empty is complete
	}{
		{name: "both ended well", squeue: queue("12|1|COMPLETED|n2|None", "12|0|COMPLETED|n1|None"), sacct: accountingOff, record: record.Complete, ended: true},
		{name: "node went down", squeue: queue("12|1|NODE_FAIL|n2|None", "12|0|COMPLETED|n1|None"), sacct: accountingOff, missing: "the node went down (NODE_FAIL)"},
		{name: "time limit", squeue: queue("12|1|TIMEOUT|n2|TimeLimit", "12|0|COMPLETED|n1|None"), sacct: accountingOff, record: record.Interrupted, ended: true, missing: "the job ran into its time limit (TIMEOUT)"},
		{name: "cancelled", squeue: queue("12|1|CANCELLED|n2|None", "12|0|COMPLETED|n1|None"), sacct: accountingOff, missing: "the job was cancelled (CANCELLED)"},
		{name: "forgotten, accounts know", squeue: forgotten, sacct: queue("12_0|COMPLETED|n1|None", "12_1|CANCELLED by 0|n2|None"), missing: "the job was cancelled (CANCELLED)"},
		{name: "forgotten while it waited", squeue: queue("12|0|COMPLETED|n1|None"), sacct: queue("12_[1-3%2]|CANCELLED by 0|None assigned|None"), missing: "the job was cancelled (CANCELLED)"},
		{name: "forgotten, no accounts", squeue: forgotten, sacct: accountingOff, record: record.Running, missing: "Slurm does not know its job any more, and it left no complete record"},
		{name: "forgotten, no accounts, complete", squeue: forgotten, sacct: accountingOff, record: record.Complete, ended: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScripted(t)
			if err := s.begin(record.ByWorkloads, 2); err != nil {
				t.Fatal(err)
			}
			s.is("squeue", c.squeue)
			s.is("sacct", c.sacct)
			s.leaves(0, "n1", record.Complete, true)
			if c.record != "" {
				s.leaves(1, "n2", c.record, c.ended)
			}
			if err := s.run.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			members, rest := s.collect()
			if members[0].Missing != "" || members[0].Record == nil || members[0].Node != "n1" {
				t.Errorf("shard 0 is %+v", members[0])
			}
			if members[1].Missing != c.missing || (members[1].Record != nil) != (c.record != "") {
				t.Errorf("shard 1 is %+v, expected %q", members[1], c.missing)
			}
			err := s.run.Outcome(rest)
			if c.missing == "" && err != nil || c.missing != "" && (bench.KindOf(err) != bench.Environment || !strings.Contains(err.Error(), "1 of 2 shards have no complete record\nshard 1")) {
				t.Errorf("the outcome is %v", err)
			}
		})
	}
}

// A shard whose job ended without a word has a reason that leads somewhere.
func TestAJobThatCouldNotBegin(t *testing.T) {
	s := newScripted(t)
	if err := s.begin(record.ByWorkloads, 1); err != nil {
		t.Fatal(err)
	}
	s.is("squeue", queue("12|0|FAILED|n1|NonZeroExitCode"))
	now := time.Now()
	s.run.Now = func() time.Time { now = now.Add(time.Minute); return now } // files of the nodes are waited for
	if err := s.run.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, _ := s.collect(); all[0].Node != "n1" || !strings.Contains(all[0].Missing, "does every node see the run's directory") {
		t.Errorf("it is %+v", all[0])
	}
}

func TestAControllerThatRestartsIsAskedAgain(t *testing.T) {
	s := newScripted(t)
	if err := s.begin(record.ByWorkloads, 2); err != nil {
		t.Fatal(err)
	}
	s.leaves(0, "n1", record.Complete, true)
	s.leaves(1, "n2", record.Complete, true)
	first := filepath.Join(t.TempDir(), "first")
	s.is("squeue", fmt.Sprintf("if [ ! -f %s ]; then touch %s; %s; fi\n%s", first, first, restarting, queue("12|1|COMPLETED|n2|None", "12|0|COMPLETED|n1|None")))
	if err := s.run.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Slurm does not answer, and is asked again: squeue: Unable to contact slurm controller", "Slurm answers again", "shard 1: job 12_1 has ended on n2"} {
		if !strings.Contains(s.text(), want) {
			t.Errorf("it never says %q:\n%s", want, s.text())
		}
	}
	s.is("squeue", `echo 'squeue: error: something else' >&2; exit 1`)
	if err := s.run.Wait(t.Context()); bench.KindOf(err) != bench.Environment || !strings.Contains(err.Error(), "something else") {
		t.Errorf("what is no restart: %v", err)
	}
}

func TestResumeSubmitsWhatFailed(t *testing.T) {
	for _, spread := range record.Spreads() {
		t.Run(spread, func(t *testing.T) {
			s := newScripted(t)
			if err := s.begin(spread, 2); err != nil {
				t.Fatal(err)
			}
			s.leaves(0, "n1", record.Complete, true)
			s.is("squeue", queue("12|1|NODE_FAIL|n2|None", "12|0|COMPLETED|n1|None"))
			s.is("sbatch", `echo '13;elsewhere'`)
			elsewhere := &cluster.Campaign{Dir: s.run.Dir, Environ: os.Environ(), Now: time.Now, Progress: s} // another machine
			if err := elsewhere.Resume(t.Context(), cluster.Request{More: []string{"--time=30"}}); err != nil {
				t.Fatal(err)
			}
			given := s.given("sbatch")
			if !strings.HasSuffix(given, "--time=30\n--array=1\n"+filepath.Join(s.run.Dir, "job.sh")+"\n") {
				t.Errorf("sbatch was given\n%s", given)
			}
			if strings.Contains(given, "--exclude=n1\n") != (spread == record.ByNodes) {
				t.Errorf("spread %s: sbatch was given\n%s", spread, given)
			}
			plan, err := cluster.ReadPlan(s.run.Dir)
			if err != nil || len(plan.Jobs) != 2 || plan.Jobs[1].ID != "13" {
				t.Fatalf("the plan is %+v, %v", plan, err)
			}
			// The newest job of a shard is what counts.
			s.leaves(1, "n2", record.Complete, true)
			s.is("squeue", queue("12|1|NODE_FAIL|n2|None", "12|0|COMPLETED|n1|None", "13|1|COMPLETED|n2|None"))
			if err := elsewhere.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if want := "shard 1: job 13_1 has ended on n2"; !strings.Contains(s.text(), want) {
				t.Errorf("%q is not in\n%s", want, s.text())
			}
			if err := elsewhere.Outcome(elsewhere.Collect(func(cluster.Member) {})); err != nil {
				t.Error(err)
			}
			// Nothing is left to do, and nothing is submitted.
			before := s.given("sbatch")
			if err := elsewhere.Resume(t.Context(), cluster.Request{}); err != nil || s.given("sbatch") != before {
				t.Errorf("%v; sbatch was given\n%s", err, s.given("sbatch"))
			}
		})
	}
}

func TestJobsThatRunAreNotSubmittedAgain(t *testing.T) {
	s := newScripted(t)
	if err := s.begin(record.ByWorkloads, 2); err != nil {
		t.Fatal(err)
	}
	s.is("squeue", queue("12|1|PENDING||BeginTime", "12|0|RUNNING|n1|None"))
	before := s.given("sbatch")
	if err := s.run.Resume(t.Context(), cluster.Request{}); err != nil || s.given("sbatch") != before {
		t.Errorf("%v; sbatch was given\n%s", err, s.given("sbatch"))
	}
}

func TestInterruptedJobsAreCancelled(t *testing.T) {
	s := newScripted(t)
	if err := s.begin(record.ByWorkloads, 2); err != nil {
		t.Fatal(err)
	}
	s.is("squeue", queue("12|1|PENDING||Resources", "12|0|RUNNING|n1|None"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.run.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("it is %v", err)
	}
	if !strings.Contains(s.text(), "shard 1: job 12_1 waits (Resources)") {
		t.Errorf("it says\n%s", s.text())
	}
	s.is("scancel", "touch "+s.bin+"/cancelled")
	s.is("squeue", fmt.Sprintf("test -f %s/cancelled || exit 3\n%s", s.bin, queue("12|1|CANCELLED||None", "12|0|CANCELLED|n1|None")))
	if err := s.run.Cancel(ctx); err != nil { // the context that was interrupted
		t.Fatal(err)
	}
	if got := s.given("scancel"); got != "12\n" {
		t.Errorf("scancel was given %q", got)
	}
}
