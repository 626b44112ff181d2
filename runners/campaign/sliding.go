package campaign

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/window"
)

const (
	fewestVolumes    = 3
	mostVolumes      = 200
	mostVolumesBlock = 15 * time.Minute // one that would take longer is not begun
)

// Patches is how many patches of a network's own input cover a volume; an error
// says why the volume cannot be inferred by them.
func Patches(p *plan.Plan, w window.Window) (int, error) {
	input, logits := p.Network.Input.Shape, p.Logits()
	if len(logits) != len(input) || !slices.Equal(logits[2:], input[2:]) {
		return 0, fmt.Errorf("the network's output %v has not one place for each pixel of the input %v", logits, input)
	}
	return w.Patches(input[2:])
}

// batches are those that so many patches take, the last one filled up.
func batches(patches, batch int) int { return (patches + batch - 1) / batch }

// slidingWindow measures whole volumes: from cutting the first patch until the
// result is in the host's memory.
func (m *measurement) slidingWindow(ctx context.Context) error {
	patches, err := Patches(m.cell.Plan, m.Scenarios.Window)
	if err != nil {
		m.skip(record.SlidingWindow, err.Error())
		return nil
	}
	each := batches(patches, m.cell.Plan.Batch)
	takes := float64(each) * m.iterationNS()
	if m.target.Calibration.Volumes == 0 {
		m.target.Calibration.Volumes = min(mostVolumes, max(fewestVolumes, int(math.Ceil(float64(m.Profile.LatencyTime)/takes))))
	}
	volumes := m.target.Calibration.Volumes
	if length := time.Duration(float64(volumes) * takes); length > mostVolumesBlock {
		m.skip(record.SlidingWindow, fmt.Sprintf("%d volumes of %d patches would take %s", volumes, patches, length.Round(time.Minute)))
		return nil
	}
	w := m.Scenarios.Window
	err = m.block(ctx, protocol.MeasureParams{Scenario: protocol.SlidingWindow, Iterations: volumes * each, QueryIterations: each,
		Window: &protocol.Window{Size: w.Size, Overlap: w.Overlap}}, true)
	var refused *protocol.Error
	if errors.As(err, &refused) && refused.Code == protocol.Unsupported {
		m.skip(record.SlidingWindow, refused.Message)
		return nil
	}
	if err == nil {
		m.process.Blocks[len(m.process.Blocks)-1].Patches = patches
	}
	return err
}

// checkVolume compares what was put together with what the verified runner said of
// the images that the volume is made of, wherever only one patch covers one.
func (m *measurement) checkVolume(output string) (record.Check, error) {
	p := m.cell.Plan
	regions, err := m.Scenarios.Window.Alone(p.Network.Input.Shape[2:], p.Slots*p.Batch)
	if err != nil {
		return record.Check{}, err
	}
	return m.cell.Expect.CheckVolume(output, m.Scenarios.Window.Size, regions)
}
