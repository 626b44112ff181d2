package suite

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/dlbench/dlbench/workloads/window"
)

// slidingWindow is the scenario that infers images or volumes larger than the
// network's input.
const slidingWindow = "sliding-window"

// windowFields are where a suite says what that scenario infers, for errors that
// are known only when all of the suite has been read.
type windowFields struct{ scenarios, volume, overlap *yaml.Node }

func (r *reader) scenarioNames(n *yaml.Node) error {
	r.window.scenarios = n
	return r.choices(&r.suite.Scenarios, "scenario", scenarios)(n)
}

func (r *reader) volume(n *yaml.Node) error {
	text, err := scalar(n)
	if err != nil {
		return err
	}
	if _, err := window.Parse(text, 0); err != nil {
		return at(n, "%w", err)
	}
	r.suite.Volume, r.window.volume = text, n
	return nil
}

func (r *reader) overlap(n *yaml.Node) error {
	text, err := scalar(n)
	if err != nil {
		return err
	}
	share, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return at(n, "overlap %q, expected a share like 0.5", text)
	}
	if err := window.CheckOverlap(share); err != nil {
		return at(n, "%w", err)
	}
	r.suite.Overlap, r.window.overlap = &share, n
	return nil
}

// windowIsWhole checks that the scenario and its size come together.
func (r *reader) windowIsWhole() error {
	asked := slices.Contains(r.suite.Scenarios, slidingWindow)
	switch {
	case asked && r.window.volume == nil:
		return at(r.window.scenarios, "scenario %s wants a size: add volume, like 512x512 or 48x64x64", slidingWindow)
	case !asked && r.window.volume != nil:
		return at(r.window.volume, "volume is of scenario %s: add it to scenarios", slidingWindow)
	case !asked && r.window.overlap != nil:
		return at(r.window.overlap, "overlap is of scenario %s: add it to scenarios", slidingWindow)
	}
	return nil
}
