package main

import (
	"context"
	"fmt"

	"github.com/dlbench/dlbench/runners/engine"
)

// engines are the ones that this program knows, in the order of preference.
type engines struct {
	all []engine.Engine
}

func (p *program) engines(cache string) (engines, error) {
	podman, err := engine.NewPodman(p.environ(), cache)
	if err != nil {
		return engines{}, err
	}
	return engines{[]engine.Engine{podman, engine.NewDocker(p.environ()), engine.NewLocal(p.environ())}}, nil
}

func (e engines) names() []string {
	names := []string{"auto"}
	for _, each := range e.all {
		names = append(names, each.Name())
	}
	return names
}

// pick returns the engine of that name, if it is healthy; auto takes the first
// healthy one. The text says which and why.
func (e engines) pick(ctx context.Context, name string) (engine.Engine, string, error) {
	if name == "auto" {
		return e.auto(ctx)
	}
	for _, each := range e.all {
		if each.Name() != name {
			continue
		}
		health := each.Probe(ctx)
		if health.State != engine.Healthy {
			return nil, "", lackingHere(fmt.Errorf("engine %s is %s: %s", name, health.State, health.Reason), health.Hint)
		}
		return each, fmt.Sprintf("%s %s, as asked", name, health.Version), nil
	}
	return nil, "", unknown("engine", name, e.names())
}

func (e engines) auto(ctx context.Context) (engine.Engine, string, error) {
	why := ""
	for _, each := range e.all {
		health := each.Probe(ctx)
		if health.State == engine.Healthy {
			return each, fmt.Sprintf("%s %s%s", each.Name(), health.Version, why), nil
		}
		why += fmt.Sprintf("; %s is %s (%s)", each.Name(), health.State, health.Reason)
	}
	return nil, "", lackingHere(fmt.Errorf("no engine%s", why), engine.InstallCommand)
}
