package record

import (
	"cmp"
	"slices"
	"time"
)

// What a cell tells is made from its processes and blocks. A figure that they
// cannot give was not measured, however likely it looks.

// rounding is what a figure may differ by from the blocks that bound it.
const rounding = 1e-9

// counted refuses figures of other processes, queries or iterations than the cell
// holds. Voxels are of the sliding-window scenario's volume.
func counted(at path, c *Cell, batch int, voxels int64) error {
	measured := c.MeasuredProcesses()
	if c.Status == Measured && len(measured) == 0 {
		return problemf(at.field("status"), "is %s, and no process was", Measured)
	}
	rates, served := span{}, span{}
	var iterations, queries, serverQueries int
	for _, p := range measured {
		timed, asked := false, false
		for _, b := range p.Blocks {
			switch {
			case b.TimesThroughput():
				timed = true
				rates.add(b.Throughput(batch))
			case b.Scenario == SingleStream:
				iterations += len(b.IterationNS)
			case b.Scenario == MultiStream:
				queries += len(b.QueryNS)
			case b.Scenario == Server:
				asked = true
				serverQueries += len(b.QueryNS)
				served.add(b.QueryRate)
			}
		}
		rates.count(timed)
		served.count(asked)
	}
	if rates.high > mostImagesPerSecond {
		return problemf(at.field("processes"), "a block's %v images per second are of no machine: expected at most %g", rates.high, mostImagesPerSecond)
	}
	if err := rates.holds(at.field("throughput"), c.Throughput, "throughput", rates.low); err != nil {
		return err
	}
	if err := of(at.field("latency_ms"), c.LatencyMS, iterations, "iterations issued one at a time"); err != nil {
		return err
	}
	if m := c.MultiStream; m != nil {
		if err := of(at.field("multi_stream").field("latency_ms"), &m.LatencyMS, queries, "queries of several images"); err != nil {
			return err
		}
	}
	if w := c.SlidingWindow; w != nil {
		if err := windowed(at.field("sliding_window"), w, measured, voxels); err != nil {
			return err
		}
	}
	if s := c.Server; s != nil {
		at := at.field("server")
		if served.processes == 0 || s.Over > served.processes {
			return problemf(at.field("over"), "%d processes kept the bound at no rate, of %d that were asked", s.Over, served.processes)
		}
		if s.LatencyMS != nil && s.LatencyMS.N > serverQueries {
			return problemf(at.field("latency_ms").field("n"), "is %d, of %d queries that there are", s.LatencyMS.N, serverQueries)
		}
		return served.holds(at.field("rate"), s.Rate, "server", 0) // a process that kept the bound at no rate counts as 0
	}
	return nil
}

// windowed checks figures of whole volumes against the processes that have some.
func windowed(at path, w *Windowed, measured []*Process, voxels int64) error {
	rates, volumes := span{}, 0
	for _, p := range measured {
		some := false
		for _, b := range p.Blocks {
			if b.Scenario != SlidingWindow {
				continue
			}
			some = true
			volumes += len(b.QueryNS)
			if b.Patches != w.Patches {
				return problemf(at.field("patches"), "is %d, and a block has %d", w.Patches, b.Patches)
			}
			for _, ns := range b.QueryNS {
				rates.add(MegavoxelsPerSecond(voxels, float64(ns)))
			}
		}
		rates.count(some)
	}
	if err := of(at.field("latency_ms"), &w.LatencyMS, volumes, "whole volumes"); err != nil {
		return err
	}
	if w.Rate == nil {
		return problemf(at.field("rate"), "is missing")
	}
	return rates.holds(at.field("rate"), w.Rate, SlidingWindow, rates.low)
}

// of checks that percentiles are over as many durations as there are.
func of(at path, l *Latency, n int, what string) error {
	if l != nil && l.N != n {
		return problemf(at.field("n"), "is %d, and the processes have %d %s", l.N, n, what)
	}
	return nil
}

// span is the lowest and highest of the blocks' figures, and how many processes
// have any.
type span struct {
	low, high float64
	some      bool
	processes int
}

func (s *span) add(v float64) {
	if !s.some {
		s.low, s.high, s.some = v, v, true
	}
	s.low, s.high = min(s.low, v), max(s.high, v)
}

func (s *span) count(has bool) {
	if has {
		s.processes++
	}
}

// holds checks that a figure over processes is of these, and between what they
// have at least and at most.
func (s *span) holds(at path, t *Throughput, scenario string, least float64) error {
	switch {
	case t == nil:
		return nil
	case s.processes == 0:
		return problemf(at, "no measured process has a %s block that it could be of", scenario)
	case t.N != s.processes:
		return problemf(at.field("n"), "is %d, and %d processes have a %s block", t.N, s.processes, scenario)
	case t.Outliers < 0 || t.Outliers > t.N:
		return problemf(at.field("outliers"), "is %d of %d processes", t.Outliers, t.N)
	case t.CILow < least*(1-rounding) || t.CIHigh > s.high*(1+rounding):
		return problemf(at, "the interval [%v, %v] is wider than the blocks, which have from %v to %v", t.CILow, t.CIHigh, least, s.high)
	}
	return nil
}

// sharedPages is how many times over pages may be counted that processes of one
// runner share.
const sharedPages = 2

// memory refuses more than the machine or its cards have.
func (v validator) memory(at path, c *Cell) error {
	most := v.record.Environment.MemoryBytes * sharedPages
	if most <= 0 {
		return nil // nobody knows
	}
	if u := c.Utilization; u != nil && u.MemoryPeakBytes != nil && *u.MemoryPeakBytes > most {
		return problemf(at.field("utilization").field("memory_peak_bytes"), "is %d, on a machine of %d", *u.MemoryPeakBytes, v.record.Environment.MemoryBytes)
	}
	for i, p := range c.Processes {
		if p.MemoryPeakBytes != nil && *p.MemoryPeakBytes > most {
			return problemf(at.field("processes").item(i).field("memory_peak_bytes"), "is %d, on a machine of %d", *p.MemoryPeakBytes, v.record.Environment.MemoryBytes)
		}
	}
	cards := v.record.Environment.GPUs
	if u := c.Utilization; u != nil && u.GPUMemoryBytes != nil && len(cards) > 0 {
		largest := slices.MaxFunc(cards, func(a, b GPU) int { return cmp.Compare(a.MemoryBytes, b.MemoryBytes) })
		if *u.GPUMemoryBytes > largest.MemoryBytes {
			return problemf(at.field("utilization").field("gpu_memory_bytes"), "is %d, on a card of %d", *u.GPUMemoryBytes, largest.MemoryBytes)
		}
	}
	return nil
}

// clockStep is how far a machine's clock may have been set while a run was under
// way: the times of blocks are of a clock that nobody sets.
const clockStep = time.Hour

// lasts checks that a process was measured within the run.
func (v validator) lasts(at path, blocks []Block) error {
	if len(blocks) == 0 {
		return nil
	}
	run := v.record.Updated.Sub(v.record.Created) + clockStep
	if took := time.Duration(blocks[len(blocks)-1].EndNS - blocks[0].StartNS); took > run {
		return problemf(at, "the blocks are spread over %s, and the run lasted %s", took, v.record.Updated.Sub(v.record.Created))
	}
	return nil
}
