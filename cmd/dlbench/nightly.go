package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/nights"
	"github.com/dlbench/dlbench/reports/trend"
	"github.com/dlbench/dlbench/runners/engine"
)

func (p *program) nightlyCommand() *cli.Command {
	return &cli.Command{
		Name:  "nightly",
		Usage: "run, check, store, write the pages; silent unless something is wrong",
		Flags: append(append(append(selectionFlags(), termFlags()...), measureFlags()...), append(checkFlags(),
			&cli.StringFlag{Name: "dir", Usage: "`DIR` of the nights and their pages (default: $XDG_DATA_HOME/dlbench/nightly or ~/.local/share/dlbench/nightly)"},
			&cli.StringFlag{Name: "notify", Usage: "`COMMAND` for sh, run when something is wrong: the summary is its standard input"},
			&cli.IntFlag{Name: "keep", Value: 30, Usage: "directories of `N` nights are kept, the newest"},
			&cli.IntFlag{Name: "keep-records", Value: 1000, Usage: "`N` records are kept in the history, the newest, and all baselines"},
		)...),
		Action: p.nightly,
	}
}

func (p *program) nightly(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage(fmt.Errorf("unexpected argument %q", c.Args().First()))
	}
	for _, name := range []string{"keep", "keep-records"} {
		if c.Int(name) < 1 {
			return usage(fmt.Errorf("--%s is %d, expected at least 1", name, c.Int(name)))
		}
	}
	n, err := p.newNight(c)
	if err != nil {
		return err
	}
	n.measure = func(ctx context.Context, quiet *program, dir string) error {
		_, err := quiet.campaign(ctx, c, dir, nil)
		return err
	}
	n.judge = func(ctx context.Context, quiet *program, result string) (*gate.Report, error) {
		return quiet.judge(ctx, c, result, filepath.Join(filepath.Dir(result), "check"))
	}
	return n.run(c.Context)
}

// night is one run of the nightly job.
type night struct {
	*program
	dir           string
	history       *history.History
	notification  string
	keep, records int
	suite         string
	measure       func(ctx context.Context, quiet *program, dir string) error
	judge         func(ctx context.Context, quiet *program, result string) (*gate.Report, error)

	nights.Night
	report *gate.Report
}

func (p *program) newNight(c *cli.Context) (*night, error) {
	n := &night{program: p, dir: c.String("dir"), notification: c.String("notify"), keep: c.Int("keep"), records: c.Int("keep-records"), suite: suiteOf(c)}
	var err error
	if n.dir == "" {
		if n.dir, err = p.dataDir("nightly"); err != nil {
			return nil, err
		}
	}
	n.history, err = p.historyAt(c.String("history"))
	return n, err
}

// suiteOf is what a run's directory is called after.
func suiteOf(c *cli.Context) string {
	switch {
	case c.String("suite") != "":
		return filepath.Base(c.String("suite"))
	case len(c.StringSlice("workload")) > 0:
		return "custom"
	}
	return defaultSuite
}

// run is the whole night: whatever ends it is told.
func (n *night) run(ctx context.Context) error {
	n.Began = n.now().UTC()
	n.Suite = n.suite
	n.Name = n.Began.Format("20060102-150405") + "-" + n.suite
	unlock, err := n.lock()
	if err == nil {
		err = n.locked(ctx)
		unlock()
	}
	if err == nil {
		if n.terminal {
			fmt.Fprintln(n.stderr, n.Headline)
		}
		return nil
	}
	return errors.Join(err, n.notify(ctx, err))
}

// nightDir is where this night's files lie.
func (n *night) nightDir() string { return filepath.Join(n.dir, "nights", n.Name) }

// lock keeps two nights from running at once. The kernel's lock goes with the
// process, so that a night which was killed locks nobody out.
func (n *night) lock() (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(n.dir, "nights"), 0o755); err != nil {
		return nil, lackingHere(fmt.Errorf("make the directory of the nights: %w", err), "give another --dir")
	}
	f, err := os.OpenFile(filepath.Join(n.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, lackingHere(fmt.Errorf("lock the nights: %w", err), "give another --dir")
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 200)) // it only names who
		_ = f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the nights: %w", err)
		}
		return nil, lackingHere(fmt.Errorf("another nightly is under way in %s (%s)", n.dir, strings.TrimSpace(string(holder))), "wait for it, or give it a --budget")
	}
	err = errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintf("process %d since %s\n", os.Getpid(), n.Began.Format(time.RFC3339))))
	return func() { _ = f.Close() }, err
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// locked measures, stores, judges, writes the pages and rotates.
func (n *night) locked(ctx context.Context) error {
	dir := n.nightDir()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	quiet, closeLog, err := n.quiet(dir)
	if err != nil {
		return err
	}
	defer closeLog()
	err = worst(n.judged(ctx, quiet, dir))
	n.Ended, n.Exit = n.now().UTC(), exitDone
	if err != nil {
		n.Exit = exitCode(err)
	}
	n.Headline = n.headline(err)
	return errors.Join(err, nights.Write(dir, n.Night), n.pages(context.WithoutCancel(ctx)), nights.Keep(filepath.Join(n.dir, "nights"), n.keep))
}

