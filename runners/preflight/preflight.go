// Package preflight starts what a runner would be, on the device that it would
// be given, and says what keeps it from computing, with a remedy for each: first
// a probe that needs no framework, then every runner that can be started here.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
)

// Finding is one thing that was looked at.
type Finding struct {
	What   string `json:"what"`
	State  State  `json:"state"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// State says how a thing was found.
type State string

// The states of a finding.
const (
	OK      State = "ok"
	Warning State = "warning"
	Missing State = "missing" // not here, or not for this device
	Failed  State = "failed"  // here, and does not work
)

// Limit is how long all of it takes at most, and helloLimit how long one
// runner has to introduce itself.
const (
	Limit      = 110 * time.Second
	probeLimit = 40 * time.Second
	helloLimit = 60 * time.Second
)

// Check is what is to be looked at.
type Check struct {
	Launcher *launch.Launcher // starts runners under the terms of a campaign
	Device   device.Device
	Probe    engine.Spec // where the probe runs: the image, if any, and Command, which begins with its Python
	Runners  []Runner
	Say      func(format string, args ...any)
}

// Runner is one that can be started, or the reason why it cannot.
type Runner struct {
	Manifest manifest.Manifest
	Image    string
	Absent   *engine.EnvironmentError
}

// Report is what was found.
type Report struct {
	Device   string    `json:"device"`
	Findings []Finding `json:"findings"`
	Facts    *Facts    `json:"facts,omitempty"` // what the probe told; nil if it told nothing
	Seconds  float64   `json:"seconds"`
}

// Run looks at everything, for Limit at most.
func (c Check) Run(ctx context.Context) Report {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	r := Report{Device: c.Device.Name}
	c.Say("%s: a process as a runner's", c.Device.Name)
	facts, err := probe(ctx, c.Launcher.Engine, c.probeSpec(), c.Device)
	if err != nil {
		r.add(Finding{What: "process", State: Failed, Text: err.Error(), Remedy: startRemedy(c.Launcher.Engine, c.Device, err)})
	} else {
		r.Facts = facts
		r.add(facts.assess(c.Device, c.Launcher.Engine.Name())...)
	}
	for _, one := range c.Runners {
		if one.Absent == nil {
			c.Say("%s: hello of %s", c.Device.Name, one.Manifest.Name)
		}
		r.add(c.hello(ctx, one))
	}
	r.Seconds = time.Since(began).Seconds()
	return r
}

func (r *Report) add(findings ...Finding) { r.Findings = append(r.Findings, findings...) }

// probeSpec is the probe under the terms of a runner.
func (c Check) probeSpec() engine.Spec {
	s := c.Probe
	s.Session, s.Name = c.Launcher.Session, "probe"
	s.CPUs, s.MemoryBytes, s.GPUs = c.Launcher.CPUs, c.Launcher.Memory, c.Device.UUIDs()
	return s
}

// hello lets one runner introduce itself.
func (c Check) hello(ctx context.Context, one Runner) Finding {
	f := Finding{What: "runner " + one.Manifest.Name}
	if one.Absent != nil {
		f.State, f.Text, f.Remedy = Missing, one.Absent.Text, one.Absent.Hint
		return f
	}
	if ctx.Err() != nil {
		f.State, f.Text = Warning, fmt.Sprintf("not tried: the %s for all checks were over", Limit)
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, helloLimit)
	defer cancel()
	began := time.Now()
	opened, err := c.Launcher.Open(ctx, one.Manifest, one.Image, c.Device)
	if err != nil {
		return refused(f, err)
	}
	told, unconfirmed := opened.Hello(), opened.Unconfirmed()
	if err := opened.Close(context.WithoutCancel(ctx)); err != nil {
		f.State, f.Text = Failed, "it says hello and does not end: "+err.Error()
		return f
	}
	precisions := told.Capabilities.Precisions
	if len(precisions) == 0 {
		precisions = []string{"fp32"}
	}
	f.State, f.Text = OK, fmt.Sprintf("%s %s on %s, %s, in %.1f s", told.Framework, told.FrameworkVersion, deviceText(told.Device), strings.Join(precisions, " "), time.Since(began).Seconds())
	if unconfirmed != "" {
		f.State, f.Text = Warning, f.Text+"; "+unconfirmed
	}
	return f
}

func deviceText(seen protocol.DeviceSeen) string {
	if seen.Name == "" {
		return seen.Kind
	}
	return seen.Name
}

// refused is a runner that says why it does not compute on the device, or one
// that broke.
func refused(f Finding, err error) Finding {
	var said *protocol.Error
	if errors.As(err, &said) && said.Lacking() {
		f.State, f.Text = Missing, said.Message
		return f
	}
	f.State, f.Text, f.Remedy = Failed, err.Error(), "send the issue tracker what --bundle writes"
	return f
}

// Importable is nil for a runner whose framework a local Python has, without
// importing it: that takes seconds each.
func Importable(ctx context.Context, python string, environ []string, m manifest.Manifest) *engine.EnvironmentError {
	if m.Local == nil {
		return &engine.EnvironmentError{Text: "it has no way to run as a local process"}
	}
	for _, module := range m.Local.Requires {
		command := exec.CommandContext(ctx, python, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec(sys.argv[1]) is None)", module)
		command.Env = environ
		if err := command.Run(); err != nil {
			return &engine.EnvironmentError{Text: fmt.Sprintf("the local Python has no module %s", module), Hint: "python3 -m pip install " + module + ", or name another interpreter in DLBENCH_PYTHON"}
		}
	}
	return nil
}
