//go:build cgo && linux

package sample

import (
	"errors"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

const energyFunction = "nvmlDeviceGetTotalEnergyConsumption"

// energy is what is known of a card's energy counter.
type energy struct{ reason error } // why there is none; nil when it counts

// errEnergyStuck is why a counter is not believed: a card that is on uses
// energy, and a counter that does not say so would become a power of 0 W.
var errEnergyStuck = errors.New("the GPU's energy counter stands still")

// energyReason is why a whole card does not count its energy, nil when it does.
// It is found out once a card: some virtualised and some unified cards answer
// with a counter that never moves.
func (d *nvmlDriver) energyReason(c *nvmlCard) error {
	if c.energy == nil {
		c.energy = &energy{d.findEnergy(c)}
	}
	return c.energy.reason
}

func (d *nvmlDriver) findEnergy(c *nvmlCard) error {
	if !d.has(energyFunction) {
		return tooOld(energyFunction)
	}
	first, ret := c.device.GetTotalEnergyConsumption()
	for began := time.Now(); ret == nvml.SUCCESS; time.Sleep(10 * time.Millisecond) {
		var now uint64
		if now, ret = c.device.GetTotalEnergyConsumption(); ret == nvml.SUCCESS && now != first {
			return nil
		}
		if time.Since(began) > d.patience {
			return errEnergyStuck
		}
	}
	return c.reason(ret)
}
