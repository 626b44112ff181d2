package faults

import (
	"os"
	"strings"
	"testing"
)

// fault is one row of the table: something that happens at a stage.
type fault struct {
	stage string
	name  string
	on    string // engines, with spaces between; empty is all
	do    func(x *trial)
}

// TestFaults runs every fault on the engines that DLBENCH_FAULTS names, beside one
// another: each has a cache of its own.
func TestFaults(t *testing.T) {
	named := os.Getenv("DLBENCH_FAULTS")
	if named == "" {
		t.Skip("DLBENCH_FAULTS=podman,docker,local runs it (make faults)")
	}
	c := newCampaign(t)
	rows := newTable(all())
	rigs := map[string]*rig{}
	for _, name := range strings.Split(named, ",") {
		if rigs[name] = c.rig(t, name); rigs[name].absent != "" {
			t.Logf("%s: %s", name, rigs[name].absent)
		}
	}
	t.Run("on", func(t *testing.T) {
		for name, r := range rigs {
			if r.absent == "" {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					c.run(t, r, rows)
				})
			}
		}
	})
	path := os.Getenv("DLBENCH_FAULTS_TABLE")
	if path == "" {
		return
	}
	if err := rows.write(fromRoot(t, path), rigs); err != nil {
		t.Fatal(err)
	}
	if cases := rows.count(); cases < 60 {
		t.Errorf("only %d cases were run: the table promises 60", cases)
	}
}

// run has an engine meet every fault.
func (c *campaign) run(t *testing.T, r *rig, rows *table) {
	for i, f := range rows.faults {
		if f.on != "" && !strings.Contains(f.on, r.name) {
			continue
		}
		t.Run(f.stage+"/"+f.name, func(t *testing.T) {
			x := c.trial(t, r)
			rows.is(i, r.name, "**failed**")
			f.do(x)
			x.nothingLeft()
			if !t.Failed() {
				rows.is(i, r.name, x.outcome)
			}
		})
	}
}

func all() []fault {
	var faults []fault
	for _, each := range [][]fault{signals(), runnerFaults(), engineFaults(), outputFaults(), together(), surroundings()} {
		faults = append(faults, each...)
	}
	return faults
}
