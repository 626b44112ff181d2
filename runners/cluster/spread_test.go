package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/cluster"
)

func TestWorkloadsAreDealtOutByTheirTime(t *testing.T) {
	workloads := []cluster.Workload{{"a", 1 * time.Minute}, {"b", 10 * time.Minute}, {"c", 4 * time.Minute}, {"d", 5 * time.Minute}, {"e", 2 * time.Minute}}
	shards, err := cluster.Spread(record.ByWorkloads, workloads, 2)
	if err != nil {
		t.Fatal(err)
	}
	// 10 + 1, against 5 + 4 + 2: the order in a shard is the suite's.
	want := [][]string{{"a", "b"}, {"c", "d", "e"}}
	for i, s := range shards {
		if s.Index != i || !slices.Equal(s.Workloads, want[i]) {
			t.Errorf("shard %d is %+v, expected %v", i, s, want[i])
		}
	}
	if more, _ := cluster.Spread(record.ByWorkloads, workloads, 9); len(more) != 5 {
		t.Errorf("5 workloads on 9 nodes make %d shards, expected 5: none is empty", len(more))
	}
}

// Graham's bound for giving what is next to whoever has the least: no machine ends
// later than the mean and the longest piece together.
func TestDealingIsWithinGrahamsBound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var workloads []cluster.Workload
		var total, longest time.Duration
		for i := range 1 + random.IntN(40) {
			took := time.Duration(1+random.IntN(1000)) * time.Second
			workloads = append(workloads, cluster.Workload{ID: fmt.Sprint(i), Time: took})
			total, longest = total+took, max(longest, took)
		}
		nodes := 1 + random.IntN(12)
		shards, err := cluster.Spread(record.ByWorkloads, workloads, nodes)
		if err != nil {
			t.Fatal(err)
		}
		var dealt []string
		for _, s := range shards {
			var load time.Duration
			for _, id := range s.Workloads {
				var n int
				_, _ = fmt.Sscan(id, &n)
				load += workloads[n].Time
			}
			dealt = append(dealt, s.Workloads...)
			if bound := total/time.Duration(len(shards)) + longest; load > bound {
				t.Errorf("a shard takes %s, at most %s can be needed", load, bound)
			}
		}
		slices.Sort(dealt)
		if len(slices.Compact(dealt)) != len(workloads) {
			t.Errorf("%d workloads were dealt out, expected each of %d once", len(dealt), len(workloads))
		}
	}
}

func TestEveryNodeGetsAllOfIt(t *testing.T) {
	shards, err := cluster.Spread(record.ByNodes, []cluster.Workload{{ID: "a"}, {ID: "b"}}, 3)
	if err != nil || len(shards) != 3 {
		t.Fatalf("%v, %v: expected 3 shards", shards, err)
	}
	for i, s := range shards {
		if s.Index != i || !slices.Equal(s.Workloads, []string{"a", "b"}) {
			t.Errorf("shard %d is %+v", i, s)
		}
	}
	if _, err := cluster.Spread("node", nil, 1); err == nil || err.Error() != `unknown spread "node"; did you mean "nodes"?` {
		t.Errorf("an unknown spread: %v", err)
	}
}
