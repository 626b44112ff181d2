// Package peak measures what a machine reaches at most: matrix products by the
// libraries that runners bring, and the bandwidth of memory. Achieved rates are
// held against it. What was measured is kept for later runs.
package peak

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// Library is a runner's framework whose matrix products are measured.
type Library struct {
	Manifest manifest.Manifest // whose Peak is the program; without one it has none
	Image    string
	Key      string // identity of what computes: of its image, or where it was imported from
}

// Machine is what is measured, and with what.
type Machine struct {
	Here   record.Environment
	Engine string // that starts the libraries
	CPUs   string // list like "0-1"
	Memory int64  // bytes that may be used
	Root   string // where /sys lies
	Dir    string // of what earlier runs measured
	Again  bool   // measure what is known, too
	Busy   bool   // others compute here: what is measured is too low, and measured again when they do not
	Now    func() time.Time
	Say    func(format string, args ...any)

	// Start starts a library's program, with this command in the place of its
	// runner's.
	Start func(ctx context.Context, l Library, command []string, on device.Device, threads int) (Program, error)
	// Triad measures the bandwidth; nil if nobody does.
	Triad func(cpus []int, threads int, arrayBytes int64) (float64, error)
}

// bandwidth is the key of what is missing of it.
const bandwidth = "bandwidth"

// disturbance ends the source of a figure that was measured on a busy machine.
const disturbance = ", while others computed"

// Expected is how long a library and the triad take, about. A card's is of an
// H200, whose frameworks compile and try kernels for each product.
const (
	Expected       = 6 * time.Second
	ExpectedOnCard = 40 * time.Second
	ExpectedTriad  = 2 * time.Second
)

// units are the processors' extensions that multiply in a precision; float32 is
// multiplied by all.
var units = []struct {
	precision string
	flags     []string
}{
	{record.FP32, nil},
	{record.BF16, []string{"avx512_bf16", "amx_bf16", "bf16"}},
	{record.FP16, []string{"avx512_fp16", "amx_fp16", "fphp"}},
	{record.INT8, []string{"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8", "i8mm", "asimddp"}},
}

// OfCPUs is what the CPUs reach with so many threads, by the best of the
// libraries; an error if nobody knows a product of float32.
func (m Machine) OfCPUs(ctx context.Context, libraries []Library, threads int) (*record.Peak, error) {
	p := &record.Peak{Threads: threads, Missing: map[string]string{}}
	var precisions []string
	for _, u := range units {
		if u.flags == nil || slices.ContainsFunc(u.flags, func(f string) bool { return slices.Contains(m.Here.CPUFlags, f) }) {
			precisions = append(precisions, u.precision)
			continue
		}
		p.Missing[u.precision] = fmt.Sprintf("the processor has no units for it (%s)", strings.Join(u.flags, ", "))
	}
	if err := m.products(ctx, p, libraries, device.CPU, threads, precisions); err != nil {
		return nil, err
	}
	return p, m.memory(ctx, p)
}

// OfCard is what a card reaches by the frameworks that compute on it.
func (m Machine) OfCard(ctx context.Context, libraries []Library, on device.Device, threads int) (*record.Peak, error) {
	p := &record.Peak{Missing: map[string]string{}}
	err := m.products(ctx, p, libraries, on, threads, onCards)
	return p, err
}

// onCards are the precisions that cards are asked for.
var onCards = []string{record.FP32, record.TF32, record.BF16, record.FP16, record.INT8}

