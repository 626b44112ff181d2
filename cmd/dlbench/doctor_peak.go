package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/runners/bench"
)

// peakFindings measure what devices reach at most. Later runs on the same CPUs
// know it.
func (p *program) peakFindings(c *cli.Context) ([]finding, error) {
	g := p.newProgress()
	defer g.End()
	setup, err := p.setup(c, g)
	if err != nil {
		return nil, err
	}
	peaks, err := bench.MeasurePeaks(c.Context, setup)
	if err != nil {
		return nil, err
	}
	var findings []finding
	for _, peak := range peaks.CPUs {
		findings = append(findings, peakFinding(fmt.Sprintf("peak of %d threads", peak.Threads), peak)...)
	}
	for _, index := range slices.Sorted(maps.Keys(peaks.Cards)) {
		findings = append(findings, peakFinding(fmt.Sprintf("peak of gpu:%d", index), *peaks.Cards[index])...)
	}
	for _, what := range slices.Sorted(maps.Keys(peaks.Missing)) {
		findings = append(findings, finding{What: what, State: "missing", Text: peaks.Missing[what]})
	}
	return findings, nil
}

// peakFinding is a line for each precision, and for the bandwidth.
func peakFinding(what string, peak record.Peak) []finding {
	var findings []finding
	for i, one := range peak.Products { // precision by precision
		words := fmt.Sprintf("%s GFLOP/s by %s", ranking.Figure(one.GFLOPS, 0), one.Words())
		if i > 0 && peak.Products[i-1].Precision == one.Precision {
			findings[len(findings)-1].Text += ", " + words
			continue
		}
		findings = append(findings, finding{What: what + " in " + one.Precision, State: "ok", Text: words})
	}
	if peak.BandwidthBytesPerSec > 0 {
		findings = append(findings, finding{What: what + ", memory", State: "ok", Text: ranking.Figure(peak.BandwidthBytesPerSec/1e9, 0) + " GB/s"})
	}
	for _, missing := range slices.Sorted(maps.Keys(peak.Missing)) {
		findings = append(findings, finding{What: what + " in " + missing, State: "missing", Text: peak.Missing[missing]})
	}
	return findings
}
