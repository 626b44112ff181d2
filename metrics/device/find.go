package device

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// Card is a GPU as the driver shows it, with the UUIDs of the instances that
// MIG splits it into, if it does.
type Card struct {
	record.GPU
	Split     bool
	Instances []string
}

// Find are the devices that are asked for, in their order; for the CPU it is
// CPU alone. The error names the cards that are there.
func (w Wanted) Find(cards []Card) ([]Device, error) {
	if w.CPU() {
		return []Device{CPU}, nil
	}
	var found []Device
	for _, name := range w.gpus {
		d, err := find(name, cards)
		if err != nil {
			return nil, err
		}
		for _, other := range found {
			if other.Name == d.Name {
				return nil, fmt.Errorf("%s is asked for twice: as %s, too", d.Name, name)
			}
		}
		found = append(found, d)
	}
	return found, nil
}

func find(name string, cards []Card) (Device, error) {
	var matches []Device
	for _, card := range cards {
		for _, d := range card.devices() {
			if d.Name == "gpu:"+trimmed(name) || strings.HasPrefix(strings.ToLower(d.UUID()), strings.ToLower(name)) {
				matches = append(matches, d)
			}
		}
	}
	switch {
	case len(matches) == 0:
		return Device{}, fmt.Errorf("no GPU %s here; there is %s", name, listing(cards))
	case len(matches) > 1:
		return Device{}, fmt.Errorf("several GPUs begin with %s: give more of the UUID; there is %s", name, listing(cards))
	}
	for _, card := range cards {
		if d := matches[0]; card.Split && d.Instance == "" && card.UUID == d.Card.UUID {
			return Device{}, fmt.Errorf("%s is split by MIG and computes in its instances alone: name one of %s", d.Name, listing([]Card{card}))
		}
	}
	return matches[0], nil
}

// trimmed is a number, or a pair of numbers, without leading zeros.
func trimmed(name string) string {
	parts := strings.Split(name, ":")
	for i, part := range parts {
		if n, err := strconv.Atoi(part); err == nil {
			parts[i] = strconv.Itoa(n)
		}
	}
	return strings.Join(parts, ":")
}

// devices are the card itself and its instances.
func (c Card) devices() []Device {
	devices := []Device{{Name: fmt.Sprintf("gpu:%d", c.Index), Card: c.GPU}}
	for i, uuid := range c.Instances {
		devices = append(devices, Device{Name: fmt.Sprintf("gpu:%d:%d", c.Index, i), Card: c.GPU, Instance: uuid})
	}
	return devices
}

// listing names cards and instances for people.
func listing(cards []Card) string {
	var names []string
	for _, card := range cards {
		for _, d := range card.devices() {
			if card.Split && d.Instance == "" {
				continue
			}
			names = append(names, fmt.Sprintf("%s (%s, %s)", d.Name, d.Card.Name, d.UUID()))
		}
		if card.Split && len(card.Instances) == 0 {
			names = append(names, fmt.Sprintf("gpu:%d (%s, split by MIG, without an instance)", card.Index, card.Name))
		}
	}
	return strings.Join(names, ", ")
}
