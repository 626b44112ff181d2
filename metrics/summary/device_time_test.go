package summary_test

import (
	"slices"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Only throughput blocks have a device's time; a runner that tells none is not
// warned of, and a second summary warns once.
func TestDeviceTimeIsHeldAgainstTheHosts(t *testing.T) {
	for _, c := range []struct {
		name   string
		share  float64 // of the host's time; 0 tells none
		warned bool
	}{{"none", 0, false}, {"the same", 0.995, false}, {"a little less", 0.98, true}, {"more", 1.02, true}} {
		r := campaign(3, map[string]float64{"a": 1000}, "a")
		for i := range r.Cells[0].Processes {
			for j := range r.Cells[0].Processes[i].Blocks {
				b := &r.Cells[0].Processes[i].Blocks[j]
				b.DeviceNS = int64(c.share * float64(b.EndNS-b.StartNS))
				if b.Scenario == record.SingleStream {
					b.DeviceNS = 1
				}
			}
		}
		summary.Summarize(r)
		summary.Summarize(r)
		got := 0
		for _, w := range r.WarningsAbout(r.Cells[0].Scope()) {
			if w.Code == record.DeviceTimeDiffers {
				got++
			}
		}
		if want := map[bool]int{true: 1}[c.warned]; got != want {
			t.Errorf("%s: %d warnings, want %d", c.name, got, want)
		}
	}
	if !slices.ContainsFunc(record.Explanations, func(c record.Explanation) bool { return c.Code == record.DeviceTimeDiffers }) {
		t.Error("nothing explains the code")
	}
}
