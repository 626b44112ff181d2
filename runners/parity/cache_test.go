package parity_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

// again verifies the tiny network and says how often runners were started.
func again(t *testing.T, s *stage, v *parity.Verifier, c parity.Candidate, mode plan.Mode) (verdict *parity.Verdict, candidates, references int) {
	t.Helper()
	before, referenceBefore := s.opened["candidate"], s.opened["reference"]
	verdict, err := v.VerifyPlans(context.Background(), c, tiny(t, mode, 4), tiny(t, mode, 2))
	if err != nil {
		t.Fatal(err)
	}
	return verdict, s.opened["candidate"] - before, s.opened["reference"] - referenceBefore
}

func TestASecondRunPaysNothing(t *testing.T) {
	for _, p := range []part{{}, in("output.logits", scaled(2)), {load: onTiny(&protocol.Error{Code: protocol.Unsupported, Message: "no"})}} {
		for _, mode := range []plan.Mode{plan.Infer, plan.Train} {
			s := newStage(t)
			first, _, _ := again(t, s, s.verifier(part{}), s.candidate(p), mode)
			second, candidates, references := again(t, s, s.verifier(part{}), s.candidate(p), mode)
			if candidates+references > 0 || !second.Parity.Cached {
				t.Errorf("%s: started %d and %d times, cached %t", mode, candidates, references, second.Parity.Cached)
			}
			second.Parity.Cached = false
			if !reflect.DeepEqual(first, second) {
				t.Errorf("%s: the kept verdict is another one:\n%+v\n%+v", mode, first, second)
			}
		}
	}
}

