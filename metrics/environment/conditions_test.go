package environment_test

import (
	"context"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
)

func codes(warnings []record.Warning) []string {
	var found []string
	for _, w := range warnings {
		if w.Scope != "run" || w.Text == "" {
			panic("a warning without a text, or not about the run: " + w.Code)
		}
		found = append(found, w.Code)
	}
	return found
}

func TestConditionsOfAMachine(t *testing.T) {
	for name, tt := range map[string]struct {
		machine record.Environment
		want    []string
	}{
		"as it should be":    {record.Environment{Governor: "performance", SMT: "off", Turbo: "off"}, nil},
		"unknown":            {record.Environment{}, nil},
		"container on metal": {record.Environment{Virtualization: "docker"}, nil},
		"laptop":             {record.Environment{Governor: "powersave", SMT: "on", Turbo: "on"}, []string{record.Governor, record.TurboOn, record.SMTOn}},
		"cloud":              {record.Environment{Virtualization: "Amazon EC2, docker"}, []string{record.VirtualMachine}},
	} {
		// No /proc is there, so that nothing is seen to compute.
		if got := codes(environment.Conditions(context.Background(), t.TempDir(), tt.machine)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, expected %v", name, got, tt.want)
		}
	}
}

func TestBusyMachineIsSeen(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // something that computes, for as long as is looked
		for ctx.Err() == nil {
		}
	}()
	got := codes(environment.Conditions(ctx, "/", record.Environment{LogicalCPUs: 2}))
	if !slices.Contains(got, record.BusyMachine) {
		t.Errorf("a machine with a busy loop has the conditions %v", got)
	}
}
