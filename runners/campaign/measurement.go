package campaign

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// measurement is one process of one cell.
type measurement struct {
	*campaign
	cell    Cell
	target  *record.Cell
	process record.Process
	runner  Runner
	slot    int // of the next iteration: slots alternate through the process's life
}

func (m *measurement) run(ctx context.Context) (err error) {
	if m.runner, err = m.cell.Open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.runner.Close(ctx)) }()
	m.process.StartSeconds, m.process.CompileCache = m.runner.StartSeconds(), m.runner.CompileCache()
	m.process.ImportSeconds = m.runner.Hello().ImportSeconds
	loaded, err := m.runner.Load(ctx, m.cell.Files)
	if err != nil {
		return err
	}
	m.process.LoadSeconds = loaded.LoadSeconds
	m.confirmTerms(loaded)
	Settle()
	recording, err := m.Meter.Start(ctx, m.runner.Identity(), m.target.Device)
	if err != nil {
		return fmt.Errorf("sample %s: %w", key(m.cell), err)
	}
	defer recording.Stop(&m.process)
	if err := m.warmup(ctx); err != nil {
		return err
	}
	return m.blocks(ctx)
}

// confirmTerms notes what the runner says from inside, and if that is not
// what was asked.
func (m *measurement) confirmTerms(loaded protocol.LoadResult) {
	terms := m.runner.Hello().Terms
	if loaded.Terms != nil {
		terms = *loaded.Terms
	}
	m.process.Threads, m.process.CPUs = terms.Threads, terms.CPUs
	scope := record.AboutRunner(m.cell.Runner)
	asked := m.Record.ThreadsOf(m.cell.workload())
	if known := m.Record.Runner(m.cell.Runner); known != nil {
		known.Terms.Switches = terms.Switches
		if asked == m.Record.Terms.Threads {
			known.Terms.Threads = terms.Threads
		}
	}
	if asked != m.Record.Terms.Threads {
		scope = m.target.Scope()
	}
	if !terms.ThreadsConfirmed() {
		m.Record.Warn(scope, record.ThreadsUnconfirmed, "asked for %d threads, and the framework tells nobody how many it uses", asked)
	} else if terms.Threads != asked {
		m.Record.Warn(scope, record.ThreadsMismatch, "asked for %d threads, the framework says it uses %d", asked, terms.Threads)
	}
	if asked, err := engine.ParseCPUs(m.Record.Terms.CPUs); err == nil && len(asked) > 0 && !slices.Equal(asked, terms.CPUs) {
		m.Record.Warn(scope, record.CPUsMismatch, "asked for CPUs %s, the process may run on %s", m.Record.Terms.CPUs, engine.FormatCPUs(terms.CPUs))
	}
	if m.Limit == nil {
		return
	}
	if bytes, err := m.Limit(m.runner.Identity()); err == nil && bytes != m.Record.Terms.MemoryBytes {
		m.Record.Warn(scope, record.MemoryMismatch, "asked for a memory limit of %d bytes, the kernel holds the process to %d", m.Record.Terms.MemoryBytes, bytes)
	}
}

func (m *measurement) warmup(ctx context.Context) error {
	if m.target.Calibration != nil {
		return m.warmIterations(ctx, m.target.Calibration.WarmupIterations)
	}
	steady, err := m.warmUntilSteady(ctx)
	if err != nil {
		return err
	}
	m.target.Calibration = m.calibrate(steady)
	if !steady {
		m.Record.Warn(m.target.Scope(), record.NoSteadyState, "no steady state was seen in %d warm-up iterations; the figures are kept", len(m.process.WarmupNS))
	}
	return nil
}

// warmUntilSteady runs small groups of iterations until the last ones look
// alike, or the profile's patience ends.
func (m *measurement) warmUntilSteady(ctx context.Context) (bool, error) {
	group := 3 // the losses of the first three are checked
	var began time.Time
	for {
		if err := m.warmIterations(ctx, group); err != nil {
			return false, err
		}
		if began.IsZero() { // compilers run in the first iterations: patience starts after them
			began = m.Now()
		}
		if stats.Steady(m.process.WarmupNS) {
			return true, nil
		}
		if len(m.process.WarmupNS) >= mostWarmupIterations || m.since(began) > m.Profile.WarmupTime {
			return false, nil
		}
		group = max(1, min(20, mostWarmupIterations-len(m.process.WarmupNS), int(0.5e9/m.iterationNS())))
	}
}

func (m *measurement) warmIterations(ctx context.Context, n int) error {
	first := len(m.process.WarmupNS) == 0
	r, err := m.runner.Warmup(ctx, protocol.WarmupParams{Iterations: n, FirstSlot: m.slot})
	if err != nil {
		return err
	}
	m.advance(n)
	m.process.WarmupNS = append(m.process.WarmupNS, r.IterationNS...)
	if !first {
		return nil
	}
	m.process.FirstIterationSeconds = float64(r.IterationNS[0]) / 1e9
	if m.cell.Plan.Mode == plan.Train && m.cell.Expect != nil {
		m.hold(m.cell.Expect.CheckLosses(r.Losses))
	}
	return nil
}

