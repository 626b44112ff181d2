package bench

import (
	"context"
	"fmt"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/engine"
)

// Engines are the known ones, in the order of preference.
type Engines []engine.Engine

// KnownEngines are those of this machine.
func (h Host) KnownEngines(cache string) (Engines, error) {
	if h.Engines != nil {
		return h.Engines(cache)
	}
	podman, err := engine.NewPodman(h.Environ(), cache)
	if err != nil {
		return nil, err
	}
	return Engines{podman, engine.NewDocker(h.Environ()), engine.NewLocal(h.Environ())}, nil
}

// WithImages are the engines that start containers.
func (e Engines) WithImages() Engines {
	var found Engines
	for _, each := range e {
		if _, ok := each.(*engine.CLI); ok {
			found = append(found, each)
		}
	}
	return found
}

func (e Engines) names() []string {
	names := []string{"auto"}
	for _, each := range e {
		names = append(names, each.Name())
	}
	return names
}

// PickFor is Pick for devices: of engines with containers, "auto" takes the first
// that hands the GPUs over.
func (e Engines) PickFor(ctx context.Context, name string, devices []device.Device) (engine.Engine, string, error) {
	if name != "auto" || !devices[0].GPU() {
		return e.Pick(ctx, name)
	}
	why, refusal := "", error(nil)
	for _, each := range e {
		health := each.Probe(ctx)
		if health.State != engine.Healthy {
			why += fmt.Sprintf("; %s is %s (%s)", each.Name(), health.State, health.Reason)
			continue
		}
		err := handsOver(ctx, each, devices)
		if _, containers := each.(*engine.CLI); err == nil && (containers || refusal == nil) {
			return each, fmt.Sprintf("%s %s%s", each.Name(), health.Version, why), nil
		}
		if refusal == nil { // the first one is the one to set up
			refusal = err
		}
		if err != nil {
			why += fmt.Sprintf("; %v", err)
		}
	}
	if refusal != nil {
		return nil, "", refusal // plain processes are not what a machine with containers is measured by, unless asked for
	}
	return nil, "", EnvironmentError(fmt.Errorf("no engine%s", why), engine.InstallCommand)
}

// Pick returns the engine of that name, if it is healthy; "auto" takes the first
// healthy one. The text says which and why.
func (e Engines) Pick(ctx context.Context, name string) (engine.Engine, string, error) {
	if name == "auto" {
		return e.auto(ctx)
	}
	for _, each := range e {
		if each.Name() != name {
			continue
		}
		health := each.Probe(ctx)
		if health.State != engine.Healthy {
			return nil, "", EnvironmentError(fmt.Errorf("engine %s is %s: %s", name, health.State, health.Reason), health.Hint)
		}
		return each, fmt.Sprintf("%s %s, as asked", name, health.Version), nil
	}
	return nil, "", unknown("engine", name, e.names())
}

func (e Engines) auto(ctx context.Context) (engine.Engine, string, error) {
	why := ""
	for _, each := range e {
		health := each.Probe(ctx)
		if health.State == engine.Healthy {
			return each, fmt.Sprintf("%s %s%s", each.Name(), health.Version, why), nil
		}
		why += fmt.Sprintf("; %s is %s (%s)", each.Name(), health.State, health.Reason)
	}
	return nil, "", EnvironmentError(fmt.Errorf("no engine%s", why), engine.InstallCommand)
}
