package nights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

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

// writeCheck writes the check into the night's directory, in every form.
func (n *night) writeCheck() error {
	for name, write := range map[string]func(io.Writer) error{
		"check.md": n.report.Markdown, "check.xml": n.report.JUnit, "check.html": n.report.HTML,
		"check.json": func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			encoder.SetIndent("", "  ")
			return encoder.Encode(n.report)
		},
	} {
		if err := reports.WriteFile(filepath.Join(n.dir(), name), write); err != nil {
			return fmt.Errorf("write the check: %w", err)
		}
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

// trends are those of the cells that this night measured; none when it came to
// no record.
func (n *night) trends(ctx context.Context) ([]*trend.Trend, error) {
	if n.Record == "" {
		return nil, nil
	}
	rec, err := summary.Read(filepath.Join(n.dir(), "result.json"))
	if err != nil {
		return nil, err
	}
	var all []*trend.Trend
	for _, cell := range rec.Cells {
		line := history.LineOf(rec, "", "")
		t, err := trend.Of(ctx, n.History, history.Series{Workload: cell.Workload, Runner: cell.Runner, Metric: history.Throughput, Line: &line}, trend.Level)
		if err != nil {
			return nil, err
		}
		if len(t.Lines) > 0 {
			all = append(all, t)
		}
	}
	return all, nil
}
