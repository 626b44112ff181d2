package fidelity_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/fidelity"
	"github.com/dlbench/dlbench/runners/protocol"
)

// scripted is a runner with a bare loop in its process, whose iteration takes a
// millisecond, and the runner's share more.
type scripted struct {
	share    float64
	noise    float64
	counters bool
	cpu      bool

	mu     sync.Mutex
	rng    *rand.Rand
	asked  []string // the requests, process after process
	orders string
}

func (s *scripted) block(side rune, iterations int) protocol.AlternateBlock {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders += string(side)
	each := 1e6
	if side == protocol.RunnerSide {
		each *= 1 + s.share
	}
	b := protocol.AlternateBlock{EndNS: int64(each * float64(iterations) * math.Exp(s.noise*s.rng.NormFloat64()))}
	if s.cpu {
		b.CPUNS = int64(each * float64(iterations))
	}
	if s.counters {
		instructions, cycles := int64(each*10)*int64(iterations), int64(each*5)*int64(iterations)
		b.Instructions, b.Cycles = &instructions, &cycles
	}
	return b
}

func (s *scripted) stage(t *testing.T) *benchtest.Stage {
	s.rng = rand.New(rand.NewPCG(1, 2))
	r := enginetest.Runner{Alternate: s.block, Fault: func(request string) *protocol.Error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, request)
		return nil
	}}
	return benchtest.New(t, map[string]enginetest.Runner{"a": r, "bare-a": {}})
}

func together(s *benchtest.Stage, processes, groups int) fidelity.Options {
	return fidelity.Options{Setup: s.Setup("lenet/infer/b4/fp32"), Processes: processes, Groups: groups,
		TurnTime: 20 * time.Millisecond, WarmupTime: time.Nanosecond}
}

func TestARunnerAndItsBareLoopInOneProcess(t *testing.T) {
	t.Parallel()
	s := &scripted{share: 0.01, noise: 0.01, counters: true, cpu: true}
	stage := s.stage(t)
	a, err := fidelity.Run(t.Context(), together(stage, 6, 50))
	if err != nil {
		t.Fatal(err)
	}
	row := a.Rows[0]
	in := row.InProcess
	if row.Pairs != 0 || in == nil || in.Groups != 50 || len(in.Processes) != 6 || in.Iterations != 20 {
		t.Fatalf("the row is %+v with %+v", row, in)
	}
	truth := 1 / 1.01
	if math.Abs(in.Ratio-truth) > in.Within || in.Within > 0.003 || in.Within < 0.0005 {
		t.Errorf("the ratio is %.4f ± %.4f, the truth %.4f", in.Ratio, in.Within, truth)
	}
	if !in.Interval.Exists() || in.Interval.Low > truth || in.Interval.High < truth {
		t.Errorf("over processes %+v, the truth %.4f", in.Interval, truth)
	}
	if in.CPU == nil || math.Abs(in.CPU.Ratio-truth) > 1e-6 || !in.CPU.Interval.Exists() {
		t.Errorf("by CPU time it is %+v, the truth %.4f", in.CPU, truth)
	}
	if in.Instructions == nil || math.Abs(in.Instructions.Ratio-1.01) > 1e-6 || in.Instructions.Bare != 1e7 || in.Cycles == nil || math.Abs(in.Cycles.Own-5.05e6) > 1 {
		t.Errorf("counted are %+v and %+v, %q", in.Instructions, in.Cycles, in.NoCounters)
	}
	if math.Abs(in.Bare-4000) > 20 || math.Abs(in.Own-4000/1.01) > 20 {
		t.Errorf("images/s are %.0f and %.0f", in.Bare, in.Own)
	}
}

// Neither side is favoured: what is built first, and what begins, takes turns.
func TestNobodyIsAlwaysFirst(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	stage := s.stage(t)
	a, err := fidelity.Run(t.Context(), together(stage, 4, 12))
	if err != nil {
		t.Fatal(err)
	}
	var built []string
	for i, request := range s.asked {
		if request == protocol.Hello {
			built = append(built, strings.Join(s.asked[i+1:i+3], " "))
		}
	}
	if want := []string{"load bare", "bare load", "load bare", "bare load"}; !slices.Equal(built, want) {
		t.Errorf("built are %q, expected %q", built, want)
	}
	var first []bool
	for _, p := range a.Rows[0].InProcess.Processes {
		first = append(first, p.BareFirst)
	}
	if want := []bool{false, true, false, true}; !slices.Equal(first, want) {
		t.Errorf("told as bare first are %v", first)
	}
	each := len(s.orders) / 4
	follows := map[string]int{}
	for p := range 4 {
		blocks := s.orders[p*each:][:each][2:] // without the warm-up
		want := []string{"rbbrbrrb", "rbbrbrrb", "brrbrbbr", "brrbrbbr"}[p]
		if len(blocks) != 48 || !strings.HasPrefix(blocks, want) {
			t.Errorf("process %d has the blocks %q, expected %q …", p, blocks, want)
		}
		for i := range blocks[1:] {
			follows[blocks[i:i+2]]++
		}
	}
	if follows["rr"] != follows["bb"] || follows["rb"] != follows["br"] {
		t.Errorf("the sides follow one another %v times", follows)
	}
}

func TestWithoutCountersTheReasonIsTold(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	stage := s.stage(t)
	a, err := fidelity.Run(t.Context(), together(stage, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	in := a.Rows[0].InProcess
	if in.Instructions != nil || in.Cycles != nil || in.NoCounters != "scripted without" || !strings.Contains(stage.Said(), "no instructions or cycles: scripted without") {
		t.Errorf("counted are %+v, %q, told %q", in.Instructions, in.NoCounters, stage.Said())
	}
	if in.CPU != nil {
		t.Errorf("without CPU times there is %+v", in.CPU)
	}
	if in.Interval.Exists() || in.Within != 0 {
		t.Errorf("one process of two groups has the intervals %+v and %v", in.Interval, in.Within)
	}
	if _, err := json.Marshal(a.Rows); err != nil { // which has no NaN
		t.Error(err)
	}
}

// A runner of an older protocol, or without a loop beside it, keeps its pairs.
func TestARunnerThatCannotHoldBoth(t *testing.T) {
	t.Parallel()
	s := benchtest.New(t, map[string]enginetest.Runner{"a": {}, "bare-a": {}})
	o := options(s, "lenet/infer/b4/fp32")
	o.Processes, o.Groups = 2, 2
	a, err := fidelity.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	row := a.Rows[0]
	if row.Pairs != 6 || row.Ratio != 1 || row.InProcess != nil || !strings.Contains(row.NoInProcess, protocol.Bare) {
		t.Errorf("the row is %+v", row)
	}
	if !strings.Contains(s.Said(), "nothing in one process") {
		t.Errorf("told is %q", s.Said())
	}
}

func TestNothingToCompare(t *testing.T) {
	t.Parallel()
	s := (&scripted{}).stage(t)
	for _, o := range []fidelity.Options{{}, {Rounds: 2, Blocks: 1}, {Processes: 2}, {Rounds: -1}} {
		o.Setup = s.Setup("lenet/infer/b4/fp32")
		_, err := fidelity.Run(t.Context(), o)
		benchtest.Check(t, err, bench.Usage, "compare nothing")
	}
}
