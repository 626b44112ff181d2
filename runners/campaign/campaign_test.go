package campaign_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
)

func TestEveryCellIsMeasuredOnceARound(t *testing.T) {
	runners := map[string]*scripted{"a": ms(1), "b": ms(2), "c": ms(4)}
	s := newStage(t, runners, infer, train)
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.config.Record.Cells {
		var rounds []int
		for _, p := range c.Processes {
			rounds = append(rounds, p.Round)
			for _, b := range p.Blocks {
				if b.DeviceNS != b.EndNS-b.StartNS {
					t.Errorf("a block of %s keeps %d ns of the device, want %d", c.Runner, b.DeviceNS, b.EndNS-b.StartNS)
				}
			}
		}
		if !slices.Equal(rounds, []int{0, 1, 2}) {
			t.Errorf("%s on %s was measured in rounds %v", c.Workload, c.Runner, rounds)
		}
		if c.Status != record.Measured {
			t.Errorf("%s on %s is %s: %s", c.Workload, c.Runner, c.Status, c.Reason)
		}
	}
	if got := s.cell(infer, "a").Throughput.Median; got < 1990 || got > 2010 {
		t.Errorf("batch 2 in 1 ms is 2000 images/s, got %v", got)
	}
	if want := []string{"running after 1", "running after 2", "running after 3", "complete after 3"}; !slices.Equal(s.saved, want) {
		t.Errorf("saved %v, want %v", s.saved, want)
	}
}

func TestOrderIsRandomAndOfTheSeed(t *testing.T) {
	orders := func(seed uint64) [][]int {
		s := newStage(t, map[string]*scripted{"a": ms(1), "b": ms(1), "c": ms(1)}, infer, train)
		s.config.Seed = seed
		if err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		var all [][]int
		for _, c := range s.config.Record.Cells {
			var order []int
			for _, p := range c.Processes {
				order = append(order, p.Order)
			}
			all = append(all, order)
		}
		return all
	}
	first, again, other := orders(1), orders(1), orders(2)
	differs := false
	for i := range first {
		if !slices.Equal(first[i], again[i]) {
			t.Errorf("cell %d: orders %v and %v of one seed", i, first[i], again[i])
		}
		differs = differs || !slices.Equal(first[i], other[i])
	}
	if !differs {
		t.Error("two seeds gave the same orders")
	}
	if !slices.ContainsFunc(first, func(order []int) bool { return len(slices.Compact(slices.Clone(order))) > 1 }) {
		t.Errorf("every round has the same order: %v", first)
	}
}

func TestWarmupIsCalibratedOnceAndRepeated(t *testing.T) {
	a := ms(10)
	s := newStage(t, map[string]*scripted{"a": a}, infer)
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := s.cell(infer, "a").Calibration
	if c == nil || !c.Steady || c.WarmupIterations < 20 {
		t.Fatalf("calibration is %+v, want a steady state after at least one window", c)
	}
	if c.BlockIterations != 30 || c.LatencyIterations != 50 {
		t.Errorf("at 10 ms an iteration, 0.3 s are 30 and 0.5 s are 50, got %+v", c)
	}
	for _, p := range s.cell(infer, "a").Processes {
		if len(p.WarmupNS) != c.WarmupIterations {
			t.Errorf("round %d warmed up by %d iterations, not %d", p.Round, len(p.WarmupNS), c.WarmupIterations)
		}
	}
	if last := a.warmups[len(a.warmups)-1]; last != c.WarmupIterations {
		t.Errorf("the last process warmed up by %d in one request, want %d", last, c.WarmupIterations)
	}
}

func TestSlotsAlternateThroughAProcess(t *testing.T) {
	a := ms(110) // blocks of 3 iterations: an odd number shifts the next block's slot
	s := newStage(t, map[string]*scripted{"a": a}, train)
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(a.slots)))) != 2 {
		t.Errorf("first slots of the blocks are %v: a stale output could go unseen", a.slots)
	}
}

func TestNoSteadyStateIsAWarningAndDataStay(t *testing.T) {
	drift := 1e6
	a := ms(1)
	a.wobble = func(int) int64 { drift = min(1.05*drift, 1e14); return int64(drift) }
	s := newStage(t, map[string]*scripted{"a": a}, infer)
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !warned(s.config.Record, "no_steady_state") {
		t.Errorf("warnings are %v", s.config.Record.Warnings)
	}
	if n := len(s.cell(infer, "a").Processes); n != 3 {
		t.Errorf("%d processes are kept, want 3", n)
	}
}

