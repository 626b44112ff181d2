package nights

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/ranking"
)

// Part is what one machine measured of a night: all of it, or a node of a cluster
// its share.
type Part struct {
	Name    string // like "shard 1 on n2"; empty if it is all of the night
	Dir     string // of its result.json, and of its check
	Missing string // why it has no whole record, if that is known
}

// Outcome is how a part of a night went.
type Outcome struct {
	Name     string   `json:"name"`
	Dir      string   `json:"dir"`      // below the night's directory
	Exit     int      `json:"exit"`     // that it would have been by itself
	Headline string   `json:"headline"` // in one line
	Record   string   `json:"record"`   // its ID in the history; empty when there is none
	Files    []string `json:"files"`    // that were written, for links
}

// part is a Part under way.
type part struct {
	Part
	status string       // of its record; empty if there is none
	id     string       // of its record in the history
	report *gate.Report // nil if it was not judged
	wrong  error        // what its check amounts to
}

func (p *part) result() string { return filepath.Join(p.Dir, "result.json") }

// about says which part an error is of.
func (p *part) about(err error) error {
	if err == nil || p.Name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", p.Name, err)
}

// take takes the parts that were measured, and says which of them cannot be read
// although nobody has said why.
func (n *night) take(parts []Part) (records int, unread error) {
	for _, one := range parts {
		p := &part{Part: one}
		n.parts = append(n.parts, p)
		rec, err := summary.Read(p.result())
		switch {
		case err == nil:
			p.status = rec.Status
			records++
		case one.Missing == "":
			unread = errors.Join(unread, p.about(err))
		}
	}
	if len(parts) == 0 {
		unread = errors.New("nothing was measured")
	}
	return records, unread
}

// addedAtOnce is how many records are added to the history together: all of them
// are in memory then.
const addedAtOnce = 16

// keep adds the records to the history.
func (n *night) keep(ctx context.Context) error {
	var kept []*part
	for _, p := range n.parts {
		if p.status != "" {
			kept = append(kept, p)
		}
	}
	for some := range slices.Chunk(kept, addedAtOnce) {
		var paths []string
		for _, p := range some {
			paths = append(paths, p.result())
		}
		added, err := n.History.Add(ctx, paths...)
		if err != nil {
			return err
		}
		for i, one := range added {
			some[i].id = one.ID
		}
	}
	if len(n.parts) == 1 {
		n.Record = n.parts[0].id
	}
	return nil
}

// judge holds every whole record against its baseline. What cannot be written
// hides no verdict.
func (n *night) judge(ctx context.Context, log io.Writer) (late error) {
	for _, p := range n.parts {
		if p.status != record.Complete {
			continue
		}
		var err error
		if p.report, err = n.Judge(ctx, p.result(), len(n.parts), log); p.report == nil {
			if p.wrong = p.about(err); ctx.Err() != nil {
				break // the others would say the same
			}
			continue
		}
		late = errors.Join(late, p.about(err), p.about(p.writeCheck()))
		p.wrong = p.about(n.Verdict(p.report))
	}
	return late
}

// unjudged names parts that were not judged although nothing seems to be wrong.
func (n *night) unjudged() (all error) {
	for _, p := range n.parts {
		if p.report == nil && p.wrong == nil {
			all = errors.Join(all, p.about(errors.New(p.incomplete())))
		}
	}
	return all
}

// incomplete is why a part was not judged.
func (p *part) incomplete() string {
	return cmp.Or(p.Missing, fmt.Sprintf("its record is %s: it was not judged", cmp.Or(p.status, "missing")))
}

// judgedAny says whether a part was judged.
func (n *night) judgedAny() bool {
	return slices.ContainsFunc(n.parts, func(p *part) bool { return p.report != nil })
}

// noNews says whether each part was held against an earlier record and is not worse.
func (n *night) noNews() bool {
	return !slices.ContainsFunc(n.parts, func(p *part) bool { return p.report == nil || p.report.Baseline == nil || p.report.Regressed })
}

// mostWrong is how many parts an error names.
const mostWrong = 10

// wrong is what the checks of all parts amount to, what got slower first.
func (n *night) wrong() error {
	var slower, others []error
	for _, p := range n.parts {
		switch {
		case p.wrong == nil:
		case n.Job.Exit(p.wrong) == exitRegressed:
			slower = append(slower, p.wrong)
		default:
			others = append(others, p.wrong)
		}
	}
	all := slices.Concat(slower, others)
	if more := len(all) - mostWrong; more > 0 {
		all = append(all[:mostWrong], fmt.Errorf("and %d more of %d parts, which check.html and night.json name", more, len(n.parts)))
	}
	return errors.Join(all...)
}

// good is the headline of a night in which nothing is wrong.
func (n *night) good() string {
	if len(n.parts) == 1 {
		return n.parts[0].report.Headline()
	}
	judged, undecided := 0, 0
	var suspects []string
	for _, p := range n.parts {
		judged, undecided = judged+p.report.Counts.Judged, undecided+p.report.Counts.Undecided
		if slices.ContainsFunc(p.report.Findings, func(f gate.Finding) bool { return f.Kind == gate.Suspicious }) {
			suspects = append(suspects, p.Name+": "+p.report.Headline())
		}
	}
	text := fmt.Sprintf("nothing got slower in %s, cells judged: %d", ranking.Count(len(n.parts), "part"), judged)
	if undecided > 0 {
		text += fmt.Sprintf(", undecided: %d", undecided)
	}
	if len(suspects) > 0 {
		text += "; " + ranking.Some(suspects, 3)
	}
	return text
}

// outcomes are how the parts went; none of a night that is one.
func (n *night) outcomes() []Outcome {
	if len(n.parts) < 2 && !slices.ContainsFunc(n.parts, func(p *part) bool { return p.Name != "" }) {
		return nil
	}
	var all []Outcome
	for _, p := range n.parts {
		dir, err := filepath.Rel(n.dir(), p.Dir)
		if err != nil {
			dir = p.Dir
		}
		o := Outcome{Name: p.Name, Dir: filepath.ToSlash(dir), Record: p.id, Files: present(p.Dir)}
		switch {
		case p.wrong != nil:
			o.Exit, o.Headline = n.Job.Exit(p.wrong), oneLine(strings.TrimPrefix(p.wrong.Error(), p.Name+": "))
		case p.report == nil:
			o.Exit, o.Headline = exitUnjudged, oneLine(p.incomplete())
		default:
			o.Headline = p.report.Headline()
		}
		all = append(all, o)
	}
	return all
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
