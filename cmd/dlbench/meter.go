package main

import (
	"context"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
)

// meter samples the host and a runner while it is measured.
type meter struct {
	cpus []int // where the sampler's thread runs; empty is anywhere
}

func newMeter(list string) campaign.Meter {
	cpus, err := engine.ParseCPUs(list)
	if err != nil {
		cpus = nil
	}
	return meter{cpus: sample.SpareCPUs(cpus)}
}

func (m meter) Start(ctx context.Context, id engine.Identity) (campaign.Recording, error) {
	host, err := sample.NewHost("/")
	if err != nil {
		return nil, err
	}
	target := sample.Target{PID: id.PID, Cgroup: id.Cgroup}
	sources := []sample.Source{host, sample.Runner("/", target), sample.NewConditions("/"), sample.NewThreads("/", target)}
	s := sample.NewSampler(sample.Config{Sources: sources, CPUs: m.cpus})
	s.Start(context.WithoutCancel(ctx))
	return watched{s}, nil
}

// watched adapts a running sampler to the campaign.
type watched struct{ sampler *sample.Sampler }

func (w watched) Stop(p *record.Process) { w.sampler.Stop().AddTo(p) }
