// Package conformance asks a runner everything that the protocol says of it.
// Authors of a runner learn from it what is missing; every runner of dlbench's
// own has to pass.
package conformance

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Finding is one behaviour and what was wrong with it.
type Finding struct {
	Behaviour string `json:"behaviour"`
	Fault     string `json:"fault,omitempty"` // empty: it is as it should be
}

// Suite is a runner under test.
type Suite struct {
	Open       func(ctx context.Context) (*launch.Conversation, error)
	Hello      protocol.HelloParams
	Infer      plan.Files // of a small workload
	Train      plan.Files // the same network, trained
	Parameters int64      // elements of its trainable parameters
	Operators  []string   // that its manifest names; nil if it names none
	Modes      []string   // likewise
}

const (
	answerTime = 2 * time.Minute
	stopTime   = 10 * time.Second
)

// Run asks everything. An error is the harness's; faults of the runner are
// findings.
func (s Suite) Run(ctx context.Context) ([]Finding, error) {
	var findings []Finding
	for _, part := range []struct {
		name string
		run  func(ctx context.Context, t *exchange)
	}{
		{"session", s.session},
		{"the end of the input ends the runner", endOfInput},
		{"it stops when it is asked to", stops},
	} {
		c, err := s.Open(ctx)
		if err != nil {
			return findings, err
		}
		t := newExchange(c)
		part.run(ctx, t)
		if len(t.findings) == 0 {
			t.found(part.name, nil)
		}
		findings = append(findings, t.findings...)
		if err := c.Close(context.WithoutCancel(ctx)); err != nil {
			return findings, err
		}
	}
	return findings, ctx.Err()
}

// exchange is a conversation with its findings.
type exchange struct {
	*launch.Conversation
	lines    chan string
	id       int64
	findings []Finding
	broken   bool // no answer came: the rest would only repeat it
}

func newExchange(c *launch.Conversation) *exchange {
	t := &exchange{Conversation: c, lines: make(chan string)}
	go func() {
		defer close(t.lines)
		scanner := bufio.NewScanner(c.Stdout())
		scanner.Buffer(nil, 64<<20)
		for scanner.Scan() {
			t.lines <- scanner.Text()
		}
	}()
	return t
}

func (t *exchange) found(behaviour string, err error) {
	f := Finding{Behaviour: behaviour}
	if err != nil {
		f.Fault = err.Error()
	}
	t.findings = append(t.findings, f)
}

