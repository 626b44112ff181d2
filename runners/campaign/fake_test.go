package campaign_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/window"
)

// scripted is a runner that never computes: its clock is a counter, an
// iteration takes what the script says, and faults come where it says.
type scripted struct {
	iterationNS int64
	wobble      func(process int) int64 // added to an iteration, by process
	threads     int
	openErr     error
	blockErr    error
	badLoss     bool
	onBlock     func()
	onWarmup    func()
	noWindows   bool

	clock    int64
	opened   int
	warmups  []int     // iterations of each warm-up request
	slots    []int     // first slot of each block
	arrivals [][]int64 // of each server block
	windows  []protocol.MeasureParams
}

func (s *scripted) open(context.Context) (campaign.Runner, error) {
	if s.openErr != nil {
		return nil, s.openErr
	}
	s.opened++
	return &process{script: s, number: s.opened}, nil
}

type process struct {
	script *scripted
	number int
}

func (p *process) duration() int64 {
	d := p.script.iterationNS
	if p.script.wobble != nil {
		d += p.script.wobble(p.number)
	}
	return d
}

func (p *process) Hello() protocol.HelloResult {
	return protocol.HelloResult{ImportSeconds: 0.5, Terms: protocol.Terms{Threads: p.script.threads, CPUs: []int{0, 1}}}
}
func (p *process) StartSeconds() float64       { return 1 }
func (p *process) CompileCache() string        { return "" }
func (p *process) Identity() engine.Identity   { return engine.Identity{} }
func (p *process) Close(context.Context) error { return nil }

func (p *process) Load(context.Context, plan.Files) (protocol.LoadResult, error) {
	return protocol.LoadResult{LoadSeconds: 0.25}, nil
}

func (p *process) Warmup(_ context.Context, w protocol.WarmupParams) (protocol.WarmupResult, error) {
	p.script.warmups = append(p.script.warmups, w.Iterations)
	if p.script.onWarmup != nil {
		p.script.onWarmup()
	}
	r := protocol.WarmupResult{Losses: []float64{3, 2, 1}}
	for range w.Iterations {
		r.IterationNS = append(r.IterationNS, p.duration())
	}
	return r, nil
}

func (p *process) Measure(ctx context.Context, m protocol.MeasureParams, output bool) (protocol.MeasureResult, string, error) {
	s := p.script
	if s.onBlock != nil {
		s.onBlock()
	}
	if err := ctx.Err(); err != nil {
		return protocol.MeasureResult{}, "", err
	}
	if s.blockErr != nil {
		return protocol.MeasureResult{}, "", s.blockErr
	}
	s.slots = append(s.slots, m.FirstSlot)
	r := protocol.MeasureResult{StartNS: s.clock, EndNS: s.clock + int64(m.Iterations)*p.duration(), OutputDigest: "d"}
	r.DeviceNS = r.EndNS - r.StartNS
	s.clock = r.EndNS + 1000
	if m.Scenario == protocol.SingleStream {
		for range m.Iterations {
			r.IterationNS = append(r.IterationNS, p.duration())
		}
	}
	if m.Scenario == protocol.MultiStream {
		for range m.Iterations / m.QueryIterations {
			r.QueryNS = append(r.QueryNS, int64(m.QueryIterations)*p.duration())
		}
	}
	if m.Scenario == protocol.SlidingWindow {
		if s.noWindows {
			return protocol.MeasureResult{}, "", &protocol.Error{Code: protocol.Unsupported, Message: "fixed batches"}
		}
		s.windows = append(s.windows, m)
		for range m.Iterations / m.QueryIterations {
			r.QueryNS = append(r.QueryNS, int64(m.QueryIterations)*p.duration())
		}
	}
	if m.Scenario == protocol.Server {
		s.serve(&r, m, float64(p.duration()))
	}
	if m.Scenario == protocol.TrainStep && !s.badLoss {
		loss := 0.5
		r.Loss = &loss
	}
	return r, "output", nil
}

// serve is a block of queries that each take the same time.
func (s *scripted) serve(r *protocol.MeasureResult, m protocol.MeasureParams, serviceNS float64) {
	s.arrivals = append(s.arrivals, m.ArrivalNS)
	r.QueryNS = campaign.Latencies(m.ArrivalNS, serviceNS).QueryNS
	r.LagNS = make([]int64, m.Iterations)
	r.EndNS = r.StartNS + m.ArrivalNS[m.Iterations-1] + r.QueryNS[m.Iterations-1]
	s.clock = r.EndNS + 1000
}

// expectation says whether what was timed is what was verified.
type expectation struct {
	same    bool
	volumes func(size []int, regions []window.Region)
}

func (e expectation) CheckInfer(string, int) (record.Check, error) {
	return e.check("timed output"), nil
}
func (e expectation) CheckLosses([]float64) record.Check { return e.check("first losses") }
func (e expectation) CheckVolume(_ string, size []int, regions []window.Region) (record.Check, error) {
	if e.volumes != nil {
		e.volumes(size, regions)
	}
	return e.check("whole volume"), nil
}
func (e expectation) check(name string) record.Check {
	c := record.Check{Layer: "measured", Name: name, Tolerance: 1e-4, Passed: e.same}
	if !e.same {
		c.Value = 0.3
	}
	return c
}

type noMeter struct{}

func (noMeter) Start(context.Context, engine.Identity, string) (campaign.Recording, error) {
	return noMeter{}, nil
}
func (noMeter) Stop(*record.Process) {}

// stage is a campaign about to run.
type stage struct {
	config campaign.Config
	saved  []string // status of each saved record
}

const (
	infer = "lenet/infer/b2/fp32"
	train = "lenet/train/b2/fp32"
)

// newStage has a cell for each workload and runner.
func newStage(t *testing.T, runners map[string]*scripted, workloads ...string) *stage {
	t.Helper()
	rec := record.New(time.Time{})
	rec.Terms = record.Terms{Threads: 2, CPUs: "0-1"}
	s := &stage{}
	for _, w := range workloads {
		id, err := plan.ParseID(w)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(id, 1)
		if err != nil {
			t.Fatal(err)
		}
		rec.AddWorkload(record.Workload{ID: w, Batch: id.Batch, Mode: string(id.Mode)})
		for _, name := range []string{"a", "b", "c"} {
			script, ok := runners[name]
			if !ok {
				continue
			}
			s.config.Cells = append(s.config.Cells, campaign.Cell{Plan: p, Runner: name, Open: script.open, Expect: expectation{same: true}})
			rec.AddCell(record.Cell{Workload: w, Runner: name, Parity: record.Parity{Status: record.ParityPassed}})
		}
	}
	profile, err := campaign.ProfileNamed("quick")
	if err != nil {
		t.Fatal(err)
	}
	s.config.Profile, s.config.Record, s.config.Seed, s.config.Meter = profile, rec, 7, noMeter{}
	s.config.Summarize = summary.Summarize
	s.config.Save = func(r *record.Record) error {
		s.saved = append(s.saved, fmt.Sprintf("%s after %d", r.Status, r.Rounds))
		return nil
	}
	return s
}

func (s *stage) run(ctx context.Context) error { return campaign.Run(ctx, s.config) }

func (s *stage) cell(workload, runner string) *record.Cell {
	return s.config.Record.Cell(workload, runner)
}

func ms(n int64) *scripted { return &scripted{iterationNS: n * int64(time.Millisecond), threads: 2} }
