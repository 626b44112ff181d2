// Package session holds one conversation with one started runner: it sends
// requests, waits for replies no longer than a deadline, and turns every way
// in which a runner can break into one clear failure.
package session

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
)

// Config says what to start and how patient to be.
type Config struct {
	Runner    string
	Engine    engine.Engine
	Spec      engine.Spec
	Hello     protocol.HelloParams
	Log       io.Writer // gets the runner's standard error; may be nil
	Deadlines Deadlines
}

// Deadlines bound the wait for one reply. Zero values are replaced by
// DefaultDeadlines' ones.
type Deadlines struct {
	Hello  time.Duration // start and import
	Load   time.Duration
	Verify time.Duration
	Block  time.Duration // one warm-up or measurement
	Close  time.Duration
}

// DefaultDeadlines are generous: they catch a runner that hangs, not one that
// is slow.
var DefaultDeadlines = Deadlines{
	Hello:  3 * time.Minute,
	Load:   10 * time.Minute,
	Verify: 60 * time.Minute,
	Block:  20 * time.Minute,
	Close:  20 * time.Second,
}

func (d Deadlines) orDefault() Deadlines {
	pick := func(v, def time.Duration) time.Duration {
		if v > 0 {
			return v
		}
		return def
	}
	return Deadlines{
		Hello:  pick(d.Hello, DefaultDeadlines.Hello),
		Load:   pick(d.Load, DefaultDeadlines.Load),
		Verify: pick(d.Verify, DefaultDeadlines.Verify),
		Block:  pick(d.Block, DefaultDeadlines.Block),
		Close:  pick(d.Close, DefaultDeadlines.Close),
	}
}

// maxLine bounds a reply: the longest honest one holds a latency for each
// iteration of a block.
const maxLine = 64 << 20

// Session is an open conversation. Its methods are not safe for concurrent use.
type Session struct {
	cfg      Config
	process  engine.Process
	hello    protocol.HelloResult
	log      *tail
	lines    chan []byte
	readErr  error          // valid once lines is closed
	drained  sync.WaitGroup // the reader of replies
	logged   chan struct{}  // closed once the log has ended
	nextID   int64
	broken   *Failure
	startSec float64
}