func TestAFailingRunnerDoesNotStopTheOthers(t *testing.T) {
	for name, test := range map[string]struct {
		runner *scripted
		status string
	}{
		"crash":       {&scripted{openErr: errors.New("killed by its memory limit")}, record.Failed},
		"unsupported": {&scripted{openErr: &protocol.Error{Code: protocol.Unsupported, Message: "no LRN"}}, record.Unsupported},
		"in a block":  {&scripted{iterationNS: 1e6, blockErr: errors.New("ended by SIGSEGV")}, record.Failed},
		"NaN loss":    {&scripted{iterationNS: 1e6, badLoss: true}, record.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, map[string]*scripted{"a": test.runner, "b": ms(1)}, train)
			if err := s.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			bad, good := s.cell(train, "a"), s.cell(train, "b")
			if bad.Status != test.status || bad.Reason == "" || len(bad.Processes) != 1 {
				t.Errorf("the failing cell is %s (%q) with %d processes", bad.Status, bad.Reason, len(bad.Processes))
			}
			if good.Status != record.Measured || len(good.Processes) != 3 {
				t.Errorf("the other cell is %s with %d processes", good.Status, len(good.Processes))
			}
		})
	}
}

// A stale output, or any other computation than the verified one, is measured,
// shown and never ranked.
func TestTimedOutputThatIsNotTheVerifiedOneIsNotRanked(t *testing.T) {
	for _, workload := range []string{infer, train} {
		s := newStage(t, map[string]*scripted{"a": ms(1), "b": ms(1)}, workload)
		s.config.Cells[0].Expect = expectation{same: false}
		if err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := s.cell(workload, "a")
		if c.Status != record.NotRanked || c.Parity.Status != record.ParityFailed || !strings.Contains(c.Reason, "0.3") {
			t.Errorf("%s: the cell is %s, parity %s, reason %q", workload, c.Status, c.Parity.Status, c.Reason)
		}
		if other := s.cell(workload, "b"); other.Status != record.Measured {
			t.Errorf("%s: the honest cell is %s", workload, other.Status)
		}
		if len(s.config.Record.Comparisons) != 0 {
			t.Errorf("%s: compared %v", workload, s.config.Record.Comparisons)
		}
	}
}

func TestInterruptedRunGoesOnWhereItStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a, b := ms(1), ms(1)
	blocks := 0
	stop := func() {
		if blocks++; blocks == 14 {
			cancel()
		}
	}
	a.onBlock, b.onBlock = stop, stop
	s := newStage(t, map[string]*scripted{"a": a, "b": b}, infer)
	if err := s.run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v, want the cancellation", err)
	}
	rec := s.config.Record
	if rec.Status != record.Interrupted || s.saved[len(s.saved)-1] != "interrupted after 1" {
		t.Fatalf("status %s, saved %v", rec.Status, s.saved)
	}
	kept := len(s.cell(infer, "a").Processes) + len(s.cell(infer, "b").Processes)
	if kept != 3 {
		t.Fatalf("%d processes are kept; fourteen blocks are three processes and a half", kept)
	}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if n := len(s.cell(infer, name).Processes); n != 3 {
			t.Errorf("%s has %d processes after it went on, want 3", name, n)
		}
	}
	if rec.Status != record.Complete {
		t.Errorf("status is %s", rec.Status)
	}
}

func TestReportProfileStopsAtItsWidth(t *testing.T) {
	profile, err := campaign.ProfileNamed("report")
	if err != nil {
		t.Fatal(err)
	}
	quiet, noisy := ms(10), ms(10)
	noisy.wobble = func(process int) int64 { return int64(process%5) * int64(time.Millisecond) }
	s := newStage(t, map[string]*scripted{"a": quiet}, infer)
	s.config.Profile = profile
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := s.cell(infer, "a"); len(c.Processes) != profile.MinRounds || !c.Throughput.Converged {
		t.Errorf("a quiet cell has %d processes, converged %v", len(c.Processes), c.Throughput.Converged)
	}
	s = newStage(t, map[string]*scripted{"a": noisy}, infer)
	s.config.Profile = profile
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := s.cell(infer, "a"); len(c.Processes) != profile.MaxRounds || c.Throughput.Converged || !warned(s.config.Record, "not_converged") {
		t.Errorf("a noisy cell has %d processes, converged %v, warnings %v", len(c.Processes), c.Throughput.Converged, s.config.Record.Warnings)
	}
}

// stopwatch is a clock that stands still until somebody lets time pass.
type stopwatch struct{ now time.Time }

func (w *stopwatch) time() time.Time             { return w.now }
func (w *stopwatch) pass(d time.Duration) func() { return func() { w.now = w.now.Add(d) } }

// slow is a runner each of whose processes takes 4 blocks of this length.
func slow(w *stopwatch, block time.Duration) *scripted {
	s := ms(1)
	s.onBlock = w.pass(block)
	return s
}

