package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/cluster"
)

func (p *program) runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "verify the runners, measure them side by side, write the report",
		UsageText: "dlbench run --suite resnet [--workload ID] [--runner NAME] [--profile quick|report|gate]",
		Flags: append(append(append(setupFlags(), measureFlags()...), clusterFlags()...),
			&cli.StringFlag{Name: "out", Usage: "`DIR` for result.json, report.html, summary.md and logs"},
			&cli.StringFlag{Name: "resume", Usage: "go on with the interrupted run in `DIR`"},
			&cli.BoolFlag{Name: "no-verify", Usage: "skip parity; nothing is ranked"},
			detachFlag(),
			jsonFlag(),
		),
		Action: p.doRun,
	}
}

func (p *program) doRun(c *cli.Context) error {
	switch {
	case cluster.IsPlanned(c.String("resume")):
		return p.resumeOnCluster(c)
	case c.IsSet("cluster"):
		return p.runOnCluster(c)
	}
	if err := withoutCluster(c); err != nil {
		return err
	}
	asked := func() (bench.Options, error) { return p.runOptions(c.String("resume"), c.String("out"), suiteName(c)) }
	o, err := asked()
	if err != nil {
		return cmp.Or(underWay(cmp.Or(c.String("resume"), c.String("out"))), err)
	}
	g := p.newProgress()
	if err := p.readMeasure(c, g, &o); err != nil {
		return err
	}
	dir, err := claimRun(o.Dir, c.String("resume") != "" || c.String("out") != "")
	if err != nil {
		return err
	}
	defer dir.release()
	if dir.path == o.Dir { // whoever held the lock until now may have written a record
		if o, err = asked(); err != nil {
			return err
		}
		if err := p.readMeasure(c, g, &o); err != nil {
			return err
		}
	}
	o.Dir = dir.path
	if o.Resume == nil { // one that goes on says nothing of how long it takes
		o.Seen = p.seen(c.Context)
	}
	o.Asked = func() { g.Say("the report will be %s", filepath.Join(o.Dir, "report.html")) }
	o.Preview = func(rec *record.Record) { p.showPreview(g, rec) }
	rec, err := measure(c.Context, o)
	g.End()
	if rec == nil {
		return err
	}
	return errors.Join(p.showRun(o.Dir, rec, c.Bool("json")), err)
}

// runOptions are those of a new run in a directory that it finds a name for, or
// of one to go on with.
func (p *program) runOptions(resume, out, suite string) (bench.Options, error) {
	o := bench.Defaults()
	if resume != "" {
		old, err := record.Read(filepath.Join(resume, "result.json"))
		if err != nil {
			return o, usage(err)
		}
		if old.Status == record.Complete {
			return o, usage(fmt.Errorf("%s: the run is complete, there is nothing to go on with", resume))
		}
		o = bench.Resuming(old)
		o.Dir = resume
		return o, nil
	}
	if o.Dir = out; out == "" {
		o.Dir = filepath.Join("results", p.now().Format("20060102-150405")+"-"+suite)
	}
	if keptLink(o.Dir) {
		return o, usage(fmt.Errorf("--out %s: dlbench keeps this name as a link to the newest run: give another one", o.Dir))
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "result.json")); err == nil && out != "" {
		return o, usage(fmt.Errorf("%s holds a result already: give another --out, or --resume it", o.Dir))
	}
	return o, nil
}

// suiteName is what a run's directory is called after.
func suiteName(c *cli.Context) string {
	switch {
	case c.String("suite") != "":
		return filepath.Base(c.String("suite"))
	case len(c.StringSlice("workload")) > 0:
		return "custom"
	}
	return bench.DefaultSuite
}

// measure runs a campaign whose files lie in its directory.
func measure(ctx context.Context, o bench.Options) (*record.Record, error) {
	var unsaved error // by the last attempt
	o.Save = func(rec *record.Record) error {
		if unsaved = reports.Save(o.Dir, rec); unsaved != nil {
			unsaved = bench.EnvironmentError(fmt.Errorf("keep the run in %s: %w", o.Dir, unsaved), unsavedHint(o.Dir))
		}
		return unsaved
	}
	rec, err := bench.Run(ctx, o)
	if rec == nil || bench.KindOf(err) != bench.Interrupted {
		return rec, err
	}
	if unsaved != nil { // the error says so; an interruption is still what ended it
		return rec, &bench.Error{Kind: bench.Interrupted, Err: err, Hint: unsavedHint(o.Dir)}
	}
	return rec, &bench.Error{Kind: bench.Interrupted, Err: fmt.Errorf("%w; go on with dlbench run --resume %s", err, o.Dir)}
}

// unsavedHint is what to do about a run that could not be saved: what is there of
// it from earlier can go on.
func unsavedHint(dir string) string {
	if _, err := record.Read(filepath.Join(dir, "result.json")); err != nil {
		return "make room, or make the directory writable, or give another --out"
	}
	return "make room, or make the directory writable, then go on with dlbench run --resume " + dir
}

// showPreview prints what the first runners came to, as progress: it is no answer.
func (p *program) showPreview(g *progress, rec *record.Record) {
	var text strings.Builder
	if err := reports.Table(&text, rec, p.width); err != nil {
		return
	}
	g.Say("PREVIEW of the runners that are ready, one process each. They are measured again with all others, and nothing of this is kept.\n\n%s\nEND OF PREVIEW: the other images are built now",
		strings.TrimSpace(text.String()))
}

// showRun prints the answer: the table, or the record as JSON.
func (p *program) showRun(dir string, rec *record.Record, asJSON bool) error {
	if asJSON {
		return p.printJSON(rec)
	}
	if err := reports.Table(p.stdout, rec, p.width); err != nil {
		return err
	}
	if _, err := io.WriteString(p.stdout, "\n"); err != nil {
		return err
	}
	path := filepath.Join(dir, "result.json")
	if _, err := os.Stat(path); err == nil { // what could not be written is not announced
		if _, err := fmt.Fprintln(p.stdout, "record  "+path); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "report.html")); err == nil {
		return reports.Closing(p.stdout, rec, dir)
	}
	return nil
}
