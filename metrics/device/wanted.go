// Package device reads what --device asks for, and finds it among the cards
// that the driver shows.
package device

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Forms are what a device may be asked for by.
const Forms = "cpu, gpu, gpu:1, gpu:0,1 or gpu:UUID (GPU-…, MIG-…; its beginning is enough)"

// Wanted is a device string that was read: no GPU is the CPU.
type Wanted struct {
	gpus []string // "1"; "0:1", an instance of a card that MIG splits; the beginning of a UUID; or first
}

// A card, or an instance, by its number; and a UUID, or the beginning of one.
var (
	numberForm = regexp.MustCompile(`^[0-9]{1,3}(:[0-9]{1,2})?$`)
	uuidForm   = regexp.MustCompile(`^(?i:GPU|MIG)-[0-9A-Za-z/-]+$`)
)

// first is the first card that the driver shows and that can be used: number 0
// may be one that others were given, or a broken one.
const first = "first"

// Parse reads a device string; "gpu" is the first usable card.
func Parse(text string) (Wanted, error) {
	kind, list, named := strings.Cut(text, ":")
	switch {
	case text == "cpu":
		return Wanted{}, nil
	case text == "gpu":
		return Wanted{gpus: []string{first}}, nil
	case kind != "gpu" || !named:
		return Wanted{}, fmt.Errorf("device %q: expected %s", text, Forms)
	}
	var w Wanted
	for part := range strings.SplitSeq(list, ",") {
		if !numberForm.MatchString(part) && !uuidForm.MatchString(part) {
			return Wanted{}, fmt.Errorf("device %q: %q names no GPU; expected %s", text, part, Forms)
		}
		if slices.ContainsFunc(w.gpus, func(other string) bool { return strings.EqualFold(other, part) }) {
			return Wanted{}, fmt.Errorf("device %q: %s is there twice", text, part)
		}
		w.gpus = append(w.gpus, part)
	}
	return w, nil
}

// CPU says whether no GPU is asked for.
func (w Wanted) CPU() bool { return len(w.gpus) == 0 }

// Count is how many GPUs are asked for.
func (w Wanted) Count() int { return len(w.gpus) }
