package main

import (
	"context"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
)

// meter samples the host and a runner while it is measured, and the card that
// it computes on.
type meter struct {
	cpus   []int // where the sampler's thread runs; empty is anywhere
	device string
	gpu    sample.GPU // until the program ends, so that a lost card stays known as lost
	noGPU  error      // why there is none
}

func newMeter(list, device string) campaign.Meter {
	cpus, err := engine.ParseCPUs(list)
	if err != nil {
		cpus = nil
	}
	m := meter{cpus: sample.SpareCPUs(cpus), device: device}
	if record.OnGPU(device) {
		m.gpu, m.noGPU = sample.OpenGPU()
	}
	return m
}

func (m meter) Start(ctx context.Context, id engine.Identity) (campaign.Recording, error) {
	host, err := sample.NewHost("/")
	if err != nil {
		return nil, err
	}
	target := sample.Target{PID: id.PID, Cgroup: id.Cgroup}
	sources := []sample.Source{host, sample.Runner("/", target), sample.NewConditions("/"), sample.NewThreads("/", target)}
	if record.OnGPU(m.device) {
		sources = append(sources, sample.GPUSources(m.gpu, m.noGPU, record.GPUIndex(m.device), target)...)
	}
	s := sample.NewSampler(sample.Config{Sources: sources, CPUs: m.cpus})
	s.Start(context.WithoutCancel(ctx))
	return watched{s}, nil
}

// watched adapts a running sampler to the campaign.
type watched struct{ sampler *sample.Sampler }

func (w watched) Stop(p *record.Process) { w.sampler.Stop().AddTo(p) }
