package summary

import (
	"math"

	"github.com/dlbench/dlbench/metrics/record"
)

// deviceTimeShare is by how much the host's clock and the device's events may
// differ over the throughput blocks: launching the first kernel and the last
// synchronisation take some ten microseconds of a block.
const deviceTimeShare = 0.01

// warnOfDeviceTime warns that a device's own events tell another time than the
// host's clock: work that was still under way at a block's edge, or none that
// the device did.
func warnOfDeviceTime(r *record.Record, c *record.Cell) {
	var host, device float64
	blocks := 0
	for _, p := range c.MeasuredProcesses() {
		for i := range p.Blocks {
			b := &p.Blocks[i]
			if b.DeviceNS == 0 || b.Scenario != record.Offline && b.Scenario != record.Train {
				continue
			}
			host += b.Seconds()
			device += float64(b.DeviceNS) / 1e9
			blocks++
		}
	}
	if blocks == 0 || math.Abs(device-host) <= deviceTimeShare*host {
		return
	}
	r.Warn(c.Scope(), record.DeviceTimeDiffers, "over %d blocks the device's events tell %.3f s, the host's clock %.3f s", blocks, device, host)
}