// products has every library multiply in these precisions, and keeps the best.
func (m Machine) products(ctx context.Context, p *record.Peak, libraries []Library, on device.Device, threads int, precisions []string) error {
	reasons := map[string][]string{}
	miss := func(precision, who, why string) { reasons[precision] = append(reasons[precision], who+": "+why) }
	asked, disturbed := map[string]bool{}, false
	for _, l := range libraries {
		if len(l.Manifest.Peak) == 0 || asked[l.Key] {
			continue
		}
		asked[l.Key] = true // variants of a runner have the same libraries
		f, err := m.library(ctx, l, on, threads, precisions)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			m.Say("the peak of %s is not known: %v", l.Manifest.Name, err)
			for _, precision := range precisions {
				miss(precision, l.Manifest.Name, err.Error())
			}
			continue
		}
		disturbed = disturbed || f.Busy
		p.Products = append(p.Products, f.Products...)
		p.BandwidthBytesPerSec = max(p.BandwidthBytesPerSec, f.Bandwidth)
		for precision, why := range f.Missing {
			miss(precision, l.Manifest.Name, why)
		}
	}
	slices.SortStableFunc(p.Products, func(a, b record.PeakProduct) int {
		return cmp.Or(cmp.Compare(slices.Index(precisions, a.Precision), slices.Index(precisions, b.Precision)), cmp.Compare(b.GFLOPS, a.GFLOPS))
	})
	for _, precision := range append(slices.Clone(precisions), bandwidth) {
		best := p.Best(precision)
		switch why := reasons[precision]; {
		case best != nil, precision == bandwidth && (p.BandwidthBytesPerSec > 0 || !on.GPU()):
		case len(why) == 0:
			p.Missing[precision] = "none of the runners measures it"
		default:
			p.Missing[precision] = strings.Join(why, "; ")
		}
	}
	best := p.Best(record.FP32)
	if best == nil {
		return errors.New(p.Missing[record.FP32])
	}
	p.GFLOPS, p.Source = best.GFLOPS, best.Words()
	if disturbed {
		p.Source += disturbance
	}
	return nil
}

// library is what one reached, as an earlier run saw it or now.
func (m Machine) library(ctx context.Context, l Library, on device.Device, threads int, precisions []string) (found, error) {
	q := m.productsQuestion(l, on, threads, precisions)
	if known, ok := m.known(q); ok {
		return known, nil
	}
	command := slices.Concat(l.Manifest.Peak, []string{on.Inside()}, precisions)
	program, err := m.Start(ctx, l, command, on, threads)
	if err != nil {
		return found{}, err
	}
	f, err := listen(ctx, program)
	if err != nil {
		return f, err
	}
	return m.measured(q, f)
}

func (m Machine) productsQuestion(l Library, on device.Device, threads int, precisions []string) question {
	return question{Processor: m.Here.CPU, CPUs: m.CPUs, Threads: threads, Engine: m.Engine, Library: l.Key, Device: on.Identity(), Precisions: precisions}
}

// memory adds the bandwidth.
func (m Machine) memory(ctx context.Context, p *record.Peak) error {
	cpus, arrays, err := m.arrays()
	if err != nil {
		p.Missing[bandwidth] = err.Error()
		return nil
	}
	q := m.triadQuestion(p.Threads, arrays)
	f, ok := m.known(q)
	if !ok {
		if f.Bandwidth, err = m.Triad(cpus, p.Threads, arrays); err != nil {
			p.Missing[bandwidth] = err.Error()
			return nil
		}
		if f, err = m.measured(q, f); err != nil {
			return err
		}
	}
	p.BandwidthBytesPerSec = f.Bandwidth
	p.Source += fmt.Sprintf("; memory by a triad of 3 × %s", humanize.IBytes(uint64(arrays)))
	if f.Busy {
		p.Source += disturbance
	}
	return ctx.Err()
}

// arrays are the bytes of each that the caches do not hold: four times as many as
// all of the last level have, as STREAM wants it.
func (m Machine) arrays() (cpus []int, bytes int64, err error) {
	if m.Triad == nil {
		return nil, 0, errors.New("nobody measures it")
	}
	if cpus, err = engine.ParseCPUs(m.CPUs); err != nil {
		return nil, 0, err
	}
	caches, err := lastLevel(m.Root, cpus)
	if bytes = 4 * caches; err == nil && 3*bytes > m.Memory/4 {
		err = fmt.Errorf("arrays that the caches (%s) do not hold would take more than a quarter of the memory", humanize.IBytes(uint64(caches)))
	}
	return cpus, bytes, err
}

func (m Machine) triadQuestion(threads int, arrays int64) question {
	return question{Processor: m.Here.CPU, CPUs: m.CPUs, Threads: threads, Library: fmt.Sprintf("triad of 3 × %d bytes", arrays)}
}

// KnownOnCard says whether an earlier run measured the card by these libraries.
func (m Machine) KnownOnCard(libraries []Library, on device.Device, threads int) bool {
	return !slices.ContainsFunc(libraries, func(l Library) bool {
		if len(l.Manifest.Peak) == 0 {
			return false
		}
		_, known := m.known(m.productsQuestion(l, on, threads, onCards))
		return !known
	})
}

// Known says whether an earlier run measured these CPUs with so many threads. A
// library that is new since then is measured all the same.
func (m Machine) Known(threads int) bool {
	_, arrays, err := m.arrays()
	if err != nil {
		return false
	}
	_, known := m.known(m.triadQuestion(threads, arrays))
	return known
}
