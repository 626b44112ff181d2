package bench_test

import (
	"path/filepath"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/protocol"
)

const workload = "lenet/infer/b2/fp32"

// stage is a machine on which campaigns are run into a directory.
type stage struct {
	*benchtest.Stage
	t      *testing.T
	dir    string
	device string
	saved  []string // the status of the record at each save
}

func newStage(t *testing.T, runners map[string]enginetest.Runner) *stage {
	return &stage{Stage: benchtest.New(t, runners), t: t, dir: filepath.Join(t.TempDir(), "out"), device: "cpu"}
}

// ready are options that go to the stage's runners.
func (s *stage) ready(o bench.Options) bench.Options {
	s.Put(&o.Setup)
	o.Dir = s.dir
	o.Save = func(r *record.Record) error {
		s.saved = append(s.saved, r.Status)
		return record.Write(filepath.Join(s.dir, "result.json"), r)
	}
	return o
}

// options ask for little: a campaign takes as long as the look at the machine.
func (s *stage) options() bench.Options {
	o := bench.Defaults()
	o.Workloads, o.Profile, o.Rounds, o.SkipParity, o.Device = []string{workload}, "quick", 2, true, s.device
	return s.ready(o)
}

// run runs a campaign that is to come to an error of a kind, or to none.
func (s *stage) run(o bench.Options, want bench.Kind, says string) *record.Record {
	s.t.Helper()
	rec, err := bench.Run(s.t.Context(), o)
	benchtest.Check(s.t, err, want, says)
	return rec
}

// reread is the record as it was saved.
func (s *stage) reread() *record.Record {
	s.t.Helper()
	rec, err := record.Read(filepath.Join(s.dir, "result.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	return rec
}

func refusing(request string, code protocol.Code) func(string) *protocol.Error {
	return func(asked string) *protocol.Error {
		if asked != request {
			return nil
		}
		return &protocol.Error{Code: code, Message: "scripted"}
	}
}
