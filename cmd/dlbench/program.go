package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/peak"
)

// program owns what the commands may touch of the outside: streams,
// environment, clock and directories. Tests build one of their own.
type program struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        func() []string
	now            func() time.Time
	openGPU        func() (sample.GPU, error)
	terminal       bool                                                    // standard error is one
	columns        func() int                                              // of that terminal, now
	width          int                                                     // of standard output, columns
	turn           func(context.Context) (release func() error, err error) // when an image may be pulled; nil is at once
	haste          int                                                     // of tests: see bench.Host
}

// host is the same for what measures.
func (p *program) host() bench.Host {
	return bench.Host{Getenv: p.getenv, Environ: p.environ, Now: p.now, OpenGPU: p.openGPU, Version: version(), Triad: peak.Triad, Turn: p.turn, Haste: p.haste}
}

// run is the whole program; it returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	app := p.app()
	err := app.RunContext(ctx, flagsFirst(app, args))
	if err == nil {
		return exitDone
	}
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
		if other := bench.Besides(err); other != nil {
			text += "\n" + other.Error()
		}
	}
	if text != "" {
		fmt.Fprintln(p.stderr, "dlbench: "+text)
	}
	if hint := hintOf(err); hint != "" {
		fmt.Fprintln(p.stderr, "hint: "+hint)
	}
	return exitCode(err)
}
