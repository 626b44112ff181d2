package manifest

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// Card is what decides whether a build runs on a GPU.
type Card struct {
	ComputeCapability string // like "9.0"
	Driver            string // its version, like "580.159.04"
	CUDA              string // the newest that the driver runs, like "13.0"; empty if it does not tell
}

// CardOf is what decides of a card that the driver shows.
func CardOf(g record.GPU) Card {
	return Card{ComputeCapability: g.ComputeCapability, Driver: g.Driver, CUDA: g.CUDA}
}

// leastDrivers are the oldest drivers that run what was built for any version
// of a major version of CUDA (CUDA Compatibility, "Minor Version
// Compatibility").
var leastDrivers = map[int]int{11: 450, 12: 525, 13: NewestDriver}

// NewestDriver is one that runs every build there is.
const NewestDriver = 580

// DriverNeeded is the oldest driver that runs the build, if that is newer than
// the card's; 0 if the card's is new enough, as far as is known. What was
// built for an older major version runs on every newer driver.
func (g *GPU) DriverNeeded(card Card) int {
	built := leading(g.CUDA)
	least := leastDrivers[built]
	if least == 0 {
		return 0
	}
	if runs := leading(card.CUDA); runs > 0 {
		if built > runs {
			return least
		}
		return 0
	}
	if driver := leading(card.Driver); driver > 0 && driver < least {
		return least
	}
	return 0
}

// tooOldADriver is why a build does not run by a card's driver; empty if it
// does.
func (g *GPU) tooOldADriver(card Card) string {
	least := g.DriverNeeded(card)
	if least == 0 {
		return ""
	}
	text := fmt.Sprintf("built for CUDA %s, which needs NVIDIA's driver %d or later; this is %s", g.CUDA, least, cmp.Or(card.Driver, "another"))
	if card.CUDA != "" {
		text += ", for CUDA " + card.CUDA + " at most"
	}
	return text
}

// DriverHint names packages that hold a driver.
func DriverHint(least int) string {
	return fmt.Sprintf("install NVIDIA's driver %[1]d or later: the package nvidia-driver-%[1]d of Ubuntu, or nvidia-driver of NVIDIA's repository (Debian's own may be older)", least)
}

// leading is the number that a version begins with; 0 if it begins with
// none.
func leading(version string) int {
	digits, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
