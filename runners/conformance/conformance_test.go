package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/conformance"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// given is a small workload in both modes.
type given struct {
	dir   string
	suite conformance.Suite
}

func workload(t *testing.T) given {
	t.Helper()
	g := given{dir: t.TempDir(), suite: conformance.Suite{Hello: protocol.HelloParams{Protocol: protocol.Version, Device: "cpu", Threads: 1}}}
	for mode, files := range map[plan.Mode]*plan.Files{plan.Infer: &g.suite.Infer, plan.Train: &g.suite.Train} {
		p, err := plan.New(plan.ID{Network: "lenet", Mode: mode, Batch: 2, Precision: "fp32"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if *files, err = plan.Materialize(t.Context(), filepath.Join(g.dir, "in"), p); err != nil {
			t.Fatal(err)
		}
		counts, err := p.Network.Counts()
		if err != nil {
			t.Fatal(err)
		}
		g.suite.Parameters = counts.Parameters
	}
	return g
}

// findings runs the suite on a scripted runner, and returns the faults by
// behaviour with the number of behaviours that were looked at.
func (g given) findings(t *testing.T, r *runner, operators []string) (faults map[string]string, looked int) {
	t.Helper()
	suite := g.suite
	suite.Operators, r.parameters = operators, suite.Parameters
	if operators != nil {
		suite.Modes = []string{"infer", "train"}
	}
	l := &launch.Launcher{Engine: &enginetest.Fake{Scripts: map[string]enginetest.Script{"x": r.script}}, Threads: 1,
		Inputs: filepath.Join(g.dir, "in"), Work: filepath.Join(t.TempDir(), "work")}
	suite.Open = func(ctx context.Context) (*launch.Conversation, error) {
		return l.StartRaw(ctx, manifest.Manifest{Name: "x", Local: &manifest.Local{Command: []string{"x"}}}, "", device.CPU)
	}
	found, err := suite.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	faults = map[string]string{}
	for _, f := range found {
		if f.Fault != "" {
			faults[f.Behaviour] = f.Fault
		}
	}
	return faults, len(found)
}

func TestARunnerThatDoesAllOfItHasNoFault(t *testing.T) {
	faults, looked := workload(t).findings(t, &runner{}, []string{"Conv", "Gemm"})
	if len(faults) > 0 || looked < 30 {
		t.Errorf("of %d behaviours these are at fault: %v", looked, faults)
	}
}

func TestARunnerWithoutTrainingSaysSo(t *testing.T) {
	loads := 0
	r := &runner{alter: func(r protocol.Request, reply *protocol.Reply) {
		if r.Request != protocol.Load || reply.Error != nil {
			return
		}
		if loads++; loads == 2 { // the first that it takes is inference
			*reply = protocol.Reply{ID: r.ID, Error: &protocol.Error{Code: protocol.Unsupported, Message: "training: inference only"}}
		}
	}}
	if faults, _ := workload(t).findings(t, r, nil); len(faults) > 0 || loads != 2 {
		t.Errorf("faults after %d loads: %v", loads, faults)
	}
}

// TestEveryFaultIsFound breaks one behaviour at a time of a runner that has all
// of them.
func TestEveryFaultIsFound(t *testing.T) {
	small := workload(t)
	accept := func(request, word string) func(protocol.Request, *protocol.Reply) { // what should be refused
		return func(r protocol.Request, reply *protocol.Reply) {
			if r.Request == request && reply.Error != nil && strings.Contains(reply.Error.Message, word) {
				*reply = protocol.Reply{ID: r.ID, Result: json.RawMessage(`{}`)}
			}
		}
	}
	set := func(request, field, value string) func(protocol.Request, *protocol.Reply) { // a field of a result
		return func(r protocol.Request, reply *protocol.Reply) {
			var result map[string]json.RawMessage
			if r.Request != request || reply.Error != nil || json.Unmarshal(reply.Result, &result) != nil {
				return
			}
			if _, there := result[field]; there || value == "" {
				result[field] = json.RawMessage(value)
				if value == "" {
					delete(result, field)
				}
				reply.Result, _ = json.Marshal(result)
			}
		}
	}
	for name, tt := range map[string]struct {
		alter     func(protocol.Request, *protocol.Reply)
		code      int
		behaviour string
		fault     string
	}{
		"dances":                      {accept("dance", ""), 0, "refuses requests that it does not know", "it was accepted, expected the error unknown_request"},
		"loads before hello":          {accept(protocol.Load, "hello"), 0, "wants hello first", "it was accepted"},
		"hello twice":                 {accept(protocol.Hello, "twice"), 0, "takes hello once", "it was accepted"},
		"warms up without a workload": {accept(protocol.Warmup, "load"), 0, "wants load before warmup", "it was accepted"},
		"no framework":                {set(protocol.Hello, "framework", `""`), 0, "introduces itself", "missing: framework"},
		"a later protocol":            {set(protocol.Hello, "protocol", `2`), 0, "introduces itself", "protocol is 2, expected 1"},
		"an operator too many":        {set(protocol.Hello, "capabilities", `{"operators":["Conv","Gemm","LRN"],"modes":["infer"],"running_variance":"biased"}`), 0, "introduces itself", "capabilities.operators has LRN, its manifest does not"},
		"an operator too few":         {set(protocol.Hello, "capabilities", `{"operators":["Conv"],"modes":["infer"],"running_variance":"biased"}`), 0, "introduces itself", "its manifest names operator Gemm"},
		"a mode too many":             {set(protocol.Hello, "capabilities", `{"operators":["Conv","Gemm"],"modes":["infer","train","tune"],"running_variance":"biased"}`), 0, "introduces itself", "capabilities.modes has tune, its manifest does not"},
		"a mode too few":              {set(protocol.Hello, "capabilities", `{"operators":["Conv","Gemm"],"modes":["infer"],"running_variance":"biased"}`), 0, "introduces itself", "its manifest names mode train"},
		"a missing file":              {accept(protocol.Load, "nowhere"), 0, "names a file that is not there", "it was accepted"},
		"a cut file":                  {accept(protocol.Load, "cut.safetensors"), 0, "names a file that is cut off", "it was accepted"},
		"a missing tensor":            {accept(protocol.Load, "input.0"), 0, "names a tensor that is missing", "it was accepted"},
		"another count":               {set(protocol.Load, "parameters", `7`), 0, "loads a workload", "it counts 7 parameters"},
		"durations lost":              {set(protocol.Warmup, "iteration_ns", `[1]`), 0, "warms up", "it tells 1 durations, expected 3"},
		"an empty block":              {set(protocol.Measure, "end_ns", `1`), 0, "measures a block, and what it computed", "a block from"},
		"another digest":              {set(protocol.Measure, "output_digest", `"0"`), 0, "measures a block, and what it computed", "output_digest is not the SHA-256"},
		"latencies lost":              {set(protocol.Measure, "iteration_ns", `[1]`), 0, "measures every iteration of a single stream", "1 latencies of 1 ns in a block of 4 iterations"},
		"queries lost":                {set(protocol.Measure, "query_ns", `[1]`), 0, "measures every query of a multi-stream", "1 latencies of 1 ns in a block of 2 queries"},
		"too early":                   {set(protocol.Measure, "lag_ns", `[0,-5,0,0]`), 0, "serves queries by a schedule, none before its time", "query 1 was issued 5 ns before it was due"},
		"latency from the start":      {set(protocol.Measure, "query_ns", `[1000000,1,1,1]`), 0, "serves queries by a schedule, none before its time", "its latency is not counted from the scheduled time"},
		"lags lost":                   {set(protocol.Measure, "lag_ns", `[]`), 0, "serves queries by a schedule, none before its time", "4 latencies and 0 lags for 4 queries"},
		"broken queries":              {accept(protocol.Measure, "query_iterations"), 0, "refuses queries that are not whole", "it was accepted"},
		"volumes of classes":          {accept(protocol.Measure, "class for each"), 0, "says that a classifier infers no volumes by patches", "it was accepted"},
		"other losses":                {set(protocol.Warmup, "losses", `[1,0.5,0.3]`), 0, "trains from the same start after verify", "loss 2 is 0.3, verify wrote 0.25"},
		"losses lost":                 {set(protocol.Warmup, "losses", `[]`), 0, "trains from the same start after verify", "warmup tells 0 losses, verify wrote 3"},
		"another id":                  {func(r protocol.Request, reply *protocol.Reply) { reply.ID += 100 }, 0, "answers bye", "the reply has id"},
		"a bad end":                   {nil, 3, "ends after bye with code 0", "it ended with code 3"},
		"another code": {func(_ protocol.Request, reply *protocol.Reply) {
			if reply.Error != nil {
				reply.Error.Code = protocol.Internal
			}
		}, 0, "refuses zero iterations", "expected bad_request"},
		"a silent message": {func(_ protocol.Request, reply *protocol.Reply) {
			if reply.Error != nil {
				reply.Error.Message = "no"
			}
		}, 0, "refuses scenarios that it does not know", `the message "no" does not name "dance"`},
	} {
		t.Run(name, func(t *testing.T) {
			faults, _ := small.findings(t, &runner{alter: tt.alter, code: tt.code}, []string{"Conv", "Gemm"})
			if got := faults[tt.behaviour]; !strings.Contains(got, tt.fault) {
				t.Errorf("%s: the fault is %q, want %q; all: %v", tt.behaviour, got, tt.fault, faults)
			}
		})
	}
}

func TestARunnerThatEndsIsNotAskedOn(t *testing.T) {
	faults, looked := workload(t).findings(t, &runner{endsAt: protocol.Warmup}, nil)
	if got := faults["wants load before warmup"]; got != "it ended without an answer" {
		t.Errorf("the fault is %q", got)
	}
	if got := faults["answers bye"]; !strings.Contains(got, "not asked") || looked < 30 {
		t.Errorf("after it %q of %d behaviours", got, looked)
	}
}

func TestARunnerThatPrintsOnItsStreamIsAtFault(t *testing.T) {
	faults, _ := workload(t).findings(t, &runner{prints: "Using TensorFlow backend."}, nil)
	if got := faults["introduces itself"]; !strings.Contains(got, `the reply is not JSON: "Using TensorFlow backend."`) {
		t.Errorf("the fault is %q; all: %v", got, faults)
	}
}

func TestARunnerThatDoesNotStartIsTheHarnesss(t *testing.T) {
	broken := errors.New("no image")
	suite := conformance.Suite{Open: func(context.Context) (*launch.Conversation, error) { return nil, broken }}
	if _, err := suite.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestSpokenCountsItsFaults(t *testing.T) {
	s := conformance.Spoken{Findings: []conformance.Finding{{Behaviour: "a"}, {Behaviour: "b", Fault: "x"}, {Behaviour: "c", Fault: "y"}}}
	if s.Faults() != 2 {
		t.Errorf("%d faults, want 2", s.Faults())
	}
}
