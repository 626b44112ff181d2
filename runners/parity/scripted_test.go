package parity_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/runners/parity/paritytest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

type (
	values = paritytest.Values
	value  = paritytest.Value
)

// scripted is a runner that plays a part. It counts what it is asked.
type scripted struct {
	*stage
	name  string
	part  part
	plan  *plan.Plan
	files int
}

// part says in what a scripted runner differs from an honest one.
type part struct {
	hello  protocol.HelloResult
	load   func(p *plan.Plan) (protocol.LoadResult, error) // instead of an honest answer, if it answers anything
	alter  func(p *plan.Plan, all values)                  // before the file is written
	file   func(p *plan.Plan, path string) error           // instead of the file
	shapes map[string][]int
	verify error // instead of verifying
}

// stage is where scripted runners play: it knows every plan by its digest.
type stage struct {
	mu     sync.Mutex // of the maps
	t      *testing.T
	dir    string
	plans  map[string]*plan.Plan
	opened map[string]int
	asked  map[string]int // verifications by runner
}

func newStage(t *testing.T) *stage {
	return &stage{t: t, dir: t.TempDir(), plans: map[string]*plan.Plan{}, opened: map[string]int{}, asked: map[string]int{}}
}

func (s *stage) materialize(_ context.Context, p *plan.Plan) (plan.Files, error) {
	digest, err := p.Digest()
	s.mu.Lock()
	s.plans[digest] = p
	s.mu.Unlock()
	file := plan.File{Path: digest, SHA256: digest}
	return plan.Files{Plan: file, Weights: file, Batch: file}, err
}

func (s *stage) open(name string, p part) func(context.Context) (parity.Runner, error) {
	return func(context.Context) (parity.Runner, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opened[name]++
		dir := filepath.Join(s.dir, fmt.Sprintf("%s-%d", name, s.opened[name]))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		return &scripted{stage: s, name: dir, part: p}, nil
	}
}

// verifier has a reference of its own part.
func (s *stage) verifier(reference part) *parity.Verifier {
	s.t.Helper()
	return &parity.Verifier{CacheDir: filepath.Join(s.dir, "cache"), Processor: "cpu-a", ReferenceKey: "r1",
		OpenReference: s.open("reference", reference), Materialize: s.materialize, Cases: fewCases(s.t)}
}

func (s *stage) candidate(p part) parity.Candidate {
	return parity.Candidate{Name: "candidate", Key: "k1", Device: "cpu", Open: s.open("candidate", p)}
}

func (s *scripted) Hello() protocol.HelloResult { return s.part.hello }

func (s *scripted) Load(_ context.Context, files plan.Files) (protocol.LoadResult, error) {
	if s.plan != nil {
		return protocol.LoadResult{}, errors.New("load before unload")
	}
	s.mu.Lock()
	p := s.plans[files.Plan.SHA256]
	s.mu.Unlock()
	if s.part.load != nil {
		if r, err := s.part.load(p); err != nil || r != (protocol.LoadResult{}) {
			s.plan = p
			return r, err
		}
	}
	s.plan = p
	counts, err := p.Network.Counts()
	return protocol.LoadResult{Parameters: counts.Parameters}, err
}

func (s *scripted) Verify(_ context.Context, params protocol.VerifyParams) (string, protocol.VerifyResult, error) {
	s.mu.Lock()
	s.asked[strings.SplitN(filepath.Base(s.name), "-", 2)[0]]++
	s.mu.Unlock()
	result := protocol.VerifyResult{Shapes: s.part.shapes}
	if s.part.verify != nil {
		return "", result, s.part.verify
	}
	s.files++
	path := filepath.Join(s.name, fmt.Sprintf("%d.safetensors", s.files))
	if s.part.file != nil {
		return path, result, s.part.file(s.plan, path)
	}
	all, err := paritytest.Oracle(s.plan, params)
	if err != nil {
		return "", result, err
	}
	if s.part.alter != nil {
		s.part.alter(s.plan, all)
	}
	return path, result, all.Write(path)
}

func (s *scripted) Unload(context.Context) error {
	s.plan = nil
	return nil
}

func (s *scripted) Close(context.Context) error { return nil }

// tiny is a network with every kind of tensor that parity judges.
func tiny(t *testing.T, mode plan.Mode, batch int) *plan.Plan {
	t.Helper()
	s := &small{net: network.Network{Name: "tiny", Opset: network.Opset, Input: network.Value{Name: "input", Shape: []int{batch, 3, 6, 6}}},
		channels: map[string]int{"input": 3}}
	x := s.node("relu", "Relu", nil, 4, s.norm("bn", s.conv("conv", "input", 4, 3, 1, 1), false))
	x = s.node("flatten", "Flatten", network.Attributes{"axis": 1}, 4, s.node("global", "GlobalAveragePool", nil, 4, x))
	s.dense("logits", x, 5)
	s.net.Outputs = []string{"logits"}
	if err := s.net.Check(); err != nil {
		t.Fatal(err)
	}
	return plan.From(&s.net, plan.ID{Network: "tiny", Mode: mode, Batch: batch, Precision: "fp32"}, 3, 1e-3)
}

// fewCases are those that the tiny network needs, and some that it does not.
func fewCases(t *testing.T) []cases.Case {
	t.Helper()
	all, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{"conv/3x3", "conv/groups", "batchnorm/infer-eps1e-05-momentum0.9", "batchnorm/train-eps1e-05-momentum0.9",
		"relu", "sigmoid", "lrn/alexnet", "lrn/strong", "gemm/square"}
	all = slices.DeleteFunc(all, func(c cases.Case) bool { return !slices.Contains(wanted, c.Name) })
	if len(all) != len(wanted) {
		t.Fatalf("%d cases of %q are there", len(all), wanted)
	}
	return all
}
