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

// TestFaults runs every fault on the engines that DLBENCH_FAULTS names.
func TestFaults(t *testing.T) {
	named := os.Getenv("DLBENCH_FAULTS")
	if named == "" {
		t.Skip("DLBENCH_FAULTS=podman,docker,local runs it (make faults)")
	}
	c := newCampaign(t)
	rigs := map[string]*rig{}
	for _, name := range strings.Split(named, ",") {
		rigs[name] = c.rig(t, name)
	}
	var rows table
	for _, f := range all() {
		cells := map[string]string{}
		for _, name := range engineNames {
			r := rigs[name]
			switch {
			case r == nil:
				cells[name] = "not run"
			case f.on != "" && !strings.Contains(f.on, name):
				cells[name] = "–"
			case r.absent != "":
				cells[name] = "not run"
			default:
				t.Run(f.stage+"/"+f.name+"/"+name, func(t *testing.T) {
					x := c.trial(t, r)
					f.do(x)
					x.nothingLeft()
					cells[name] = x.outcome
				})
			}
		}
		rows = append(rows, row{f, cells})
	}
	for _, name := range engineNames {
		if r := rigs[name]; r != nil && r.absent != "" {
			t.Logf("%s: %s", name, r.absent)
		}
	}
	if cases := rows.count(); cases < 60 && os.Getenv("DLBENCH_FAULTS_TABLE") != "" {
		t.Errorf("only %d cases were run: the table promises 60", cases)
	}
	if path := os.Getenv("DLBENCH_FAULTS_TABLE"); path != "" && !t.Failed() {
		if err := rows.write(fromRoot(t, path), rigs); err != nil {
			t.Fatal(err)
		}
	}
}

func all() []fault {
	var faults []fault
	for _, each := range [][]fault{signals(), runnerFaults(), engineFaults(), outputFaults(), together(), surroundings()} {
		faults = append(faults, each...)
	}
	return faults
}