// line sends one line and returns the reply to it.
func (t *exchange) line(ctx context.Context, text string) (reply protocol.Reply, err error) {
	if t.broken {
		return reply, errors.New("not asked: the runner had stopped answering")
	}
	if _, err := io.WriteString(t.Stdin(), text+"\n"); err != nil {
		t.broken = true
		return reply, fmt.Errorf("it does not read: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	select {
	case answer, ok := <-t.lines:
		if !ok {
			t.broken = true
			return reply, errors.New("it ended without an answer")
		}
		if err := json.Unmarshal([]byte(answer), &reply); err != nil {
			return reply, fmt.Errorf("the reply is not JSON: %.120q", answer)
		}
		return reply, nil
	case <-ctx.Done():
		t.broken = true
		return reply, fmt.Errorf("no answer within %s", answerTime)
	}
}

// ask sends a request; the result goes into out, unless it is nil.
func (t *exchange) ask(ctx context.Context, request string, params, out any) error {
	t.id++
	line, err := json.Marshal(map[string]any{"id": t.id, "request": request, "params": params, "a_later_field": true})
	if err != nil {
		return err
	}
	reply, err := t.line(ctx, string(line))
	switch {
	case err != nil:
		return err
	case reply.ID != t.id:
		return fmt.Errorf("the reply has id %d, the request had %d", reply.ID, t.id)
	case reply.Error != nil:
		return reply.Error
	case out == nil:
		return nil
	}
	return json.Unmarshal(reply.Result, out)
}

// refuses wants an error of that code, whose message contains a word.
func (t *exchange) refuses(ctx context.Context, behaviour, request string, params any, code protocol.Code, word string) {
	t.found(behaviour, refusal(t.ask(ctx, request, params, nil), code, word))
}

func refusal(err error, code protocol.Code, word string) error {
	var refused *protocol.Error
	switch {
	case err == nil:
		return fmt.Errorf("it was accepted, expected the error %s", code)
	case !errors.As(err, &refused):
		return err
	case refused.Code != code:
		return fmt.Errorf("the error is %s (%s), expected %s", refused.Code, refused.Message, code)
	case !strings.Contains(refused.Message, word):
		return fmt.Errorf("the message %q does not name %q", refused.Message, word)
	}
	return nil
}

type object map[string]any

func (s Suite) session(ctx context.Context, t *exchange) {
	for _, line := range []string{`this is no JSON`, `[]`, `{"id": "x", "request": "hello"}`, `{"id": 1}`} {
		reply, err := t.line(ctx, line)
		if err == nil && reply.Error != nil {
			err = reply.Error
		}
		t.found("refuses "+line, refusal(err, protocol.BadRequest, ""))
	}
	t.refuses(ctx, "refuses requests that it does not know", "dance", nil, protocol.UnknownRequest, "dance")
	t.refuses(ctx, "wants hello first", protocol.Load, s.params(t, s.Infer), protocol.BadRequest, "")
	s.hello(ctx, t)
	t.refuses(ctx, "takes hello once", protocol.Hello, s.Hello, protocol.BadRequest, "")
	t.refuses(ctx, "wants load before warmup", protocol.Warmup, protocol.WarmupParams{Iterations: 1}, protocol.BadRequest, "")
	s.brokenFiles(ctx, t)
	s.infer(ctx, t)
	s.train(ctx, t)
	t.found("answers bye", t.ask(ctx, protocol.Bye, nil, nil))
	t.found("ends after bye with code 0", ended(ctx, t))
}

func (s Suite) params(t *exchange, f plan.Files) protocol.LoadParams {
	return protocol.LoadParams{Plan: t.Inside(f.Plan.Path), Weights: t.Inside(f.Weights.Path), Batch: t.Inside(f.Batch.Path)}
}

func (s Suite) hello(ctx context.Context, t *exchange) {
	var h protocol.HelloResult
	err := t.ask(ctx, protocol.Hello, s.Hello, &h)
	if err == nil {
		var missing []string
		for name, there := range map[string]bool{
			"framework": h.Framework != "", "framework_version": h.FrameworkVersion != "", "adapter_digest": h.AdapterDigest != "",
			"terms.threads": h.Terms.ThreadsConfirmed() || h.Terms.Switches["threads"] == protocol.Unconfirmed, "terms.cpus": len(h.Terms.CPUs) > 0, "terms.layout": h.Terms.Layout != "",
			"terms.execution": h.Terms.Execution != "", "capabilities.operators": len(h.Capabilities.Operators) > 0,
			"capabilities.modes": len(h.Capabilities.Modes) > 0, "pid": h.PID > 0,
			"capabilities.running_variance": h.Capabilities.RunningVariance == "biased" || h.Capabilities.RunningVariance == "unbiased",
		} {
			if !there {
				missing = append(missing, name)
			}
		}
		switch {
		case len(missing) > 0:
			err = fmt.Errorf("missing: %s", strings.Join(missing, ", "))
		case h.Protocol != protocol.Version:
			err = fmt.Errorf("protocol is %d, expected %d", h.Protocol, protocol.Version)
		default:
			err = cmp.Or(same("operator", s.Operators, h.Capabilities.Operators), same("mode", s.Modes, h.Capabilities.Modes))
		}
	}
	t.found("introduces itself", err)
}

// same compares what a runner says it has of a kind with its manifest, by which
// people are told before anything is built.
func same(kind string, named, said []string) error {
	if named == nil {
		return nil
	}
	for _, name := range named {
		if !slices.Contains(said, name) {
			return fmt.Errorf("its manifest names %s %s, capabilities.%ss does not", kind, name, kind)
		}
	}
	for _, name := range said {
		if !slices.Contains(named, name) {
			return fmt.Errorf("capabilities.%ss has %s, its manifest does not", kind, name)
		}
	}
	return nil
}

// brokenFiles gives it files that are missing, cut off or of other shapes.
func (s Suite) brokenFiles(ctx context.Context, t *exchange) {
	missing := s.params(t, s.Infer)
	missing.Weights = t.Inside(filepath.Join(t.Work, "nowhere.safetensors"))
	t.refuses(ctx, "names a file that is not there", protocol.Load, missing, protocol.BadInput, "nowhere")
	data, err := os.ReadFile(s.Infer.Weights.Path)
	cut := filepath.Join(t.Work, "cut.safetensors")
	if err == nil {
		err = os.WriteFile(cut, data[:len(data)/2], 0o644)
	}
	if err != nil {
		t.found("names a file that is cut off", err)
		return
	}
	params := s.params(t, s.Infer)
	params.Weights = t.Inside(cut)
	t.refuses(ctx, "names a file that is cut off", protocol.Load, params, protocol.BadInput, "cut")
	params = s.params(t, s.Infer)
	params.Batch = params.Weights
	t.refuses(ctx, "names a tensor that is missing", protocol.Load, params, protocol.BadInput, "input.0")
}

func (s Suite) infer(ctx context.Context, t *exchange) {
	var loaded protocol.LoadResult
	err := t.ask(ctx, protocol.Load, s.params(t, s.Infer), &loaded)
	if err == nil && loaded.Parameters != s.Parameters {
		err = fmt.Errorf("it counts %d parameters, expected %d", loaded.Parameters, s.Parameters)
	}
	t.found("loads a workload", err)
	t.refuses(ctx, "wants unload before another load", protocol.Load, s.params(t, s.Infer), protocol.BadRequest, "")
	var warm protocol.WarmupResult
	err = t.ask(ctx, protocol.Warmup, protocol.WarmupParams{Iterations: 3}, &warm)
	if err == nil && len(warm.IterationNS) != 3 {
		err = fmt.Errorf("it tells %d durations, expected 3", len(warm.IterationNS))
	}
	t.found("warms up", err)
	t.refuses(ctx, "refuses zero iterations", protocol.Measure, object{"scenario": "offline", "iterations": 0}, protocol.BadRequest, "iterations")
	t.refuses(ctx, "refuses scenarios that it does not know", protocol.Measure, object{"scenario": "dance", "iterations": 1}, protocol.BadRequest, "dance")
	before, err := t.block(ctx, protocol.Offline)
	t.found("measures a block, and what it computed", err)
	_, err = t.block(ctx, protocol.SingleStream)
	t.found("measures every iteration of a single stream", err)
	_, err = t.block(ctx, protocol.MultiStream)
	t.found("measures every query of a multi-stream", err)
	_, err = t.block(ctx, protocol.Server)
	t.found("serves queries by a schedule, none before its time", err)
	s.brokenQueries(ctx, t)
	t.refuses(ctx, "says that a classifier infers no volumes by patches", protocol.Measure, protocol.MeasureParams{Scenario: protocol.SlidingWindow, Iterations: 1, QueryIterations: 1,
		Window: &protocol.Window{Size: []int{56, 56}, Overlap: 0.5}}, protocol.Unsupported, "")
	verified := t.Inside(filepath.Join(t.Work, "verified.safetensors"))
	t.found("writes what is to be verified", t.ask(ctx, protocol.Verify, protocol.VerifyParams{Output: verified}, nil))
	after, err := t.block(ctx, protocol.Offline)
	if err == nil && before != after {
		err = errors.New("a block computed something else after verify than before")
	}
	t.found("is after verify as it was before", err)
	t.found("unloads", t.ask(ctx, protocol.Unload, nil, nil))
}

// train wants the losses of a fresh start to be those that verify wrote.
func (s Suite) train(ctx context.Context, t *exchange) {
	const behaviour = "trains from the same start after verify"
	err := t.ask(ctx, protocol.Load, s.params(t, s.Train), nil)
	var refused *protocol.Error
	if errors.As(err, &refused) && refused.Code == protocol.Unsupported {
		t.found("says why it cannot train", nil)
		return
	}
	path := filepath.Join(t.Work, "trained.safetensors")
	if err == nil {
		err = t.ask(ctx, protocol.Verify, protocol.VerifyParams{Output: t.Inside(path), Steps: 3, Gradients: true}, nil)
	}
	var warm protocol.WarmupResult
	if err == nil {
		err = t.ask(ctx, protocol.Warmup, protocol.WarmupParams{Iterations: 3}, &warm)
	}
	if err == nil {
		err = sameLosses(path, warm.Losses)
	}
	t.found(behaviour, err)
	t.found("unloads after training", t.ask(ctx, protocol.Unload, nil, nil))
}

func sameLosses(path string, losses []float64) (err error) {
	f, err := tensors.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	want, err := f.Float64s("trajectory")
	if err != nil {
		return err
	}
	if len(losses) != len(want) {
		return fmt.Errorf("warmup tells %d losses, verify wrote %d", len(losses), len(want))
	}
	for i, loss := range losses {
		if difference := loss/want[i] - 1; difference > 1e-4 || difference < -1e-4 {
			return fmt.Errorf("loss %d is %g, verify wrote %g", i, loss, want[i])
		}
	}
	return nil
}

func ended(ctx context.Context, t *exchange) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	exit, err := t.Wait(ctx)
	if err != nil {
		return fmt.Errorf("it has not ended within %s", stopTime)
	}
	if exit.Code != 0 {
		return fmt.Errorf("it ended with code %d %s", exit.Code, exit.Signal)
	}
	return nil
}

func endOfInput(ctx context.Context, t *exchange) {
	const behaviour = "the end of the input ends the runner"
	if err := t.Stdin().Close(); err != nil {
		t.found(behaviour, err)
		return
	}
	t.found(behaviour, ended(ctx, t))
}

// stops wants it to end by itself when asked, before it is killed.
func stops(ctx context.Context, t *exchange) {
	const behaviour = "it stops when it is asked to"
	if _, err := t.line(ctx, `{"id": 1, "request": "dance"}`); err != nil { // it is up
		t.found(behaviour, err)
		return
	}
	began := time.Now()
	err := t.Stop(ctx, stopTime)
	if err == nil && time.Since(began) >= stopTime {
		err = fmt.Errorf("it had to be killed after %s", stopTime)
	}
	t.found(behaviour, err)
}
