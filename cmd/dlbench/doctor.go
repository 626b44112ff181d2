package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/preflight"
)

// finding is one thing that doctor looked at.
type finding struct {
	What   string `json:"what"`
	State  string `json:"state"` // "ok", "warning", "missing", "not needed", "failed"
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

func (p *program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:   "doctor",
		Usage:  "say what this machine can do, and what to install",
		Flags:  append([]cli.Flag{deviceFlag(), jsonFlag()}, deepFlags()...),
		Action: p.doDoctor,
	}
}

func (p *program) doDoctor(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	devices, absent := p.host().Devices(c.String("device"))
	if absent != nil && exitCode(absent) == exitUsage {
		return absent
	}
	if err := tryFiles(c, "bundle"); err != nil {
		return err
	}
	findings, err := p.examine(c.Context)
	if err != nil {
		return err
	}
	var deep []preflight.Report
	if c.Bool("deep") && absent == nil {
		var more []finding
		deep, more, absent = p.deep(c, devices)
		findings = append(findings, more...)
	}
	if c.Bool("peak") && absent == nil {
		more, err := p.peakFindings(c)
		if err != nil {
			return err
		}
		findings = append(findings, more...)
	}
	var late error // what was found is printed all the same
	if path := c.String("bundle"); path != "" {
		if err := p.writeBundle(c.Context, path, findings, deep); err != nil {
			late = unwritten(fmt.Errorf("write the bundle: %w", err))
		}
	}
	t := table.New("what", "state", "found")
	for _, f := range findings {
		text := f.Text
		if f.Remedy != "" {
			text += " → " + f.Remedy
		}
		t.Add(f.What, f.State, text)
	}
	if err := p.print(c.Bool("json"), findings, t); err != nil {
		return err
	}
	return errors.Join(doctorOutcome(devices, absent, deep, findings), late)
}

// doctorOutcome is the error that what was found amounts to.
func doctorOutcome(devices []device.Device, absent error, deep []preflight.Report, findings []finding) error {
	switch {
	case absent != nil:
		return absent
	case len(deep) > 0: // what was tried says more than what should be there
		return deepOutcome(deep)
	}
	return gpuOutcome(devices, findings)
}

// gpuOutcome refuses a GPU that no engine hands over.
func gpuOutcome(devices []device.Device, findings []finding) error {
	if !devices[0].GPU() {
		return nil
	}
	for _, f := range findings {
		if strings.HasPrefix(f.What, handOver) && f.State == "missing" {
			return bench.EnvironmentError(errors.New(f.Text), f.Remedy)
		}
	}
	return nil
}
