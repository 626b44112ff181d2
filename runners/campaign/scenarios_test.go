package campaign_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/runners/campaign"
)

func TestScenariosAreMeasuredWhereTheyWereAsked(t *testing.T) {
	for name, tt := range map[string]struct {
		asked campaign.Scenarios
		want  []string
	}{
		"nothing":      {campaign.Scenarios{}, []string{record.Offline, record.SingleStream}},
		"multi-stream": {campaign.Scenarios{MultiStream: true}, []string{record.Offline, record.SingleStream, record.MultiStream}},
		"server":       {campaign.Scenarios{LatencyBound: 20 * time.Millisecond}, []string{record.Offline, record.SingleStream, record.Server}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, map[string]*scripted{"a": ms(2)}, infer, train)
			s.config.Scenarios, s.config.Record.Terms.LatencyBoundMS = tt.asked, float64(tt.asked.LatencyBound)/1e6
			if err := s.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, p := range s.cell(infer, "a").Processes {
				var seen []string
				for _, b := range p.Blocks {
					if !slices.Contains(seen, b.Scenario) {
						seen = append(seen, b.Scenario)
					}
				}
				if !slices.Equal(seen, tt.want) {
					t.Errorf("round %d: %v, expected %v", p.Round, seen, tt.want)
				}
			}
			if c := s.cell(train, "a"); c.Server != nil || c.MultiStream != nil {
				t.Error("training has scenarios of inference")
			}
		})
	}
}

func TestMultiStreamQueriesAreEightImages(t *testing.T) {
	s := newStage(t, map[string]*scripted{"a": ms(2)}, infer) // batch 2
	s.config.Scenarios.MultiStream = true
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := s.cell(infer, "a").MultiStream
	if m == nil || m.ImagesPerQuery != 8 || *m.LatencyMS.P50 != 8 {
		t.Errorf("got %+v, expected queries of 8 images that take 4 iterations of 2 ms", m)
	}
}

func TestBatchesThatMakeUpNoQueryAreSkippedWithAReason(t *testing.T) {
	const odd = "lenet/infer/b3/fp32"
	s := newStage(t, map[string]*scripted{"a": ms(2)}, odd)
	s.config.Scenarios.MultiStream = true
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := s.cell(odd, "a"); c.MultiStream != nil || c.Status != record.Measured || !warned(s.config.Record, record.ScenarioSkipped) {
		t.Errorf("%+v, warnings %+v", c.MultiStream, s.config.Record.Warnings)
	}
}

// A server that needs 10 ms a query keeps a p99 of 50 ms up to some rate, which
// Lindley's recursion tells without any runner.
func TestServerFindsTheHighestRateThatKeepsTheBound(t *testing.T) {
	const bound = 50 * time.Millisecond
	s := newStage(t, map[string]*scripted{"a": ms(10)}, infer)
	s.config.Scenarios.LatencyBound, s.config.Record.Terms.LatencyBoundMS = bound, 50
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := s.cell(infer, "a")
	for _, p := range c.Processes {
		best := summary.BestServed(&p, bound)
		if best == nil {
			t.Fatalf("round %d kept the bound at no rate", p.Round)
		}
		arrivals := func(rate float64) []int64 { return campaign.Arrivals(s.config.Seed, p.Round, best.Iterations, rate) }
		if !summary.Keeps(campaign.Latencies(arrivals(best.QueryRate), 1e7), bound) || summary.Keeps(campaign.Latencies(arrivals(1.05*best.QueryRate), 1e7), bound) {
			t.Errorf("round %d: %.1f queries/s is not the last rung that keeps the bound", p.Round, best.QueryRate)
		}
	}
	// A wait of over 4 services has a probability near exp(-8(1-ρ)/ρ) (Kingman): 1 % at ρ = 0.63.
	if r := c.Server.Rate; r == nil || r.N != 3 || r.Median < 50 || r.Median > 70 || *c.Server.LatencyMS.P99 > 50 {
		t.Errorf("rate %+v, latency %+v", r, c.Server.LatencyMS)
	}
}

func TestServerThatNeverKeepsTheBoundSaysSo(t *testing.T) {
	s := newStage(t, map[string]*scripted{"a": ms(10)}, infer)
	s.config.Scenarios.LatencyBound, s.config.Record.Terms.LatencyBoundMS = 5*time.Millisecond, 5
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := s.cell(infer, "a").Server; v == nil || v.Rate != nil || v.Over != 3 {
		t.Errorf("got %+v, expected 3 processes over the bound and no rate", v)
	}
}

func TestServerThatWouldTakeTooLongIsSkippedWithAReason(t *testing.T) {
	s := newStage(t, map[string]*scripted{"a": ms(5000)}, infer) // 662 queries of 5 s
	s.config.Scenarios.LatencyBound = time.Minute
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := s.cell(infer, "a"); c.Server != nil || c.Status != record.Measured || !warned(s.config.Record, record.ScenarioSkipped) {
		t.Errorf("%+v, warnings %+v", c.Server, s.config.Record.Warnings)
	}
}

// Every runner of a round meets the same arrivals, stretched to its rate.
func TestArrivalsArePoissonAndShared(t *testing.T) {
	one, ten := campaign.Arrivals(3, 0, 20_000, 1), campaign.Arrivals(3, 0, 20_000, 10)
	for i := range one {
		if math.Abs(float64(one[i])-10*float64(ten[i])) > 20 {
			t.Fatalf("arrival %d is %d and %d: not the same schedule, stretched", i, one[i], ten[i])
		}
	}
	gaps := make([]float64, len(one))
	before := int64(0)
	for i, at := range one {
		gaps[i], before = float64(at-before)/1e9, at
	}
	if mean := stats.Mean(gaps); math.Abs(mean-1) > 0.03 {
		t.Errorf("mean gap %.3f s, expected 1", mean)
	}
	if median := stats.Median(gaps); math.Abs(median-math.Ln2) > 0.03 {
		t.Errorf("median gap %.3f s, expected ln 2: gaps are not exponential", median)
	}
	if slices.Equal(one, campaign.Arrivals(3, 1, 20_000, 1)) || slices.Equal(one, campaign.Arrivals(4, 0, 20_000, 1)) {
		t.Error("another round or seed has the same arrivals")
	}
}
