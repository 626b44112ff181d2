package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// handOver begins what the finding about an engine and GPUs is called.
const handOver = "GPUs in "

// gpuFindings are the cards, their MIG instances, and which built-in runners
// can use them; one line if there is no card.
func gpuFindings(cards []device.Card, unreadable []*sample.CardError, absent error) ([]finding, error) {
	if absent != nil {
		return []finding{{What: "GPU", State: "missing", Text: absent.Error() + "; runners compute on CPUs", Remedy: bench.CardRemedy(absent)}}, nil
	}
	all, err := manifest.Builtin()
	if err != nil {
		return nil, err
	}
	findings := []finding{driverFinding(cards[0].GPU, all)}
	for _, card := range cards {
		text := fmt.Sprintf("%s, %s, compute capability %s, %s", card.Name, memoryOf(card.GPU), card.ComputeCapability, card.UUID)
		f := finding{What: fmt.Sprintf("GPU %d", card.Index), State: "ok", Text: text}
		if card.MIG {
			f.Text += ", split by MIG: " + strings.Join(instances(card), ", ")
		}
		if card.MIG && len(card.Instances) == 0 {
			f.State, f.Text, f.Remedy = "warning", text+", split by MIG, without an instance", "nvidia-smi mig -cgi, or nvidia-smi -mig 0"
		}
		findings = append(findings, f, runnersOn(card, all))
	}
	for _, card := range unreadable {
		findings = append(findings, finding{What: card.Card, State: "warning", Text: "cannot be used: " + card.Error(), Remedy: bench.CardRemedy(card)})
	}
	return findings, nil
}

func memoryOf(card record.GPU) string {
	if card.MemoryBytes == 0 {
		return "memory shared with the processor"
	}
	return table.Bytes(card.MemoryBytes)
}

// driverFinding says which builds the driver is too old for, if any.
func driverFinding(card record.GPU, all []manifest.Manifest) finding {
	f := finding{What: "GPU driver", State: "ok", Text: "NVIDIA " + card.Driver}
	if card.CUDA != "" {
		f.Text += ", for CUDA " + card.CUDA + " and older"
	}
	var names []string
	needed := 0
	for _, m := range all {
		if m.GPU == nil {
			continue
		}
		if least := m.GPU.DriverNeeded(manifest.CardOf(card)); least > 0 {
			names, needed = append(names, fmt.Sprintf("%s (CUDA %s)", m.Name, m.GPU.CUDA)), max(needed, least)
		}
	}
	if needed > 0 {
		f.State, f.Remedy = "warning", manifest.DriverHint(needed)
		f.Text += "; too old for the images of " + strings.Join(names, ", ")
	}
	return f
}

// instances are the names and UUIDs of a card's.
func instances(card device.Card) []string {
	var names []string
	for _, g := range card.Instances {
		names = append(names, fmt.Sprintf("gpu:%d (%s)", g.Index, g.UUID))
	}
	return names
}

// runnersOn tells which runners can use a card, and why the others cannot.
func runnersOn(card device.Card, all []manifest.Manifest) finding {
	var able, unfit []string
	for _, m := range all {
		if m.Reference {
			continue // it judges, on the CPU
		}
		if reason := m.UnfitFor(manifest.CardOf(card.GPU)); reason != "" {
			unfit = append(unfit, fmt.Sprintf("%s (%s)", m.Name, reason))
			continue
		}
		able = append(able, m.Name)
	}
	f := finding{What: fmt.Sprintf("runners on GPU %d", card.Index), State: "ok", Text: strings.Join(able, ", ")}
	if len(able) == 0 {
		f.State, f.Text = "warning", "none"
	}
	if len(unfit) > 0 {
		f.Text += "; not: " + strings.Join(unfit, ", ")
	}
	return f
}

// handOverFinding says whether containers of an engine can get the cards, or
// their instances.
func handOverFinding(ctx context.Context, command *engine.CLI, cards []device.Card) finding {
	var uuids []string
	for _, card := range cards {
		if !card.MIG {
			uuids = append(uuids, card.UUID)
		}
		for _, g := range card.Instances {
			uuids = append(uuids, g.UUID)
		}
	}
	if missing := command.MissingForGPUs(ctx, uuids...); missing != nil {
		return finding{What: handOver + command.Name(), State: "missing", Text: missing.Text, Remedy: missing.Hint}
	}
	return finding{What: handOver + command.Name(), State: "ok", Text: "it is set up to hand them to containers"}
}
