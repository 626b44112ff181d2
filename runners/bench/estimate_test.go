package bench_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/bench"
)

func estimateOf(t *testing.T, change func(o *bench.Options), seen bench.Seen) bench.Estimate {
	t.Helper()
	o := bench.Defaults()
	o.Workloads, o.Runners, o.Profile = []string{"lenet/infer/b1/fp32", "lenet/train/b1/fp32"}, []string{"pytorch", "mxnet"}, "quick"
	if change != nil {
		change(&o)
	}
	e, err := o.Estimate(seen)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Two cells of 5.9 s and two of 5.4 s, three processes each; by profile report two
// of 11.5 s and two of 9.5 s.
func TestEstimateFromOperations(t *testing.T) {
	e := estimateOf(t, nil, nil)
	if want := 3 * 2 * (5900 + 5400) * time.Millisecond; e.Cells != 4 || (e.Least-want).Abs() > time.Second || e.Most != e.Least {
		t.Errorf("%+v, want %s", e, want)
	}
	if e.String() != "about 68 s, from operations" {
		t.Errorf("%q", e)
	}
	e = estimateOf(t, func(o *bench.Options) { o.Profile = "report" }, nil)
	if e.Most != 5*e.Least || e.String() != "about 4 min to 21 min, from operations" {
		t.Errorf("from 6 to 30 processes: %+v %q", e, e)
	}
	if once := estimateOf(t, func(o *bench.Options) { o.Rounds = 1 }, nil); once.Least != once.Most || (3*once.Least-estimateOf(t, nil, nil).Least).Abs() > time.Millisecond {
		t.Errorf("one process a cell: %+v", once)
	}
	one := estimateOf(t, func(o *bench.Options) { o.Workloads = []string{"vgg16/infer/b8/fp32/t1"} }, nil)
	four := estimateOf(t, func(o *bench.Options) { o.Workloads = []string{"vgg16/infer/b8/fp32/t4"} }, nil)
	if one.Least < 2*four.Least {
		t.Errorf("by one thread %s, by four %s", one.Least, four.Least)
	}
}

func TestEstimateAsSeen(t *testing.T) {
	day := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	all := func(c bench.SeenCell) (bench.Took, bool) {
		on := day
		if strings.Contains(c.Workload, "train") { // which comes last
			on = day.Add(-48 * time.Hour)
		}
		return bench.Took{Process: 10 * time.Second, Processes: 9, On: on}, !c.Card && (c.Profile == "quick" || c.Profile == "report")
	}
	if e := estimateOf(t, nil, all); e.Seen != 4 || e.String() != "2 min, as seen on 2026-11-25" {
		t.Errorf("three processes a cell: %+v %q", e, e)
	}
	if e := estimateOf(t, func(o *bench.Options) { o.Profile = "report" }, all); e.String() != "6 min, as seen on 2026-11-25" {
		t.Errorf("nine were enough for the profile: %q", e)
	}
	if e := estimateOf(t, func(o *bench.Options) { o.Profile = "gate" }, all); e.Seen != 0 {
		t.Errorf("another profile: %q", e)
	}
	onCard := func(o *bench.Options) { o.Device, o.Runners = "gpu:1", []string{"pytorch", "openvino"} }
	if e := estimateOf(t, onCard, all); e.Seen != 0 || e.Cells != 2 {
		t.Errorf("on a GPU: %+v %q; OpenVINO has no build for it, and the records are of CPUs", e, e)
	}
	some := func(c bench.SeenCell) (bench.Took, bool) {
		return bench.Took{On: day}, c.Runner == "mxnet" // which could not be measured
	}
	if e := estimateOf(t, nil, some); e.String() != "about 34 s, 2 of 4 cells as seen on 2026-11-25, the others from operations" {
		t.Errorf("%q", e)
	}
}

func TestEstimateOfASuite(t *testing.T) {
	whole := estimateOf(t, func(o *bench.Options) { o.Workloads, o.Runners, o.Profile, o.Suite = nil, nil, "", "full" }, nil)
	if whole.Least < 24*time.Hour || whole.Most < 5*whole.Least-time.Second {
		t.Errorf("the whole zoo takes %s", whole)
	}
	o := bench.Defaults()
	o.Suite = "fully"
	if _, err := o.Estimate(nil); bench.KindOf(err) != bench.Usage {
		t.Errorf("got %v", err)
	}
}

// A suite's scenarios are measured unless others are asked for.
func TestScenariosOfASuite(t *testing.T) {
	took := func(text string, asked ...string) time.Duration {
		return estimateOf(t, func(o *bench.Options) {
			o.Workloads, o.Suite, o.Scenarios = nil, file(t, t.TempDir(), "mine.yaml", "name: mine\nworkloads:\n  - networks: lenet\n    batches: 1\n"+text), asked
		}, nil).Least
	}
	without, with := took(""), took("scenarios: [server]\n")
	if with <= without {
		t.Errorf("with the server scenario it takes %s, without %s", with, without)
	}
	if got := took("scenarios: [server]\n", "offline"); got != without {
		t.Errorf("asked for another it takes %s, want %s", got, without)
	}
	if got := took("", "server"); got != with {
		t.Errorf("asked for it, it takes %s, want %s", got, with)
	}
}
