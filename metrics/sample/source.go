// Package sample watches a machine and a runner while it is measured: host CPU
// and memory, the runner's own CPU time, memory and throttling from its
// control group or its processes, and GPUs. What cannot be read is missing,
// with the reason; it is never 0.
package sample

import "time"

// Source is one thing that can be read again and again.
type Source interface {
	// Channels says what Read fills, in order. It never changes.
	Channels() []Channel
	// Read fills one reading a channel. It must not block for long, and does
	// not keep the slice.
	Read(into []Reading)
}

// Paced is a Source that is not read more often than its pace.
type Paced interface {
	Source
	Pace() time.Duration
}

// Channel is one figure of a source.
type Channel struct {
	Name string // of the series in the record
	Unit string
	Kind Kind
	// Scale turns a Rate's growth per nanosecond into the series' unit, and
	// multiplies the readings of the other kinds.
	Scale float64
	// Least is the shortest time that a Rate is made over: what a counter grew by
	// in less says more about when it is renewed than about its rate.
	Least time.Duration
}

// Kind says what a channel's readings become.
type Kind int

// The kinds of channels.
const (
	Level Kind = iota // a level is a series as it is
	Rate              // a counter becomes the series of its rate
	Total             // a counter becomes a series as it is
	Peak              // a high-water mark is kept as only its largest reading
)

// Reading is one figure, or the reason why there is none.
type Reading struct {
	Value float64
	Err   error
}
