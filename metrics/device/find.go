package device

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// Card is a GPU as the driver shows it, with the instances that MIG splits it
// into, if it does.
type Card struct {
	record.GPU
	Instances []record.GPU
}

// Cards gives every card its instances.
func Cards(all []record.GPU) []Card {
	var cards []Card
	for _, g := range all {
		if g.Parent == nil {
			cards = append(cards, Card{GPU: g})
		}
	}
	for i := range cards {
		for _, g := range all {
			if g.Parent != nil && *g.Parent == cards[i].Index {
				cards[i].Instances = append(cards[i].Instances, g)
			}
		}
	}
	return cards
}

// Find are the devices that are asked for, in their order; for the CPU it is
// only the CPU. The error names the cards that are there.
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
	if name == first && len(cards) > 0 {
		name = strconv.Itoa(cards[0].Index)
	}
	var matches []Device
	for _, card := range cards {
		for i, d := range card.devices() {
			alias := fmt.Sprintf("%d:%d", card.Index, i-1) // as CUDA numbers instances
			if d.Name == "gpu:"+trimmed(name) || i > 0 && alias == trimmed(name) || strings.HasPrefix(strings.ToLower(d.UUID()), strings.ToLower(name)) {
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
		if d := matches[0]; card.MIG && d.Instance == "" && card.UUID == d.Card.UUID {
			return Device{}, fmt.Errorf("%s is split by MIG and computes only in its instances: name one of %s", d.Name, listing([]Card{card}))
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
	for _, g := range c.Instances {
		devices = append(devices, Device{Name: fmt.Sprintf("gpu:%d", g.Index), Card: c.GPU, Instance: g.UUID})
	}
	return devices
}

// listing names cards and instances for people.
func listing(cards []Card) string {
	var names []string
	for _, card := range cards {
		for _, d := range card.devices() {
			if card.MIG && d.Instance == "" {
				continue
			}
			names = append(names, fmt.Sprintf("%s (%s, %s)", d.Name, d.Card.Name, d.UUID()))
		}
		if card.MIG && len(card.Instances) == 0 {
			names = append(names, fmt.Sprintf("gpu:%d (%s, split by MIG, without an instance)", card.Index, card.Name))
		}
	}
	return strings.Join(names, ", ")
}