// The reference answers one question at a time, and no question twice.
func TestRunnersAreJudgedAtOnce(t *testing.T) {
	s := newStage(t)
	v := s.verifier(part{})
	var group errgroup.Group
	for i := range 8 {
		c := s.candidate(part{})
		c.Name = fmt.Sprint("candidate", i)
		actual, deep := tiny(t, plan.Train, 4), tiny(t, plan.Train, 2)
		group.Go(func() error {
			verdict, err := v.VerifyPlans(context.Background(), c, actual, deep)
			if err == nil && verdict.Parity.Status != record.ParityPassed {
				err = fmt.Errorf("%s: %s: %s", c.Name, verdict.Parity.Status, verdict.Parity.Reason)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	asked := s.asked["reference"]
	if again(t, s, v, s.candidate(part{}), plan.Train); s.opened["reference"] != 1 || s.asked["reference"] != asked {
		t.Errorf("the reference was started %d times, and asked again for what it had answered", s.opened["reference"])
	}
}

// What may be different tomorrow is not kept.
func TestPassingTroubleIsNotKept(t *testing.T) {
	for _, c := range []struct {
		part   part
		starts int // the second time
	}{
		{part{load: onTiny(&protocol.Error{Code: protocol.DeviceUnavailable, Message: "no driver"})}, 1},
		{part{load: onTiny(&protocol.Error{Code: protocol.OutOfMemory, Message: "too large"})}, 1},
		{part{load: onCase("sigmoid", errors.New("killed"))}, 3},
	} {
		s := newStage(t)
		again(t, s, s.verifier(part{}), s.candidate(c.part), plan.Infer)
		if verdict, starts, _ := again(t, s, s.verifier(part{}), s.candidate(c.part), plan.Infer); starts != c.starts || verdict.Parity.Cached {
			t.Errorf("%+v: started %d times, want %d", verdict.Parity, starts, c.starts)
		}
	}
	s := newStage(t)
	nameless := s.candidate(part{})
	nameless.Key = ""
	again(t, s, s.verifier(part{}), nameless, plan.Infer)
	if _, candidates, _ := again(t, s, s.verifier(part{}), nameless, plan.Infer); candidates != 2 {
		t.Errorf("a runner without an identity was started %d times, want 2", candidates)
	}
}

// A verdict holds for one runner, device, processor and reference.
func TestWhatAVerdictDependsOn(t *testing.T) {
	s := newStage(t)
	v, c := s.verifier(part{}), s.candidate(part{})
	again(t, s, v, c, plan.Infer)
	for name, change := range map[string]func(*parity.Verifier, *parity.Candidate){
		"name":      func(_ *parity.Verifier, c *parity.Candidate) { c.Name = "other" },
		"image":     func(_ *parity.Verifier, c *parity.Candidate) { c.Key = "k2" },
		"device":    func(_ *parity.Verifier, c *parity.Candidate) { c.Device = "gpu:0" },
		"processor": func(v *parity.Verifier, _ *parity.Candidate) { v.Processor = "cpu-b" },
		"reference": func(v *parity.Verifier, _ *parity.Candidate) { v.ReferenceKey = "r2" },
	} {
		v, c := s.verifier(part{}), s.candidate(part{})
		change(v, &c)
		if verdict, candidates, _ := again(t, s, v, c, plan.Infer); candidates != 2 || verdict.Parity.Cached {
			t.Errorf("another %s: started %d times, cached %t", name, candidates, verdict.Parity.Cached)
		}
	}
	other := tiny(t, plan.Infer, 4)
	other.Seed++
	if verdict, err := v.VerifyPlans(context.Background(), c, other, tiny(t, plan.Infer, 2)); err != nil || verdict.Parity.Cached {
		t.Errorf("another seed: %+v, %v", verdict, err)
	}
	if verdict, err := v.VerifyPlans(context.Background(), c, tiny(t, plan.Infer, 4), tiny(t, plan.Infer, 3)); err != nil || verdict.Parity.Cached {
		t.Errorf("another plan in depth: %+v, %v", verdict, err)
	}
}

// Every file of the cache is broken in turn, in several ways: the verdict is
// the same, and is reached again if it has to be.
func TestBrokenCacheFilesAreMadeAgain(t *testing.T) {
	breaks := map[string]func(path string) error{
		"empty":   func(path string) error { return os.WriteFile(path, nil, 0o644) },
		"cut":     func(path string) error { return os.Truncate(path, 20) },
		"other":   func(path string) error { return os.WriteFile(path, []byte("{}"), 0o644) },
		"removed": os.Remove,
		"flipped": func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[len(data)-3] ^= 0x40
			return os.WriteFile(path, data, 0o644)
		},
	}
	for name, damage := range breaks {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			c := s.candidate(part{})
			again(t, s, s.verifier(part{}), c, plan.Infer)
			for _, pattern := range []string{"verdicts/*.json", "verdicts/*.safetensors", "operators/*.json", "reference/*.json", "reference/*.safetensors"} {
				paths, err := filepath.Glob(filepath.Join(s.dir, "cache", pattern))
				if err != nil || len(paths) == 0 {
					t.Fatalf("%s: %v, %v", pattern, paths, err)
				}
				for _, path := range paths {
					if err := damage(path); err != nil {
						t.Fatal(err)
					}
				}
				if strings.HasPrefix(pattern, "reference") || strings.HasPrefix(pattern, "operators") {
					c.Key = pattern // else the verdict hides what is below it
				}
				if verdict, candidates, _ := again(t, s, s.verifier(part{}), c, plan.Infer); verdict.Parity.Status != record.ParityPassed || candidates == 0 {
					t.Errorf("%s: %s: %s, started %d times", pattern, verdict.Parity.Status, verdict.Parity.Reason, candidates)
				}
			}
		})
	}
}

// A reference that fails is an error, not a verdict, and is started afresh.
func TestReferenceFails(t *testing.T) {
	s := newStage(t)
	v := s.verifier(part{})
	v.OpenReference = s.open("reference", part{verify: errors.New("no memory left")})
	_, err := v.VerifyPlans(context.Background(), s.candidate(part{}), tiny(t, plan.Infer, 2), tiny(t, plan.Infer, 2))
	if err == nil || !strings.Contains(err.Error(), "reference for case/") || !strings.Contains(err.Error(), "no memory left") {
		t.Errorf("%v", err)
	}
	v.OpenReference = s.open("reference", part{})
	if _, err := v.VerifyPlans(context.Background(), s.candidate(part{}), tiny(t, plan.Infer, 2), tiny(t, plan.Infer, 2)); err != nil {
		t.Errorf("after it was fixed: %v", err)
	}
	// Nor does it judge by numbers that are none, with or without noise.
	ill := part{alter: func(p *plan.Plan, all values) {
		if strings.HasPrefix(p.Workload, "case/conv/3x3/") {
			all["output.op"] = set(nan())(all["output.op"])
		}
	}}
	for _, bad := range []part{in("output.logits", set(nan())), ill} {
		s = newStage(t)
		_, err = s.verifier(bad).VerifyPlans(context.Background(), s.candidate(part{}), tiny(t, plan.Infer, 2), tiny(t, plan.Infer, 2))
		if err == nil || !strings.Contains(err.Error(), "output.") || !strings.Contains(err.Error(), "not numbers") {
			t.Errorf("%v", err)
		}
	}
}

// Work files of large networks are gigabytes: none stays.
func TestWorkFilesGo(t *testing.T) {
	s := newStage(t)
	again(t, s, s.verifier(part{}), s.candidate(part{}), plan.Train)
	left, err := filepath.Glob(filepath.Join(s.dir, "*-*", "*.safetensors"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// What is too large for the reference is said, not passed over: of inference
// the first images are judged, of training nothing at that size.
func TestTooLargeForTheReference(t *testing.T) {
	wide := func(mode plan.Mode, batch, size int) *plan.Plan {
		s := &small{net: network.Network{Name: "wide", Opset: network.Opset, Input: network.Value{Name: "input", Shape: []int{batch, 3, size, size}}},
			channels: map[string]int{"input": 3}}
		x := s.conv("b", s.conv("a", "input", 64, 1, 1, 0), 64, 1, 1, 0)
		s.dense("logits", s.node("flatten", "Flatten", network.Attributes{"axis": 1}, 64, s.node("global", "GlobalAveragePool", nil, 64, x)), 5)
		s.net.Outputs = []string{"logits"}
		if err := s.net.Check(); err != nil {
			t.Fatal(err)
		}
		return plan.From(&s.net, plan.ID{Network: "wide", Mode: mode, Batch: batch, Precision: "fp32"}, 3, 1e-3)
	}
	for _, c := range []struct {
		mode         plan.Mode
		size         int
		exact, notes int
	}{{plan.Infer, 8000, 1, 0}, {plan.Train, 8000, 0, 1}, {plan.Train, 60, 2, 0}} {
		s := newStage(t)
		verdict, err := s.verifier(part{}).VerifyPlans(context.Background(), s.candidate(part{}), wide(c.mode, 2, c.size), wide(c.mode, 2, 6))
		if err != nil {
			t.Fatal(err)
		}
		exact := 0
		for _, check := range verdict.Parity.Checks {
			if check.Layer == parity.Exact {
				exact++
			}
		}
		if verdict.Parity.Status != record.ParityPassed || exact != c.exact || len(verdict.Notes) != c.notes {
			t.Errorf("%s at %d: %+v, %q", c.mode, c.size, verdict.Parity, verdict.Notes)
		}
		if c.mode == plan.Train && verdict.CheckLosses(verdict.Losses).Value != 0 {
			t.Errorf("%s at %d: no losses are kept", c.mode, c.size)
		}
	}
}