// Open starts the runner and greets it.
func Open(ctx context.Context, cfg Config) (*Session, error) {
	cfg.Deadlines = cfg.Deadlines.orDefault()
	began := time.Now()
	process, err := cfg.Engine.Start(ctx, cfg.Spec)
	if err != nil {
		return nil, &Failure{Kind: NotStarted, Runner: cfg.Runner, Request: "start", Detail: err.Error(), Err: err}
	}
	s := &Session{cfg: cfg, process: process, log: &tail{sink: cfg.Log}, lines: make(chan []byte), logged: make(chan struct{})}
	s.drained.Add(1)
	go s.readReplies()
	go s.readLog()
	cfg.Hello.Protocol = protocol.Version
	if err := s.call(ctx, protocol.Hello, cfg.Deadlines.Hello, cfg.Hello, &s.hello); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	if s.hello.Protocol != protocol.Version {
		err := s.breakWith(ProtocolViolation, protocol.Hello, fmt.Sprintf("it speaks protocol %d, this dlbench %d", s.hello.Protocol, protocol.Version), nil)
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	s.startSec = time.Since(began).Seconds()
	return s, nil
}

// Refuse ends the session of a runner that is not what it should be.
func (s *Session) Refuse(ctx context.Context, kind Kind, why error) error {
	err := s.breakWith(kind, protocol.Hello, why.Error(), why)
	return errors.Join(err, s.Close(ctx))
}

// Hello is how the runner introduced itself.
func (s *Session) Hello() protocol.HelloResult { return s.hello }

// StartSeconds is the time from the engine's start to hello's reply.
func (s *Session) StartSeconds() float64 { return s.startSec }

// Identity tells the samplers what to meter.
func (s *Session) Identity() engine.Identity { return s.process.Identity() }

// Load makes the runner build a workload.
func (s *Session) Load(ctx context.Context, p protocol.LoadParams) (protocol.LoadResult, error) {
	var r protocol.LoadResult
	err := s.call(ctx, protocol.Load, s.cfg.Deadlines.Load, p, &r)
	return r, err
}

// Verify makes the runner write the tensors that parity judges.
func (s *Session) Verify(ctx context.Context, p protocol.VerifyParams) (protocol.VerifyResult, error) {
	var r protocol.VerifyResult
	err := s.call(ctx, protocol.Verify, s.cfg.Deadlines.Verify, p, &r)
	return r, err
}

// Warmup runs iterations, each complete before the next.
func (s *Session) Warmup(ctx context.Context, p protocol.WarmupParams) (protocol.WarmupResult, error) {
	var r protocol.WarmupResult
	if err := s.call(ctx, protocol.Warmup, s.cfg.Deadlines.Block, p, &r); err != nil {
		return r, err
	}
	if len(r.IterationNS) != p.Iterations {
		return r, s.breakWith(ProtocolViolation, protocol.Warmup, fmt.Sprintf("%d durations for %d iterations", len(r.IterationNS), p.Iterations), nil)
	}
	if fault := impossible("iteration", r.IterationNS, math.MaxInt64); fault != "" {
		return r, s.breakWith(ProtocolViolation, protocol.Warmup, fault, nil)
	}
	return r, nil
}

// Measure runs one block.
func (s *Session) Measure(ctx context.Context, p protocol.MeasureParams) (protocol.MeasureResult, error) {
	var r protocol.MeasureResult
	if err := s.call(ctx, protocol.Measure, s.cfg.Deadlines.Block, p, &r); err != nil {
		return r, err
	}
	if r.StartNS < 0 {
		return r, s.breakWith(ProtocolViolation, protocol.Measure, fmt.Sprintf("the block starts at %d ns, before the clock does", r.StartNS), nil)
	}
	if r.EndNS <= r.StartNS {
		return r, s.breakWith(ProtocolViolation, protocol.Measure, fmt.Sprintf("the block ends at %d ns, before its start at %d ns", r.EndNS, r.StartNS), nil)
	}
	if r.DeviceNS < 0 {
		return r, s.breakWith(ProtocolViolation, protocol.Measure, fmt.Sprintf("the device took %d ns for the block", r.DeviceNS), nil)
	}
	if fault := miscounted(p, r); fault != "" {
		return r, s.breakWith(ProtocolViolation, protocol.Measure, fault, nil)
	}
	return r, nil
}

// miscounted says how a block's times do not fit what was asked, if so.
func miscounted(p protocol.MeasureParams, r protocol.MeasureResult) string {
	switch p.Scenario {
	case protocol.SingleStream:
		if len(r.IterationNS) != p.Iterations {
			return fmt.Sprintf("%d latencies for %d iterations", len(r.IterationNS), p.Iterations)
		}
	case protocol.MultiStream, protocol.SlidingWindow:
		if queries := p.Iterations / p.QueryIterations; len(r.QueryNS) != queries {
			return fmt.Sprintf("%d latencies for %d queries", len(r.QueryNS), queries)
		}
	case protocol.Server:
		if len(r.QueryNS) != p.Iterations || len(r.LagNS) != p.Iterations {
			return fmt.Sprintf("%d latencies and %d lags for %d queries", len(r.QueryNS), len(r.LagNS), p.Iterations)
		}
		if early := slices.IndexFunc(r.LagNS, func(ns int64) bool { return ns < 0 }); early >= 0 {
			return fmt.Sprintf("query %d was issued %d ns before it was due", early, -r.LagNS[early])
		}
	}
	return cmp.Or(impossible("iteration", r.IterationNS, r.EndNS-r.StartNS), impossible("query", r.QueryNS, r.EndNS-r.StartNS), impossible("the lag of query", r.LagNS, r.EndNS-r.StartNS))
}

// impossible says which duration is negative, or longer than what it is a part of;
// nothing if none is.
func impossible(what string, ns []int64, most int64) string {
	if i := slices.IndexFunc(ns, func(d int64) bool { return d < 0 || d > most }); i >= 0 {
		return fmt.Sprintf("%s %d took %d ns, expected from 0 to the block's %d", what, i, ns[i], most)
	}
	return ""
}

// Unload makes the runner forget the workload.
func (s *Session) Unload(ctx context.Context) error {
	return s.call(ctx, protocol.Unload, s.cfg.Deadlines.Load, nil, nil)
}

// Close says bye if the runner still listens, and stops and removes the
// process in every case. It is idempotent.
func (s *Session) Close(ctx context.Context) error {
	if s.process == nil {
		return nil
	}
	if s.broken == nil && ctx.Err() == nil {
		_ = s.call(ctx, protocol.Bye, s.cfg.Deadlines.Close, nil, nil)
	}
	_ = s.process.Stdin().Close()
	grace := s.cfg.Deadlines.Close
	if s.broken != nil {
		grace = time.Second
	}
	if s.broken == nil {
		waitCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		_, _ = s.process.Wait(waitCtx)
		cancel()
	}
	err := s.process.Stop(context.WithoutCancel(ctx), grace)
	for range s.lines { // a chatty runner's reader waits for a listener
	}
	s.drained.Wait()
	s.settleLog()
	s.process = nil
	return err
}

// call sends one request and waits for its reply.
func (s *Session) call(ctx context.Context, request string, deadline time.Duration, params, result any) error {
	if s.broken != nil {
		return s.broken
	}
	if err := s.send(request, params); err != nil {
		return s.ended(ctx, request)
	}
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return s.breakWith(Cancelled, request, "stopped on request", ctx.Err())
	case <-timer.C:
		return s.breakWith(TimedOut, request, fmt.Sprintf("no reply within %s", deadline), nil)
	case line, ok := <-s.lines:
		if !ok {
			return s.ended(ctx, request)
		}
		return s.accept(request, line, result)
	}
}

