package bench

import (
	"context"
	"sync"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
)

// meter samples the host and a runner while it is measured, and the card that
// it computes on.
type meter struct {
	cpus []int // where the sampler's thread runs; empty is anywhere
	card func() (sample.GPU, error)
}

// meterBeside samples on a CPU beside those of the list, if there is one. The
// driver is opened when a card is to be metered, once: a card that was lost
// stays known as lost until the program ends.
func (h Host) meterBeside(list string) campaign.Meter {
	cpus, err := engine.ParseCPUs(list)
	if err != nil {
		cpus = nil
	}
	return meter{cpus: sample.SpareCPUs(cpus), card: sync.OnceValues(h.OpenGPU)}
}

func (m meter) Start(ctx context.Context, id engine.Identity, device string) (campaign.Recording, error) {
	host, err := sample.NewHost("/")
	if err != nil {
		return nil, err
	}
	target := sample.Target{PID: id.PID, Cgroup: id.Cgroup}
	sources := []sample.Source{host, sample.Runner("/", target), sample.NewConditions("/"), sample.NewThreads("/", target), sample.NewAtOnce("/", target),
		sample.OpenRAPL("/")}
	if record.OnGPU(device) {
		gpu, err := m.card()
		sources = append(sources, sample.GPUSources(gpu, err, record.GPUIndex(device), target)...)
	}
	s := sample.NewSampler(sample.Config{Sources: sources, CPUs: m.cpus})
	s.Start(context.WithoutCancel(ctx))
	return watched{s}, nil
}

// watched adapts a running sampler to the campaign.
type watched struct{ sampler *sample.Sampler }

func (w watched) Stop(p *record.Process) { w.sampler.Stop().AddTo(p) }