func TestBudgetNamesWhatDidNotFit(t *testing.T) {
	const process = 4 * time.Second
	for name, tt := range map[string]struct {
		budget       time.Duration
		a, b, c      int // processes
		missed       string
		stillPending bool
	}{
		// a takes 40 s a process, b and c 4 s.
		"everything fits":                 {budget: time.Hour, a: 3, b: 3, c: 3},
		"a does not fit a second time":    {budget: 60 * time.Second, a: 1, b: 2, c: 2, missed: infer + " a"},
		"the first round does not finish": {budget: process, a: 0, b: 0, c: 1, missed: infer + " a, " + infer + " b", stillPending: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := &stopwatch{now: time.Unix(1e9, 0)}
			runners := map[string]*scripted{"a": slow(w, 10*process/4), "b": slow(w, process/4), "c": slow(w, process/4)}
			s := newStage(t, runners, infer)
			s.config.Budget, s.config.Now = tt.budget, w.time
			if tt.stillPending {
				s.config.Seed = firstIs(t, s, "c")
			}
			if err := s.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			for runner, want := range map[string]int{"a": tt.a, "b": tt.b, "c": tt.c} {
				cell := s.cell(infer, runner)
				if len(cell.Processes) != want {
					t.Errorf("%s has %d processes, expected %d", runner, len(cell.Processes), want)
				}
				if want == 0 && (cell.Status != record.Pending || cell.Reason != campaign.BudgetReason) {
					t.Errorf("%s is %s (%s), expected the budget as the reason", runner, cell.Status, cell.Reason)
				}
			}
			var text string
			for _, warning := range s.config.Record.Warnings {
				if warning.Code == record.BudgetEnded {
					text = warning.Text
				}
			}
			if tt.missed == "" && text != "" || !strings.Contains(text, tt.missed) {
				t.Errorf("the warning is %q, expected %q in it", text, tt.missed)
			}
			if over := w.now.Sub(time.Unix(1e9, 0)) - tt.budget; over > 10*process {
				t.Errorf("the run ended %s after its budget, more than one process", over)
			}
		})
	}
}

// firstIs is a seed whose first round begins with this runner.
func firstIs(t *testing.T, s *stage, runner string) uint64 {
	t.Helper()
	for seed := range uint64(100) {
		if campaign.Order(s.config.Cells, seed, 0)[0].Runner == runner {
			return seed
		}
	}
	t.Fatalf("no seed puts %s first", runner)
	return 0
}

// A budget that verification used up already starts nothing.
func TestBudgetCountsFromWhereItBegan(t *testing.T) {
	w := &stopwatch{now: time.Unix(1e9, 0)}
	s := newStage(t, map[string]*scripted{"a": slow(w, time.Second)}, infer)
	s.config.Budget, s.config.Now, s.config.Began = time.Minute, w.time, w.now.Add(-time.Minute)
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.cell(infer, "a").Processes); n != 0 || !warned(s.config.Record, record.BudgetEnded) {
		t.Errorf("%d processes were started after the budget's end; warnings are %v", n, s.config.Record.Warnings)
	}
}

func TestTermsThatDisagreeAreWarnings(t *testing.T) {
	a := ms(1)
	a.threads = 4
	s := newStage(t, map[string]*scripted{"a": a}, infer)
	s.config.Record.Terms.CPUs = "0-3"
	s.config.Limit = func(engine.Identity) (int64, error) { return 1 << 30, nil }
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"threads_mismatch", "cpus_mismatch", "memory_limit_mismatch"} {
		if !warned(s.config.Record, code) {
			t.Errorf("no warning %s among %v", code, s.config.Record.Warnings)
		}
	}
}

// A framework that tells nobody its threads is not taken at its word, or at the
// harness's: the record says that they are unconfirmed.
func TestThreadsThatNobodyTellsAreUnconfirmed(t *testing.T) {
	a := ms(1)
	a.threads = 0
	s := newStage(t, map[string]*scripted{"a": a}, infer)
	s.config.Record.Runners = append(s.config.Record.Runners, record.Runner{Name: "a", Terms: record.RunnerTerms{Threads: 2}})
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !warned(s.config.Record, "threads_unconfirmed") || warned(s.config.Record, "threads_mismatch") {
		t.Errorf("warnings are %v", s.config.Record.Warnings)
	}
	if told := s.config.Record.Runner("a").Terms.ThreadsText(); told != "unconfirmed" {
		t.Errorf("the record says %s threads", told)
	}
}

func TestUnknownProfile(t *testing.T) {
	if _, err := campaign.ProfileNamed("fast"); err == nil || !strings.Contains(err.Error(), "quick") {
		t.Errorf("error is %v, want the profiles named", err)
	}
}

func warned(r *record.Record, code string) bool {
	return slices.ContainsFunc(r.Warnings, func(w record.Warning) bool { return w.Code == code })
}

// A compiler that works through the first iterations takes nothing from the time
// in which a steady state is waited for.
func TestPatienceStartsAfterTheFirstIterations(t *testing.T) {
	w := &stopwatch{now: time.Unix(1e9, 0)}
	a := ms(1)
	compiled := false
	a.onWarmup = func() {
		if !compiled {
			w.now = w.now.Add(time.Minute)
		}
		compiled = true
	}
	s := newStage(t, map[string]*scripted{"a": a}, infer)
	s.config.Now = w.time
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := s.cell(infer, "a").Calibration; !c.Steady || warned(s.config.Record, record.NoSteadyState) {
		t.Errorf("gave up after %d iterations: %+v", c.WarmupIterations, s.config.Record.Warnings)
	}
}
