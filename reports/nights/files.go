package nights

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/trend"
)

// tryDirectory makes a directory and finds out whether a file of it can be written.
func tryDirectory(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return record.TryFolder(dir)
}

// writeCheck writes a part's check into its directory, in every form.
func (p *part) writeCheck() error {
	for name, write := range map[string]func(io.Writer) error{
		"check.md": p.report.Markdown, "check.xml": p.report.JUnit, "check.html": p.report.HTML,
		"check.json": func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			encoder.SetIndent("", "  ")
			return encoder.Encode(p.report)
		},
	} {
		if err := reports.WriteFile(filepath.Join(p.Dir, name), write); err != nil {
			return fmt.Errorf("write the check: %w", err)
		}
	}
	return nil
}

// writeChecks writes the list of the parts' checks; a night that is one has its own.
func (n *night) writeChecks() error {
	if len(n.Parts) == 0 {
		return nil
	}
	err := reports.WriteFile(filepath.Join(n.dir(), "check.html"), func(w io.Writer) error { return partsPage(w, n.Night) })
	if err != nil {
		return fmt.Errorf("write the list of checks: %w", err)
	}
	return nil
}

// pages writes the list of nights and the trends of every cell.
func (n *night) pages(ctx context.Context) error {
	trends, err := n.trends(ctx)
	if err != nil {
		return err
	}
	if len(trends) > 0 {
		err = reports.WriteFile(filepath.Join(n.Dir, "trends.html"), func(w io.Writer) error { return trend.Render(w, trends...) })
	}
	all, listErr := Read(filepath.Join(n.Dir, "nights"))
	if err = errors.Join(err, listErr); err != nil {
		return err
	}
	return reports.WriteFile(filepath.Join(n.Dir, "index.html"), func(w io.Writer) error { return Page(w, all, len(trends) > 0) })
}

// mostTrends is how many cells the page of trends has of a night of several parts:
// each asks the history, and of a thousand nodes nobody looks at all.
const mostTrends = 200

// trends are those of the cells that this night measured, first of the parts in
// which something is wrong; none when it came to no record.
func (n *night) trends(ctx context.Context) ([]*trend.Trend, error) {
	var all []*trend.Trend
	parts := slices.Clone(n.parts)
	slices.SortStableFunc(parts, func(a, b *part) int { return cmp.Compare(rank(a), rank(b)) })
	for _, p := range parts {
		if p.id == "" || len(parts) > 1 && len(all) >= mostTrends {
			continue
		}
		rec, err := summary.Read(p.result())
		if err != nil {
			return nil, err
		}
		line := history.LineOf(rec, "", "")
		for _, cell := range rec.Cells {
			t, err := trend.Of(ctx, n.History, history.Series{Workload: cell.Workload, Runner: cell.Runner, Metric: history.Throughput, Line: &line}, trend.Level)
			if err != nil {
				return nil, err
			}
			if len(t.Lines) > 0 {
				all = append(all, t)
			}
		}
	}
	return all, nil
}

// rank puts parts first in which something is wrong.
func rank(p *part) int {
	if p.wrong != nil {
		return 0
	}
	return 1
}
