package bench

import (
	"os"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/engine"
)

// A GPU is metered if the device is one; if it cannot be, every figure has
// the reason.
func TestMeterOfADevice(t *testing.T) {
	name := record.GPUSeries(3, record.GPUPercent)
	h := Host{OpenGPU: func() (sample.GPU, error) { return nil, sample.ErrNoDriver }}
	for device, metered := range map[string]bool{"cpu": false, "gpu:3": true} {
		recording, err := h.meterBeside("").Start(t.Context(), engine.Identity{PID: os.Getpid()}, device)
		if err != nil {
			t.Fatal(err)
		}
		var seen record.Process
		recording.Stop(&seen)
		if seen.SeriesNamed(name) == nil && (seen.Missing[name] != "") != metered {
			t.Errorf("%s: missing %v", device, seen.Missing)
		}
		if seen.SeriesNamed(record.SeriesHostCPU) == nil {
			t.Errorf("%s: the machine is not seen", device)
		}
	}
}
