package main

import (
	"os"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
)

// A GPU is metered where the device is one; where it cannot be, every figure has
// the reason.
func TestMeterOfADevice(t *testing.T) {
	name := record.GPUSeries(3, record.GPUPercent)
	for device, metered := range map[string]bool{"cpu": false, "gpu:3": true} {
		recording, err := newMeter("", device).Start(t.Context(), engine.Identity{PID: os.Getpid()})
		if err != nil {
			t.Fatal(err)
		}
		var p record.Process
		recording.Stop(&p)
		if p.SeriesNamed(name) == nil && (p.Missing[name] != "") != metered {
			t.Errorf("%s: missing %v", device, p.Missing)
		}
		if p.SeriesNamed(record.SeriesHostCPU) == nil {
			t.Errorf("%s: the machine is not seen", device)
		}
	}
}
