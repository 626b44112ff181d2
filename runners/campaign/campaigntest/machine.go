// Package campaigntest has a simulated machine, on which a campaign of many
// processes takes milliseconds.
package campaigntest

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Machine has a clock of its own, on which an iteration takes a millisecond: it
// drifts by 1 % over minutes, each process is off by half a percent, each
// iteration by a tenth of one. It is its own sampler, too.
type Machine struct {
	Cost    float64 // of the sampler, as a share
	Failure error   // of every load

	rng      *rand.Rand
	clock    int64
	watching bool
}

// New is a machine whose noise is that of a seed.
func New(seed uint64) *Machine { return &Machine{rng: rand.New(rand.NewPCG(4, seed))} }

// Now is the machine's time.
func (m *Machine) Now() time.Time { return time.Unix(0, m.clock) }

func (m *Machine) drift() float64 { return 0.01 * math.Sin(float64(m.clock)/60e9) }

// Open starts a process whose iterations take so many milliseconds.
func (m *Machine) Open(_ context.Context, milliseconds float64) (campaign.Runner, error) {
	m.clock += 3e8
	return &process{machine: m, length: 1e6 * milliseconds * math.Exp(0.005*m.rng.NormFloat64())}, nil
}

// Start makes the machine its own sampler: watching costs time.
func (m *Machine) Start(context.Context, engine.Identity, string) (campaign.Recording, error) {
	m.watching = true
	return m, nil
}

// Stop ends the watching.
func (m *Machine) Stop(*record.Process) { m.watching = false }

type process struct {
	machine *Machine
	length  float64
}

func (p *process) iteration() int64 {
	m := p.machine
	d := p.length * math.Exp(m.drift()+0.001*m.rng.NormFloat64())
	if m.watching {
		d *= 1 + m.Cost
	}
	m.clock += int64(d)
	return int64(d)
}

func (p *process) Hello() protocol.HelloResult { return protocol.HelloResult{} }
func (p *process) StartSeconds() float64       { return 0.3 }
func (p *process) CompileCache() string        { return "" }
func (p *process) Identity() engine.Identity   { return engine.Identity{} }
func (p *process) Close(context.Context) error { return nil }

func (p *process) Load(context.Context, plan.Files) (protocol.LoadResult, error) {
	return protocol.LoadResult{}, p.machine.Failure
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
