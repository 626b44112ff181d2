package campaign_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/window"
)

const pixels = "unet3d@8/infer/b4/fp32" // of volumes of 8×8×8

func sliding(t *testing.T, script *scripted, workloads ...string) *stage {
	t.Helper()
	s := newStage(t, map[string]*scripted{"a": script}, workloads...)
	s.config.Scenarios.Window = window.Window{Size: []int{8, 12, 16}, Overlap: 0.5}
	s.config.Record.Terms.Volume, s.config.Record.Terms.Overlap = "8x12x16", 0.5
	return s
}

// 1·2·3 patches are two batches of four. A half second is 25 volumes of 20 ms.
func TestWholeVolumesAreMeasured(t *testing.T) {
	script := ms(10)
	s := sliding(t, script, pixels)
	var size []int
	var regions []window.Region
	s.config.Cells[0].Expect = expectation{same: true, volumes: func(of []int, at []window.Region) { size, regions = of, at }}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(script.windows) != 3 {
		t.Fatalf("%d blocks of volumes in 3 processes", len(script.windows))
	}
	for _, m := range script.windows {
		want := protocol.MeasureParams{Scenario: protocol.SlidingWindow, Iterations: 50, QueryIterations: 2, Window: &protocol.Window{Size: []int{8, 12, 16}, Overlap: 0.5}}
		m.FirstSlot = 0
		if diff := cmp.Diff(want, m); diff != "" {
			t.Error(diff)
		}
	}
	c := s.cell(pixels, "a")
	w := c.SlidingWindow
	if w == nil || w.Patches != 6 || w.LatencyMS.N != 75 || *w.LatencyMS.P90 != 20 || w.Rate.N != 3 || c.Calibration.Volumes != 25 {
		t.Fatalf("%+v, calibration %+v", w, c.Calibration)
	}
	if want := 8 * 12 * 16 / 1e6 / 0.02; w.Rate.Median < want*0.999 || w.Rate.Median > want*1.001 {
		t.Errorf("%g megavoxels/s, expected %g", w.Rate.Median, want)
	}
	// Along the second axis only the first patch is a whole image, along the third the last is, too.
	if !slices.Equal(size, []int{8, 12, 16}) || len(regions) != 2 || !slices.Equal(regions[1].Place, []int{0, 0, 12}) || regions[1].Image != 1 {
		t.Errorf("compared were %v of %v", regions, size)
	}
	if !slices.ContainsFunc(c.Parity.Checks, func(c record.Check) bool { return c.Name == "whole volume" && c.Passed }) {
		t.Errorf("checks %+v", c.Parity.Checks)
	}
}

// Long ones are three, and none if three would take too long.
func TestHowManyVolumes(t *testing.T) {
	for iteration, want := range map[int64]int{2000: 3, 200_000: 0} { // ms
		script := ms(iteration)
		s := sliding(t, script, pixels)
		s.config.Profile = s.config.Profile.WithRounds(1)
		if err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := s.cell(pixels, "a")
		if want == 0 {
			if c.SlidingWindow != nil || !warned(s.config.Record, record.ScenarioSkipped) || c.Status != record.Measured {
				t.Errorf("%d ms: %+v", iteration, c.SlidingWindow)
			}
		} else if c.SlidingWindow == nil || c.SlidingWindow.LatencyMS.N != want {
			t.Errorf("%d ms: %+v", iteration, c.SlidingWindow)
		}
	}
}

// What cannot be is skipped with the reason, and measured all the same.
func TestVolumesThatCannotBeInferredAreSkipped(t *testing.T) {
	for name, tt := range map[string]struct {
		script   *scripted
		workload string
		says     string
	}{
		"a classifier":   {ms(10), infer, "has not one place for each pixel"},
		"images":         {ms(10), "unet@16/infer/b1/fp32", "has 3 axes, and the network's input has 2"},
		"larger patches": {ms(10), "unet3d@16/infer/b1/fp32", "is smaller than the network's own input"},
		"a runner":       {&scripted{iterationNS: 1e7, threads: 2, noWindows: true}, pixels, "sliding-window was not measured: fixed batches"},
	} {
		s := sliding(t, tt.script, tt.workload)
		if err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := s.cell(tt.workload, "a")
		said := slices.ContainsFunc(s.config.Record.Warnings, func(w record.Warning) bool {
			return w.Code == record.ScenarioSkipped && w.Scope == c.Scope() && strings.Contains(w.Text, tt.says)
		})
		if c.SlidingWindow != nil || c.Status != record.Measured || !said {
			t.Errorf("%s: %s, %+v, warnings %+v", name, c.Status, c.SlidingWindow, s.config.Record.Warnings)
		}
	}
}

// A block that fails otherwise is a failure, and training has no volumes.
func TestVolumesThatFail(t *testing.T) {
	script := ms(10)
	s := sliding(t, script, "unet3d@8/train/b4/fp32")
	if err := s.run(t.Context()); err != nil || len(script.windows) > 0 {
		t.Errorf("training inferred volumes: %v", err)
	}
	script = ms(10)
	s = sliding(t, script, pixels)
	s.config.Cells[0].Expect = expectation{}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := s.cell(pixels, "a"); c.Status != record.NotRanked || c.Parity.Status != record.ParityFailed {
		t.Errorf("a wrong volume is %s", c.Status)
	}
	script = ms(10)
	script.onBlock = func() {
		if len(script.slots) >= 4 { // after throughput and latency
			script.blockErr = &protocol.Error{Code: protocol.Internal, Message: "broke"}
		}
	}
	s = sliding(t, script, pixels)
	if err := s.run(t.Context()); err != nil && !errors.Is(err, t.Context().Err()) {
		t.Fatal(err)
	}
	if c := s.cell(pixels, "a"); c.Status != record.Failed || !strings.Contains(c.Reason, "broke") {
		t.Errorf("%s: %s", c.Status, c.Reason)
	}
}

func TestPatches(t *testing.T) {
	id, err := plan.ParseID(pixels)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := campaign.Patches(p, window.Window{Size: []int{16, 16, 16}, Overlap: 0.5}); err != nil || n != 27 {
		t.Errorf("%d, %v", n, err)
	}
}
