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
		node, server time.Duration // their clocks, to that of the machine that submits
		running      bool
		want         time.Duration
	}{
		"together":                               {0, 0, false, 0},
		"a few seconds":                          {3 * time.Second, 0, false, 0},
		"the node is ahead":                      {hour, 0, false, hour},
		"the node is behind":                     {-hour, 0, false, -hour},
		"it still runs":                          {hour, 0, true, hour},
		"ahead, and the server leaves it to it":  {hour, hour, false, hour},
		"behind, and the server leaves it to it": {-hour, -hour, false, -hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t)
			began := time.Now()
			if err := s.begin(record.ByWorkloads, 1); err != nil {
				t.Fatal(err)
			}
			s.run.Now = func() time.Time { return began.Add(time.Second) } // when it is looked at
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