// quiet is the program with what it says going into the night's log, unless
// somebody is looking.
func (n *night) quiet(dir string) (*program, func(), error) {
	if n.terminal {
		return n.program, func() {}, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, "night.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, err
	}
	q := *n.program
	q.stdout, q.stderr = f, f
	return &q, func() { _ = f.Close() }, nil
}

// judged measures, keeps the record and holds it against its baseline. All that
// went wrong is returned.
func (n *night) judged(ctx context.Context, quiet *program, dir string) (measured, judged error) {
	measured = n.measure(ctx, quiet, dir)
	result := filepath.Join(dir, "result.json")
	rec, err := summary.Read(result)
	if err != nil || ctx.Err() != nil {
		if measured == nil {
			measured = err
		}
		return measured, nil
	}
	added, err := n.history.Add(ctx, result)
	if err != nil {
		return measured, err
	}
	n.Record = added[0].ID
	if rec.Status != record.Complete {
		return measured, nil
	}
	if n.report, err = n.judge(ctx, quiet, result); err != nil {
		return measured, err
	}
	for name, write := range map[string]func(io.Writer) error{"check.md": n.report.Markdown, "check.xml": n.report.JUnit, "check.html": n.report.HTML,
		"check.json": func(w io.Writer) error { return writeJSON(w, n.report) }} {
		if err := reports.WriteFile(filepath.Join(dir, name), write); err != nil {
			return measured, err
		}
	}
	if _, err := n.history.Keep(ctx, n.records); err != nil {
		return measured, err
	}
	if exitCode(measured) == exitFailed && n.report.Baseline != nil && !n.report.Regressed {
		measured = nil // cells that failed in the baseline, too: no news
	}
	return measured, checked(n.report)
}

// worst puts a regression first, so that the exit code is its.
func worst(measured, judged error) error {
	if judged != nil && exitCode(judged) == exitRegressed {
		return errors.Join(judged, measured)
	}
	return errors.Join(measured, judged)
}

// headline is the night in one line.
func (n *night) headline(err error) string {
	if err != nil {
		return strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return n.report.Headline()
}

// pages writes the list of nights and the trends of every cell.
func (n *night) pages(ctx context.Context) error {
	trends, err := n.trends(ctx)
	if err != nil {
		return err
	}
	if len(trends) > 0 {
		err = reports.WriteFile(filepath.Join(n.dir, "trends.html"), func(w io.Writer) error { return trend.Render(w, trends...) })
	}
	all, listErr := nights.Read(filepath.Join(n.dir, "nights"))
	if err = errors.Join(err, listErr); err != nil {
		return err
	}
	return reports.WriteFile(filepath.Join(n.dir, "index.html"), func(w io.Writer) error { return nights.Page(w, all, len(trends) > 0) })
}

// trends are those of the cells that this night measured; none when it came to
// no record.
func (n *night) trends(ctx context.Context) ([]*trend.Trend, error) {
	if n.Record == "" {
		return nil, nil
	}
	rec, err := summary.Read(filepath.Join(n.nightDir(), "result.json"))
	if err != nil {
		return nil, err
	}
	var all []*trend.Trend
	for _, cell := range rec.Cells {
		t, err := trend.Of(ctx, n.history, history.Series{Workload: cell.Workload, Runner: cell.Runner, Metric: history.Throughput, Host: rec.Environment.Host}, trend.Level)
		if err != nil {
			return nil, err
		}
		if len(t.Lines) > 0 {
			all = append(all, t)
		}
	}
	return all, nil
}

// notifyTime is what the user's command may take.
const notifyTime = time.Minute

// notify tells the user by their own command, also after an interruption.
func (n *night) notify(ctx context.Context, wrong error) error {
	if n.notification == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyTime)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-c", n.notification)
	command.SysProcAttr = engine.OwnGroup()
	command.Env = append(n.environ(), "DLBENCH_EXIT="+fmt.Sprint(exitCode(wrong)), "DLBENCH_NIGHT="+n.nightDir(),
		"DLBENCH_HEADLINE="+strings.ReplaceAll(wrong.Error(), "\n", "; "))
	command.Stdin = strings.NewReader(n.summary(wrong))
	command.WaitDelay = time.Second
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("--notify: %w: %s", err, lastLine(string(out)))
	}
	return nil
}

// summary is the notification's text.
func (n *night) summary(wrong error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "dlbench nightly, suite %s, %s, exit %d\n\n%s\n\n", n.Suite, n.Began.Format("2006-01-02 15:04 MST"), exitCode(wrong), wrong)
	if n.report != nil {
		_ = n.report.Markdown(&b) // a builder takes everything
	}
	fmt.Fprintf(&b, "files: %s\n", n.nightDir())
	return b.String()
}
