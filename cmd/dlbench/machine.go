package main

import (
	"context"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
)

// machine describes this machine, with its GPUs or the reason why there is
// none to be seen.
func machine(ctx context.Context) record.Environment {
	gpu, err := sample.OpenGPU()
	found := environment.Read(ctx, environment.Options{Root: "/", Cards: environment.Cards(gpu, err)})
	if err == nil {
		_ = gpu.Close() // nothing was changed that a failure could lose
	}
	return found
}
