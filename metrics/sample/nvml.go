//go:build cgo && linux

package sample

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/dlbench/dlbench/metrics/record"
	_ "github.com/dlbench/dlbench/metrics/sample/lazynvml" // defines what go-nvml leaves undefined
)

// OpenGPU opens NVIDIA's driver. Without one it fails with ErrNoDriver,
// without a card with ErrNoGPU.
func OpenGPU() (GPU, error) {
	driver, err := openNVML(nvml.New(), "/")
	if err != nil {
		return nil, err
	}
	return driver, nil
}

// nvmlDriver is a driver that was initialized. Nothing calls NVML before that
// nor after Close: a call into a library that is not loaded ends the process.
type nvmlDriver struct {
	mu       sync.Mutex
	library  nvml.Interface // nil after Close
	root     string         // above /proc
	known    map[string]bool
	cards    []*nvmlCard   // by index
	patience time.Duration // that an energy counter has to move
}

// openNVML starts the driver and lists its cards. One that cannot be described
// does not hide the others.
func openNVML(library nvml.Interface, root string) (*nvmlDriver, error) {
	switch ret := library.Init(); ret {
	case nvml.SUCCESS:
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return nil, ErrNoDriver
	default:
		return nil, fmt.Errorf("start NVML: %w", nvmlError(ret))
	}
	d := &nvmlDriver{library: library, root: root, known: map[string]bool{}, patience: time.Second}
	if err := d.list(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *nvmlDriver) list() error {
	count, ret := d.library.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("count the GPUs: %w", nvmlError(ret))
	}
	if count == 0 {
		return ErrNoGPU
	}
	version, ret := d.library.SystemGetDriverVersion()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("ask for the driver's version: %w", nvmlError(ret))
	}
	cuda := d.cuda()
	for i := range count {
		d.cards = append(d.cards, d.open(i, version, cuda))
	}
	for _, c := range d.cards[:count] {
		d.listMIG(c)
	}
	if len(d.Cards()) == 0 {
		return d.Unreadable()
	}
	return nil
}

// cuda is the newest version of CUDA that the driver runs; empty if it does
// not tell.
func (d *nvmlDriver) cuda() string {
	if !d.has("nvmlSystemGetCudaDriverVersion_v2") {
		return ""
	}
	version, ret := d.library.SystemGetCudaDriverVersion_v2()
	if ret != nvml.SUCCESS {
		return ""
	}
	return fmt.Sprintf("%d.%d", version/1000, version%1000/10)
}

// Cards are the GPUs that the driver shows and that could be described.
func (d *nvmlDriver) Cards() []record.GPU {
	var cards []record.GPU
	for _, c := range d.cards {
		if c.unreadable == nil {
			cards = append(cards, c.GPU)
		}
	}
	return cards
}

// Unreadable is why some of the driver's cards are not among Cards.
func (d *nvmlDriver) Unreadable() error {
	var all []error
	for _, c := range d.cards {
		all = append(all, c.unreadable)
	}
	return errors.Join(all...)
}

// Index finds a card by its UUID.
func (d *nvmlDriver) Index(uuid string) (int, bool) {
	for _, c := range d.cards {
		if c.unreadable == nil && c.UUID == uuid {
			return c.Index, true
		}
	}
	return 0, false
}

// card is the one of an index, while the driver is open.
func (d *nvmlDriver) card(index int) (*nvmlCard, error) {
	switch {
	case d.library == nil:
		return nil, errClosed
	case index < 0 || index >= len(d.cards):
		return nil, fmt.Errorf("GPU %d: the driver shows GPUs 0 to %d", index, len(d.cards)-1)
	}
	return d.cards[index], d.cards[index].unreadable
}

// Close lets the driver go. It is idempotent.
func (d *nvmlDriver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.library == nil {
		return nil
	}
	ret := d.library.Shutdown()
	d.library = nil
	if ret != nvml.SUCCESS {
		return fmt.Errorf("stop NVML: %w", nvmlError(ret))
	}
	return nil
}

// has says whether the driver has a function: an old one lacks what is new, a
// new one what was deprecated.
func (d *nvmlDriver) has(function string) bool {
	has, known := d.known[function]
	if !known {
		has = d.library.Extensions().LookupSymbol(function) == nil
		d.known[function] = has
	}
	return has
}

// hasAny is has for a function of several versions.
func (d *nvmlDriver) hasAny(function string) bool {
	return d.has(function) || d.has(function+"_v2") || d.has(function+"_v3")
}

// errClosed is why a source of a stopped driver misses everything.
var errClosed = errors.New("NVML was stopped")

// tooOld is why a driver cannot be asked for something.
func tooOld(function string) error {
	return fmt.Errorf("the NVIDIA driver is too old to tell: it lacks %s", function)
}

// nvmlError says what NVML's answer means for a person.
func nvmlError(ret nvml.Return) error {
	switch ret {
	case nvml.ERROR_NOT_SUPPORTED:
		return errors.New("this GPU does not tell")
	case nvml.ERROR_NO_PERMISSION:
		return ErrNoPermission
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return ErrNotLoaded
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return ErrMismatch
	case nvml.ERROR_GPU_IS_LOST:
		return ErrGPULost
	case nvml.ERROR_FUNCTION_NOT_FOUND:
		return errors.New("the NVIDIA driver is too old to tell")
	}
	return fmt.Errorf("NVML answers %d (%s)", int(ret), ret.Error())
}
