package main

import (
	"context"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
)

// machine describes this machine, with its GPUs or the reason why there is
// none to be seen.
func (p *program) machine(ctx context.Context) record.Environment {
	gpu, err := p.openGPU()
	found := environment.Read(ctx, environment.Options{Root: "/", Cards: environment.Cards(gpu, err)})
	if err == nil {
		_ = gpu.Close() // nothing was changed that a failure could lose
	}
	return found
}
