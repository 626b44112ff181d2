package campaign

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/window"
)

// Scenarios are what is measured of inference beside throughput and the latency
// of a single stream. Names and rules are MLPerf Inference's, but for the
// number of queries, which there takes hours.
type Scenarios struct {
	MultiStream  bool
	LatencyBound time.Duration // of the server scenario's p99; 0 leaves the scenario out
	Window       window.Window // of the sliding-window scenario, which MLPerf does not have; none leaves it out
}

const (
	// QueryImages is how many images a multi-stream query holds.
	QueryImages = 8

	ladderStep      = 1.05             // between the rates that are tried
	ladderSpan      = 16               // rungs that are looked at below and above the first: 0.46 to 2.2 of it
	mostServerBlock = 15 * time.Minute // one that would take longer is not begun
	backlogQueries  = 20               // bounds' worth of queries: an overload of one rung outgrows the bound within them
)

// multiStream measures queries of eight images.
func (m *measurement) multiStream(ctx context.Context) error {
	batch := m.cell.Plan.Batch
	if QueryImages%batch != 0 {
		m.skip("multi-stream", fmt.Sprintf("a query is %d images, and batches of %d do not make it up", QueryImages, batch))
		return nil
	}
	size := QueryImages / batch
	if m.target.Calibration.Queries == 0 {
		m.target.Calibration.Queries = max(2, m.target.Calibration.LatencyIterations/size)
	}
	return m.block(ctx, protocol.MeasureParams{Scenario: protocol.MultiStream, Iterations: m.target.Calibration.Queries * size, QueryIterations: size}, false)
}

// server looks for the highest rate at which the p99 keeps the bound: up or down
// the ladder from where the first process found it, with growing strides until
// there is a rate that keeps it and one that does not, then between these two.
func (m *measurement) server(ctx context.Context) error {
	c := m.target.Calibration
	if c.ServerRate == 0 {
		c.ServerQueries = m.serverQueries()
		c.ServerRate = m.predictedRate()
	}
	length := time.Duration(float64(c.ServerQueries) / c.ServerRate * float64(time.Second))
	if length > mostServerBlock {
		m.skip("server", fmt.Sprintf("%d queries, which a p99 needs, would take %s", c.ServerQueries, length.Round(time.Minute)))
		return nil
	}
	l := newLadder(rung(c.ServerRate))
	for at, more := l.next(); more; at, more = l.next() {
		keeps, err := m.serverBlock(ctx, at)
		if err != nil {
			return err
		}
		l.tried(at, keeps)
	}
	if l.kept >= l.lowest {
		c.ServerRate = rate(l.kept)
	}
	return nil
}

func (m *measurement) serverBlock(ctx context.Context, at int) (keeps bool, err error) {
	n := m.target.Calibration.ServerQueries
	p := protocol.MeasureParams{Scenario: protocol.Server, Iterations: n, ArrivalNS: Arrivals(m.Seed, m.process.Round, n, rate(at))}
	if err := m.block(ctx, p, false); err != nil {
		return false, err
	}
	b := &m.process.Blocks[len(m.process.Blocks)-1]
	b.QueryRate = rate(at)
	return summary.Keeps(*b, m.Scenarios.LatencyBound), nil
}

// serverQueries are enough for a p99, and enough for the backlog of an overload
// to show.
func (m *measurement) serverQueries() int {
	backlog := backlogQueries * float64(m.Scenarios.LatencyBound) / m.iterationNS()
	return min(mostLatencySamples, max(stats.PercentileSamples(0.99), int(backlog)))
}

// predictedRate is where a search starts: what the bound would allow if every
// query took as long as the warm-up's last iterations, by Lindley's recursion.
func (m *measurement) predictedRate() float64 {
	n, service := m.target.Calibration.ServerQueries, m.iterationNS()
	first := rung(1e9 / service)
	for at := first; at > first-ladderSpan; at-- {
		if summary.Keeps(Latencies(Arrivals(m.Seed, m.process.Round, n, rate(at)), service), m.Scenarios.LatencyBound) {
			return rate(at)
		}
	}
	return rate(first - ladderSpan)
}

// Latencies are those of a block whose queries each take the same time.
func Latencies(arrivals []int64, serviceNS float64) record.Block {
	var b record.Block
	free := int64(0)
	for _, at := range arrivals {
		free = max(free, at) + int64(serviceNS)
		b.QueryNS = append(b.QueryNS, free-at)
	}
	return b
}

// Arrivals are the scheduled times of a Poisson process, in nanoseconds. Every
// cell of a round gets the same one, stretched to its rate.
func Arrivals(seed uint64, round, n int, perSecond float64) []int64 {
	rng := rand.New(rand.NewPCG(seed, uint64(round)+1<<32)) // another stream than the order's
	at, out := 0.0, make([]int64, n)
	for i := range out {
		at += rng.ExpFloat64() / perSecond * 1e9
		out[i] = int64(at)
	}
	return out
}

func rate(rung int) float64 { return math.Pow(ladderStep, float64(rung)) }

func rung(rate float64) int { return int(math.Round(math.Log(rate) / math.Log(ladderStep))) }

// ladder is a search among rungs.
type ladder struct {
	lowest, highest int
	at, stride      int
	kept, missed    int // the highest rung that kept the bound, the lowest that did not
}

func newLadder(start int) *ladder {
	l := &ladder{lowest: start - ladderSpan, highest: start + ladderSpan, at: start, stride: 1}
	l.kept, l.missed = l.lowest-1, l.highest+1
	return l
}

// next is the rung to try, until two neighbours are known to differ or the
// ladder ends.
func (l *ladder) next() (int, bool) { return l.at, l.kept+1 < l.missed }

func (l *ladder) tried(at int, keeps bool) {
	if keeps {
		l.kept = max(l.kept, at)
	} else {
		l.missed = min(l.missed, at)
	}
	switch bracketed := l.kept >= l.lowest && l.missed <= l.highest; {
	case bracketed:
		l.at = (l.kept + l.missed) / 2
	case keeps:
		l.at, l.stride = min(l.highest, at+l.stride), 2*l.stride
	default:
		l.at, l.stride = max(l.lowest, at-l.stride), 2*l.stride
	}
}

// skip says why a scenario that was asked for is not in the record.
func (m *measurement) skip(scenario, why string) {
	m.Record.Warn(m.target.Scope(), record.ScenarioSkipped, "%s was not measured: %s", scenario, why)
}

// ScenarioNames are those that can be asked for beside the ones that are always
// measured.
func ScenarioNames() []string {
	return []string{record.MultiStream, record.Server, record.SlidingWindow}
}

// Names are the scenarios that are asked for.
func (s Scenarios) Names() []string {
	var names []string
	if s.MultiStream {
		names = append(names, record.MultiStream)
	}
	if s.LatencyBound > 0 {
		names = append(names, record.Server)
	}
	if !s.Window.None() {
		names = append(names, record.SlidingWindow)
	}
	return names
}
