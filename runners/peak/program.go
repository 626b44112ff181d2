package peak

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// Program is a started one that prints what its products reach.
type Program interface {
	Stdin() io.WriteCloser
	Stdout() io.Reader
	Stderr() io.Reader
	Close(ctx context.Context) error
}

// patience is how long a library may take. The program gives a size half a
// second; the rest is for imports, and for compilers.
const patience = 2 * time.Minute

// answer is a line of the program.
type answer struct {
	Precision string  `json:"precision"`
	Library   string  `json:"library"`
	FLOPS     float64 `json:"flops"`
	Rows      int     `json:"rows"`
	Bytes     float64 `json:"bytes_per_s"`
	Missing   string  `json:"missing"`
}

// found is what one library reached, or why it did not.
type found struct {
	Products  []record.PeakProduct `json:"products"`
	Bandwidth float64              `json:"bandwidth_bytes_per_s,omitempty"` // of a card's memory
	Missing   map[string]string    `json:"missing,omitempty"`               // precision → why
	Busy      bool                 `json:"busy,omitempty"`                  // others computed meanwhile
}

// and is the best of what was found twice. It is disturbed if the first was, or if
// something of the second counts.
func (f found) and(later found) found {
	both := found{Bandwidth: max(f.Bandwidth, later.Bandwidth), Busy: f.Busy || later.Bandwidth > f.Bandwidth, Missing: map[string]string{}}
	all := record.Peak{Products: slices.Concat(f.Products, later.Products)}
	for i := range all.Products {
		one := &all.Products[i]
		if all.Best(one.Precision) != one {
			continue
		}
		both.Products = append(both.Products, *one)
		both.Busy = both.Busy || i >= len(f.Products)
	}
	for what, why := range later.Missing {
		if all.Best(what) == nil && (what != bandwidth || both.Bandwidth == 0) {
			both.Missing[what] = why
		}
	}
	return both
}

// listen reads the answers to their end.
func listen(ctx context.Context, p Program) (f found, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer func() { err = errors.Join(err, p.Close(context.WithoutCancel(ctx))) }()
	_ = p.Stdin().Close()
	type text struct {
		out, complaint []byte
		err            error
	}
	ended := make(chan text, 1)
	go func() {
		complaint := make(chan []byte, 1)
		go func() { complaint <- lastLine(p.Stderr()) }()
		out, err := io.ReadAll(io.LimitReader(p.Stdout(), 1<<20))
		ended <- text{out, <-complaint, err}
	}()
	select {
	case <-ctx.Done():
		return f, fmt.Errorf("it did not end within %s: %w", patience, context.Cause(ctx))
	case t := <-ended:
		if t.err != nil {
			return f, t.err
		}
		if f, err = parse(t.out); err != nil && len(t.complaint) > 0 {
			err = fmt.Errorf("%w: %s", err, t.complaint)
		}
		return f, err
	}
}

// lastLine reads to the end and keeps the last line that is not empty: of what
// Python complains of, the reason.
func lastLine(r io.Reader) (last []byte) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			last = line
		}
		if err != nil {
			return last
		}
	}
}

func parse(text []byte) (f found, err error) {
	f.Missing = map[string]string{}
	for line := range bytes.Lines(text) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			return f, fmt.Errorf("it says %q, expected a line of JSON: %w", strings.TrimSpace(string(line)), err)
		}
		switch {
		case a.Missing != "" && a.Precision == "":
			f.Missing[bandwidth] = a.Missing
		case a.Missing != "":
			f.Missing[a.Precision] = a.Missing
		case a.Precision == "" && positive(a.Bytes):
			f.Bandwidth = a.Bytes
		case a.Precision != "" && positive(a.FLOPS) && a.Rows > 0 && a.Library != "":
			f.Products = append(f.Products, record.PeakProduct{Precision: a.Precision, GFLOPS: a.FLOPS / 1e9, Library: a.Library, Rows: a.Rows})
		default:
			return f, fmt.Errorf("it says %q, which is no figure", strings.TrimSpace(string(line)))
		}
	}
	if len(f.Products)+len(f.Missing) == 0 {
		return f, errors.New("it told nothing")
	}
	return f, nil
}

func positive(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
