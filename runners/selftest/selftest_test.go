package selftest_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/runners/selftest"
	"github.com/dlbench/dlbench/workloads/plan"
)

// simulated is a machine with a clock of its own, on which an iteration takes
// a millisecond: it drifts by 1 % over minutes, each process is off by half a
// percent, each iteration by a tenth of one.
type simulated struct {
	rng     *rand.Rand
	clock   int64
	factor  func(slowdown float64) float64 // what a slowdown really does
	cost    float64                        // of the sampler
	failure error

	watching bool
}

func newMachine() *simulated {
	return &simulated{rng: rand.New(rand.NewPCG(4, 2)), factor: func(s float64) float64 { return 1 + s }}
}

func (m *simulated) now() time.Time { return time.Unix(0, m.clock) }

func (m *simulated) drift() float64 { return 0.01 * math.Sin(float64(m.clock)/60e9) }

func (m *simulated) open(_ context.Context, slowdown float64) (campaign.Runner, error) {
	m.clock += 3e8
	return &process{machine: m, length: 1e6 * m.factor(slowdown) * math.Exp(0.005*m.rng.NormFloat64())}, nil
}

func (m *simulated) openPlain(ctx context.Context) (campaign.Runner, error) { return m.open(ctx, 0) }

// Start makes the machine its own sampler: watching costs time.
func (m *simulated) Start(context.Context, engine.Identity) (campaign.Recording, error) {
	m.watching = true
	return m, nil
}

// Stop ends the watching.
func (m *simulated) Stop(*record.Process) { m.watching = false }

type process struct {
	machine *simulated
	length  float64
}

func (p *process) iteration() int64 {
	m := p.machine
	d := p.length * math.Exp(m.drift()+0.001*m.rng.NormFloat64())
	if m.watching {
		d *= 1 + m.cost
	}
	m.clock += int64(d)
	return int64(d)
}

func (p *process) Hello() protocol.HelloResult { return protocol.HelloResult{} }
func (p *process) StartSeconds() float64       { return 0.3 }
func (p *process) Identity() engine.Identity   { return engine.Identity{} }
func (p *process) Close(context.Context) error { return nil }

func (p *process) Load(context.Context, plan.Files) (protocol.LoadResult, error) {
	return protocol.LoadResult{}, p.machine.failure
}

func (p *process) Warmup(_ context.Context, w protocol.WarmupParams) (protocol.WarmupResult, error) {
	var r protocol.WarmupResult
	for range w.Iterations {
		r.IterationNS = append(r.IterationNS, p.iteration())
	}
	return r, nil
}

func (p *process) Measure(_ context.Context, m protocol.MeasureParams, _ bool) (protocol.MeasureResult, string, error) {
	r := protocol.MeasureResult{StartNS: p.machine.clock}
	for range m.Iterations {
		d := p.iteration()
		if m.Scenario == protocol.SingleStream {
			r.IterationNS = append(r.IterationNS, d)
		}
		if m.Scenario == protocol.Server { // it issues as late as an iteration is long
			r.QueryNS, r.LagNS = append(r.QueryNS, 2*d), append(r.LagNS, d)
		}
	}
	r.EndNS = p.machine.clock
	return r, "", nil
}

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
		Seed: 1, Meter: selftest.Unmetered{}, Open: m.open, Now: m.now}
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
	m.failure = context.DeadlineExceeded
	_, err := experiment(t, m).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("error is %v, expected the runner's", err)
	}
}

func TestSamplerThatCostsIsFound(t *testing.T) {
	for cost, kept := range map[float64]bool{0: true, 0.002: true, 0.03: false} {
		m := newMachine()
		m.cost = cost
		s := selftest.Sampling{Runner: "simulated", Plan: workload(t), Processes: 12, Meter: m, Open: m.openPlain}
		p, err := s.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p.Kept != kept {
			t.Errorf("a sampler that costs %g: %+v", cost, p)
		}
	}
}

func TestFloorOfASlowLoopIsFound(t *testing.T) {
	m := newMachine() // an empty iteration of a millisecond is no floor
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