// iterationNS is the typical time of the last warm-up iterations.
func (m *measurement) iterationNS() float64 {
	last := m.process.WarmupNS[max(0, len(m.process.WarmupNS)-10):]
	sorted := slices.Sorted(slices.Values(last))
	return float64(sorted[len(sorted)/2])
}

func (m *measurement) calibrate(steady bool) *record.Calibration {
	iterations := func(length time.Duration) int {
		return max(fewestIterations, int(math.Ceil(float64(length)/m.iterationNS())))
	}
	c := &record.Calibration{WarmupIterations: len(m.process.WarmupNS), Steady: steady, BlockIterations: iterations(m.Profile.BlockTime)}
	if m.cell.Plan.Mode == plan.Infer {
		c.LatencyIterations = min(iterations(m.Profile.LatencyTime), mostLatencySamples)
	}
	return c
}

func (m *measurement) blocks(ctx context.Context) error {
	scenario := protocol.Offline
	if m.cell.Plan.Mode == plan.Train {
		scenario = protocol.TrainStep
	}
	for i := range m.Profile.Blocks {
		last := i == m.Profile.Blocks-1
		if err := m.block(ctx, protocol.MeasureParams{Scenario: scenario, Iterations: m.target.Calibration.BlockIterations}, last); err != nil {
			return err
		}
	}
	if m.cell.Plan.Mode == plan.Train {
		return nil
	}
	if err := m.block(ctx, protocol.MeasureParams{Scenario: protocol.SingleStream, Iterations: m.target.Calibration.LatencyIterations}, false); err != nil {
		return err
	}
	if m.Scenarios.MultiStream {
		if err := m.multiStream(ctx); err != nil {
			return err
		}
	}
	if m.Scenarios.LatencyBound > 0 {
		if err := m.server(ctx); err != nil {
			return err
		}
	}
	if !m.Scenarios.Window.None() {
		return m.slidingWindow(ctx)
	}
	return nil
}

func (m *measurement) block(ctx context.Context, p protocol.MeasureParams, checked bool) error {
	checked = checked && m.cell.Plan.Mode == plan.Infer && m.cell.Expect != nil
	p.FirstSlot = m.slot
	r, output, err := m.runner.Measure(ctx, p, checked)
	if err != nil {
		return err
	}
	m.advance(p.Iterations)
	m.process.Blocks = append(m.process.Blocks, record.Block{Scenario: string(p.Scenario), Iterations: p.Iterations,
		StartNS: r.StartNS, EndNS: r.EndNS, IterationNS: r.IterationNS, QueryNS: r.QueryNS, LagNS: r.LagNS, DeviceNS: r.DeviceNS, OutputDigest: r.OutputDigest})
	if p.Scenario == protocol.TrainStep && r.Loss == nil {
		return errors.New("the loss was not a number any more at the end of a timed block")
	}
	if !checked {
		return nil
	}
	check, err := m.check(p.Scenario, output)
	if err != nil {
		return fmt.Errorf("read the timed output: %w", err)
	}
	m.hold(check)
	return nil
}

// check compares what was timed with what was verified.
func (m *measurement) check(scenario protocol.Scenario, output string) (record.Check, error) {
	if scenario == protocol.SlidingWindow {
		return m.checkVolume(output)
	}
	return m.cell.Expect.CheckInfer(output, m.lastSlot())
}

func (m *measurement) advance(iterations int) {
	m.slot = (m.slot + iterations) % m.cell.Plan.Slots
}

func (m *measurement) lastSlot() int {
	return (m.slot + m.cell.Plan.Slots - 1) % m.cell.Plan.Slots
}

// hold keeps the worst check of what was timed against what was verified; a
// cell that fails it is measured on, shown, and never ranked.
func (m *measurement) hold(check record.Check) {
	parity := &m.target.Parity
	i := slices.IndexFunc(parity.Checks, func(c record.Check) bool { return c.Layer == check.Layer && c.Name == check.Name })
	switch {
	case i < 0:
		parity.Checks = append(parity.Checks, check)
	case !check.Passed && parity.Checks[i].Passed, check.Passed == parity.Checks[i].Passed && check.Value > parity.Checks[i].Value:
		parity.Checks[i] = check
	}
	if !check.Passed {
		parity.Status = record.ParityFailed
		parity.Reason = fmt.Sprintf("what was timed is not what was verified: %s is off by %.3g, allowed are %.3g", check.Name, check.Value, check.Tolerance)
		m.target.Status, m.target.Reason = record.NotRanked, parity.Reason
	}
}
