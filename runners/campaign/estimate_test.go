package campaign_test

import (
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/window"
)

// By hand, at 15e9 multiply-accumulates a second and thread, and 3.5 s to set up
// (on a GPU 10e12 and 9 s):
// quick has 3 blocks of 0.3 s and a latency block of 0.5 s, report 5 of 1 s and one
// of 2 s, and waits at most 2 s and 15 s for a steady state after three iterations.
func TestEstimate(t *testing.T) {
	for name, tt := range map[string]struct {
		profile   string
		work      campaign.Work
		scenarios campaign.Scenarios
		want      time.Duration
	}{
		"tiny": {"quick", campaign.Work{Mode: plan.Infer, Batch: 1, MACs: 15, Threads: 1}, campaign.Scenarios{},
			3500*time.Millisecond + time.Second + 900*time.Millisecond + 500*time.Millisecond},
		"tiny, trained": {"quick", campaign.Work{Mode: plan.Train, Batch: 1, MACs: 5, Threads: 1}, campaign.Scenarios{},
			3500*time.Millisecond + time.Second + 900*time.Millisecond},
		"an iteration of a second": {"report", campaign.Work{Mode: plan.Infer, Batch: 4, MACs: 7.5e9, Threads: 2}, campaign.Scenarios{},
			3500*time.Millisecond + 18*time.Second + 5*2*time.Second + 2*time.Second},
		"a step of three seconds": {"report", campaign.Work{Mode: plan.Train, Batch: 4, MACs: 7.5e9, Threads: 2}, campaign.Scenarios{},
			3500*time.Millisecond + (15+9)*time.Second + 5*6*time.Second},
		"on a card": {"report", campaign.Work{Mode: plan.Train, Batch: 4, MACs: 2.5e12, Threads: 2, Card: true}, campaign.Scenarios{},
			9*time.Second + (15+9)*time.Second + 5*6*time.Second},
		"multi-stream": {"report", campaign.Work{Mode: plan.Infer, Batch: 4, MACs: 7.5e9, Threads: 2}, campaign.Scenarios{MultiStream: true},
			3500*time.Millisecond + 18*time.Second + 5*2*time.Second + 2*time.Second + 4*time.Second},
		"server": {"quick", campaign.Work{Mode: plan.Infer, Batch: 1, MACs: 15, Threads: 1}, campaign.Scenarios{LatencyBound: 100 * time.Millisecond},
			3500*time.Millisecond + time.Second + 900*time.Millisecond + 500*time.Millisecond + 6*2*time.Second},
		"whole volumes": {"report", campaign.Work{Mode: plan.Infer, Batch: 4, MACs: 7.5e9, Threads: 2, Patches: 9}, campaign.Scenarios{Window: window.Window{Size: []int{64, 64}}},
			3500*time.Millisecond + 18*time.Second + 5*2*time.Second + 2*time.Second + 9*time.Second},
		"no volumes": {"report", campaign.Work{Mode: plan.Infer, Batch: 4, MACs: 7.5e9, Threads: 2}, campaign.Scenarios{Window: window.Window{Size: []int{64, 64}}},
			3500*time.Millisecond + 18*time.Second + 5*2*time.Second + 2*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := campaign.ProfileNamed(tt.profile)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Estimate(tt.work, tt.scenarios); (got - tt.want).Abs() > time.Millisecond {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
