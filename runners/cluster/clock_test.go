package cluster_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/cluster"
)

// TestClocksThatAreApartAreTold gives the node, the file server and the machine that
// submits clocks of their own.
func TestClocksThatAreApartAreTold(t *testing.T) {
	const hour = time.Hour
	for name, tt := range map[string]struct {
		node, server   time.Duration // their clocks, to that of the machine that submits
		waited, looked time.Duration // before the job began, and after it had ended
		running        bool
		want           time.Duration
	}{
		"together":                               {want: 0},
		"a few seconds":                          {node: 3 * time.Second, want: 0},
		"together, after hours":                  {waited: 2 * hour, looked: 3 * hour, want: 0},
		"the node is ahead":                      {node: hour, looked: 3 * hour, want: hour},
		"the node is behind":                     {node: -hour, waited: 2 * hour, want: -hour},
		"it still runs":                          {node: hour, looked: 3 * hour, running: true, want: hour},
		"ahead, and the server leaves it to it":  {node: hour, server: hour, want: hour},
		"behind, and the server leaves it to it": {node: -hour, server: -hour, want: -hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			began := time.Now().Add(tt.waited)
			if err := s.begin(record.ByWorkloads, 1); err != nil {
				t.Fatal(err)
			}
			s.run.Now = func() time.Time { return began.Add(tt.looked + time.Second) }
			s.leaves(0, "n1", record.Complete, true)
			ended := fmt.Sprintf(`, "ended": %q`, began.Add(tt.node).Format(time.RFC3339Nano))
			if tt.running {
				ended = ""
			}
			path := filepath.Join(cluster.ShardDir(s.run.Dir, 0), "node.json")
			text := fmt.Sprintf(`{"node": "n1", "job": "12_0", "began": %q%s}`, began.Add(tt.node).Format(time.RFC3339Nano), ended)
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, time.Time{}, began.Add(tt.server)); err != nil {
				t.Fatal(err)
			}
			members, _ := s.collect()
			if off := members[0].Ahead - tt.want; off.Abs() > 2*time.Second || tt.want == 0 && off != 0 {
				t.Errorf("its clock is said to be %s ahead, expected %s", members[0].Ahead, tt.want)
			}
		})
	}
}

// A node.json without a time, and none at all, say nothing of a clock.
func TestANodeThatGivesNoTimeHasNoClock(t *testing.T) {
	s := newScripted(t)
	if err := s.begin(record.ByWorkloads, 2); err != nil {
		t.Fatal(err)
	}
	s.leaves(0, "n1", record.Complete, false)
	if members, _ := s.collect(); members[0].Ahead != 0 || members[1].Ahead != 0 {
		t.Errorf("%+v", members)
	}
}
