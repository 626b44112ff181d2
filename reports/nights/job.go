package nights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/history"
)

// Job is a nightly job: it measures, keeps the records, holds each against its
// baseline, writes the pages and tells somebody if something is wrong. What
// measures and what an error means come from outside.
type Job struct {
	Dir          string // of the nights and their pages
	Suite        string // that directories are called after
	History      *history.History
	Nights       int      // whose directories are kept, the newest
	Records      int      // that are kept in the history, the newest
	Notification string   // a command for sh; empty tells nobody
	Environ      []string // of that command
	Now          func() time.Time

	// Measure leaves a result.json in a directory, or one for each part of the
	// night below it. What is said on the way goes to the log, which is nil if
	// somebody watches.
	Measure func(ctx context.Context, dir string, log io.Writer) ([]Part, error)
	// Judge holds a result against its baseline; it is one of so many of the night.
	// An error beside a report is of what could not be written.
	Judge   func(ctx context.Context, result string, of int, log io.Writer) (*gate.Report, error)
	Watched bool // somebody looks at a terminal

	// Verdict is the error that a check amounts to, and Exit the exit code of an
	// error.
	Verdict func(*gate.Report) error
	Exit    func(error) int
}

// UnusableError says that the directory of the nights cannot be used now, and
// what to do.
type UnusableError struct {
	Err  error
	Hint string
}

func (e *UnusableError) Error() string { return e.Err.Error() }
func (e *UnusableError) Unwrap() error { return e.Err }

// The exit codes that a night's verdict turns on; docs/commands.md has them all.
const (
	exitRegressed = 3
	exitFailed    = 4
	exitUnjudged  = 5
)

// night is one run of the job.
type night struct {
	*Job
	Night
	parts []*part
}

// Run is one night: whatever ends it is told.
func (j *Job) Run(ctx context.Context) (Night, error) {
	n := &night{Job: j, Night: Night{Began: j.Now().UTC(), Suite: j.Suite}}
	n.Name = n.Began.Format("20060102-150405") + "-" + j.Suite
	unlock, err := j.lock(n.Began)
	if err == nil {
		err = errors.Join(n.inTurn(ctx), unlock())
	}
	if err != nil {
		err = errors.Join(err, n.notify(ctx, err))
	}
	return n.Night, err
}

// dir is where this night's files lie.
func (n *night) dir() string { return filepath.Join(n.Dir, "nights", n.Name) }

// inTurn measures, stores, judges, writes the pages and rotates. Whether its files
// can be written is found out first: in the morning is too late.
func (n *night) inTurn(ctx context.Context) error {
	if err := tryDirectory(n.dir()); err != nil {
		return &UnusableError{fmt.Errorf("the night's directory %s: %w", n.dir(), err), "make room, or give another --dir"}
	}
	if err := n.History.Writable(); err != nil {
		return &UnusableError{err, "make room, or give another --history"}
	}
	log, closeLog, err := n.log()
	if err != nil {
		return err
	}
	err = n.worst(n.judged(ctx, log))
	n.Ended = n.Now().UTC()
	if err != nil {
		n.Night.Exit = n.Job.Exit(err)
		n.Headline = oneLine(err.Error())
	} else {
		n.Headline = n.good()
	}
	n.Parts = n.outcomes()
	return errors.Join(err, closeLog(), n.writeChecks(), Write(n.dir(), n.Night), n.pages(context.WithoutCancel(ctx)), Keep(filepath.Join(n.Dir, "nights"), n.Nights))
}

// log is where what is said goes if nobody watches.
func (n *night) log() (io.Writer, func() error, error) {
	if n.Watched {
		return nil, func() error { return nil }, nil
	}
	f, err := os.OpenFile(filepath.Join(n.dir(), "night.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

// judged measures, keeps the records and holds each against its baseline. All that
// went wrong is returned; what cannot be written hides no verdict.
func (n *night) judged(ctx context.Context, log io.Writer) (measured, judged error) {
	parts, measured := n.Measure(ctx, n.dir(), log)
	records, unread := n.take(parts)
	if records == 0 || ctx.Err() != nil {
		if measured == nil {
			measured = unread
		}
		return measured, nil
	}
	unkept := n.keep(ctx)
	late := n.judge(ctx, log)
	if measured == nil {
		measured = n.unjudged()
	}
	if n.Job.Exit(measured) == exitFailed && n.noNews() {
		measured = nil // cells that failed in the baseline, too: no news
	}
	if late = errors.Join(unread, unkept, late); late == nil && n.judgedAny() {
		_, late = n.History.Keep(ctx, n.Records)
	}
	return errors.Join(measured, late), n.wrong()
}

// worst puts a regression first, so that the exit code is its.
func (n *night) worst(measured, judged error) error {
	if judged != nil && n.Job.Exit(judged) == exitRegressed {
		return errors.Join(judged, measured)
	}
	return errors.Join(measured, judged)
}
