package selftest_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/campaign/campaigntest"
	"github.com/dlbench/dlbench/runners/selftest"
	"github.com/dlbench/dlbench/workloads/plan"
)

// simulated is a machine on which slowdowns may do what they do not claim.
type simulated struct {
	*campaigntest.Machine
	factor func(slowdown float64) float64 // what a slowdown really does
}

func newMachine() *simulated {
	return &simulated{campaigntest.New(2), func(s float64) float64 { return 1 + s }}
}

func (m *simulated) open(ctx context.Context, slowdown float64) (campaign.Runner, error) {
	return m.Open(ctx, m.factor(slowdown))
}

func (m *simulated) openPlain(ctx context.Context) (campaign.Runner, error) { return m.open(ctx, 0) }

func workload(t *testing.T) *plan.Plan {
	t.Helper()
	id, err := plan.ParseID("lenet/infer/b2/fp32")
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func experiment(t *testing.T, m *simulated) selftest.Experiment {
	return selftest.Experiment{Runner: "simulated", Plan: workload(t), Slowdowns: []float64{0.005, 0.01, 0.02, 0.05}, Sure: 0.02, Rounds: 12, Repeats: 4,
		Seed: 1, Meter: selftest.Unmetered{}, Open: m.open, Now: m.Now}
}

// verdicts are the promises by a part of their text that tells them apart.
func verdicts(t *testing.T, promises []selftest.Promise, err error) func(part string) selftest.Promise {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return func(part string) selftest.Promise {
		for _, p := range promises {
			if strings.Contains(p.Part, part) {
				return p
			}
		}
		t.Fatalf("no promise about %q among %v", part, promises)
		return selftest.Promise{}
	}
}

func TestHonestHarnessKeepsItsPromises(t *testing.T) {
	promises, err := experiment(t, newMachine()).Run(t.Context())
	about := verdicts(t, promises, err)
	for _, p := range promises {
		if !p.Kept {
			t.Errorf("broken: %+v", p)
		}
	}
	for part, seen := range map[string]string{"5 % slower": "found in 4 of 4, called faster in 0", ", 2 % slower": "found in 4 of 4, called faster in 0"} {
		if got := about(part).Seen; got != seen {
			t.Errorf("%s: %q, expected %q", part, got, seen)
		}
	}
}

func TestSlowdownThatIsNotThereBreaksPromises(t *testing.T) {
	m := newMachine()
	m.factor = func(float64) float64 { return 1 }
	promises, err := experiment(t, m).Run(t.Context())
	about := verdicts(t, promises, err)
	if p := about(", 5 % slower"); p.Kept {
		t.Errorf("5 %% that nobody injected were found: %+v", p)
	}
	if p := about("against the truth"); p.Kept {
		t.Errorf("intervals hold what was not injected: %+v", p)
	}
}

func TestWrongSignBreaksPromises(t *testing.T) {
	m := newMachine()
	m.factor = func(s float64) float64 { return 1 - s }
	promises, err := experiment(t, m).Run(t.Context())
	about := verdicts(t, promises, err)
	if p := about(", 1 % slower"); p.Kept || !strings.Contains(p.Seen, "called faster in") {
		t.Errorf("a slowdown that speeds up keeps its promise: %+v", p)
	}
}

func TestRunnerThatFailsEndsTheTest(t *testing.T) {
	m := newMachine()
	m.Failure = context.DeadlineExceeded
	_, err := experiment(t, m).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("error is %v, expected the runner's", err)
	}
}

func TestSamplerThatCostsIsFound(t *testing.T) {
	for cost, kept := range map[float64]bool{0: true, 0.002: true, 0.03: false} {
		m := newMachine()
		m.Cost = cost
		promises, err := sampling(t, m, 0.001, 20e6).Run(t.Context())
		if p := verdicts(t, promises, err)("sampler on against off"); p.Kept != kept {
			t.Errorf("a sampler that costs %g: %+v", cost, p)
		}
	}
}

// sampling is of a harness that uses a share of a core in watched blocks, and
// memory in every one.
func sampling(t *testing.T, m *simulated, share float64, resident int64) selftest.Sampling {
	var cpu time.Duration
	last := m.Now()
	return selftest.Sampling{Runner: "simulated", Plan: workload(t), Processes: 12, Meter: m, Open: m.openPlain, Now: m.Now,
		Usage: func() (selftest.Usage, error) {
			cpu += time.Duration(share * float64(m.Now().Sub(last)))
			last = m.Now()
			return selftest.Usage{CPU: cpu, ResidentBytes: resident}, nil
		}}
}

func TestHarnessThatIsHeavyIsFound(t *testing.T) {
	for name, tt := range map[string]struct {
		share       float64
		resident    int64
		cpu, memory bool
	}{
		"light":              {0.009, 39e6, true, true},
		"computes too much":  {0.011, 39e6, false, true},
		"takes too much":     {0.009, 41e6, true, false},
		"tells of no memory": {0.009, 0, true, false},
	} {
		promises, err := sampling(t, newMachine(), tt.share, tt.resident).Run(t.Context())
		about := verdicts(t, promises, err)
		if cpu, memory := about("CPU of dlbench"), about("memory of dlbench"); cpu.Kept != tt.cpu || memory.Kept != tt.memory {
			t.Errorf("%s: %+v and %+v", name, cpu, memory)
		}
	}
	failing := sampling(t, newMachine(), 0, 1)
	failing.Usage = func() (selftest.Usage, error) { return selftest.Usage{}, errors.New("no /proc") }
	if _, err := failing.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no /proc") {
		t.Errorf("the error is %v", err)
	}
}

// What this process uses grows while it computes, and holds what it holds.
func TestOwnUsage(t *testing.T) {
	before, err := selftest.OwnUsage()
	if err != nil || before.ResidentBytes < 1<<20 {
		t.Fatal(before, err)
	}
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = byte(i)
	}
	after, err := selftest.OwnUsage()
	if err != nil || after.CPU <= before.CPU || after.ResidentBytes < before.ResidentBytes+32<<20 {
		t.Errorf("%+v, then %+v, %v", before, after, err)
	}
	runtime.KeepAlive(held)
}

func TestFloorOfASlowLoopIsFound(t *testing.T) {
	m := newMachine() // an empty iteration of a millisecond is not a floor
	promises, err := selftest.Floor(t.Context(), plan.Files{}, m.openPlain)
	about := verdicts(t, promises, err)
	for _, part := range []string{"edges", "back to back", "latency", "schedule"} {
		if p := about(part); p.Kept {
			t.Errorf("a millisecond passes for nothing: %+v", p)
		}
	}
}

func TestIntervalsCover(t *testing.T) {
	for _, p := range selftest.Coverage() {
		if !p.Kept {
			t.Errorf("broken: %+v", p)
		}
	}
}