func (s *Session) send(request string, params any) error {
	s.nextID++
	var raw json.RawMessage
	if params != nil {
		encoded, err := json.Marshal(params)
		if err != nil {
			return fmt.Errorf("encode %s: %w", request, err)
		}
		raw = encoded
	}
	line, err := json.Marshal(protocol.Request{ID: s.nextID, Request: request, Params: raw})
	if err != nil {
		return fmt.Errorf("encode %s: %w", request, err)
	}
	_, err = s.process.Stdin().Write(append(line, '\n'))
	return err
}

func (s *Session) accept(request string, line []byte, result any) error {
	var reply protocol.Reply
	if err := json.Unmarshal(line, &reply); err != nil {
		return s.breakWith(ProtocolViolation, request, fmt.Sprintf("the reply is not a line of JSON: %q", clip(line)), err)
	}
	if reply.ID != s.nextID {
		return s.breakWith(ProtocolViolation, request, fmt.Sprintf("the reply is for request %d, not %d: %q", reply.ID, s.nextID, clip(line)), nil)
	}
	if reply.Error != nil {
		return reply.Error
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(reply.Result, result); err != nil {
		return s.breakWith(ProtocolViolation, request, fmt.Sprintf("the result does not fit: %v", err), err)
	}
	return nil
}

// ended explains why the replies stopped.
func (s *Session) ended(ctx context.Context, request string) error {
	if ctx.Err() != nil {
		return s.breakWith(Cancelled, request, "stopped on request", ctx.Err())
	}
	if errors.Is(s.readErr, bufio.ErrTooLong) {
		return s.breakWith(ProtocolViolation, request, fmt.Sprintf("the reply is longer than %d MiB", maxLine>>20), s.readErr)
	}
	waitCtx, cancel := context.WithTimeout(ctx, s.cfg.Deadlines.Close)
	defer cancel()
	exit, err := s.process.Wait(waitCtx)
	if err != nil {
		return s.breakWith(Exited, request, "it closed its output without a reply", err)
	}
	s.settleLog()
	kind, text := describeExit(exit, s.cfg.Spec.MemoryBytes)
	return s.breakWith(kind, request, text, nil)
}

func (s *Session) breakWith(kind Kind, request, detail string, cause error) error {
	s.broken = &Failure{Kind: kind, Runner: s.cfg.Runner, Request: request, Detail: detail, LogTail: s.log.String(), Err: cause}
	return s.broken
}

func (s *Session) readReplies() {
	defer s.drained.Done()
	scanner := bufio.NewScanner(s.process.Stdout())
	scanner.Buffer(make([]byte, 64<<10), maxLine)
	for scanner.Scan() {
		s.lines <- append([]byte(nil), scanner.Bytes()...)
	}
	s.readErr = scanner.Err()
	close(s.lines)
	// What follows an over-long line is drained, so that the runner does not block on it.
	_, _ = io.Copy(io.Discard, s.process.Stdout())
}

func (s *Session) readLog() {
	defer close(s.logged)
	_, _ = io.Copy(s.log, s.process.Stderr())
}

// settleLog gives the last words of a dead runner a moment to arrive; a
// grandchild that holds the pipe open must not hold the harness.
func (s *Session) settleLog() {
	select {
	case <-s.logged:
	case <-time.After(500 * time.Millisecond):
	}
}

func clip(line []byte) string {
	const most = 120
	if len(line) > most {
		return string(line[:most]) + "…"
	}
	return string(line)
}
