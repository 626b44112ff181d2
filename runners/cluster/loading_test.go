package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/cluster"
)

func TestNodesTakeTurnsToLoadImages(t *testing.T) {
	s := newScripted(t)
	shards, err := cluster.Spread(record.ByNodes, []cluster.Workload{{ID: "lenet/infer/b1/fp32"}}, 12)
	if err != nil {
		t.Fatal(err)
	}
	s.is("sinfo", "")
	plan := &cluster.Plan{Spread: record.ByNodes, Suite: "smoke", Shards: shards, Images: "/images", Loading: 3}
	if err := s.run.Begin(t.Context(), plan, cluster.Request{Device: "cpu"}, "/bin/true"); err != nil {
		t.Fatal(err)
	}
	var at, most, waited atomic.Int64
	var all sync.WaitGroup
	for i := range shards {
		e, err := s.element(fmt.Sprint(i), fmt.Sprintf("n%d", i))
		if err != nil || e.Images() != "/images" {
			t.Fatal(e, err)
		}
		all.Go(func() {
			release, err := e.Turn(t.Context(), func(string) { waited.Add(1) })
			if err != nil {
				t.Error(err)
				return
			}
			for now := at.Add(1); ; {
				seen := most.Load()
				if now <= seen || most.CompareAndSwap(seen, now) {
					break
				}
			}
			time.Sleep(20 * time.Millisecond)
			at.Add(-1)
			if err := release(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() != 3 || waited.Load() == 0 {
		t.Errorf("%d nodes loaded at once, and %d were told to wait; expected 3, and some", most.Load(), waited.Load())
	}

	// One that waits ends when it is asked to.
	var releases []func() error
	e, err := s.element("0", "n0")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		release, err := e.Turn(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := e.Turn(ctx, func(string) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("it is %v", err)
	}
	for _, release := range releases {
		if err := release(); err != nil {
			t.Error(err)
		}
	}
}
