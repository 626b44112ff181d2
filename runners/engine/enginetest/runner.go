package enginetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Runner is a scripted runner: it speaks the protocol, computes nothing, and
// claims the times that it says. The zero value is an honest one.
type Runner struct {
	Hello     protocol.HelloResult
	Iteration time.Duration                        // 0 is a millisecond
	Fault     func(request string) *protocol.Error // instead of an answer; nil answers
	Exit      func(request string) *engine.Exit    // instead of an answer; nil goes on

	// Verify writes what is to be judged of the loaded plan, and Output the output
	// of a slot; a runner without them knows no such request.
	Verify func(p *plan.Plan, params protocol.VerifyParams) error
	Output func(p *plan.Plan, slot int, path string) error

	// Alternate is a block of a side, of so many iterations; a runner without it has
	// no bare loop in its process.
	Alternate func(side rune, iterations int) protocol.AlternateBlock

	clock int64
	plan  *plan.Plan
}

// Script plays the runner in a process of a Fake.
func (r Runner) Script(p *Streams) engine.Exit {
	if r.Iteration == 0 {
		r.Iteration = time.Millisecond
	}
	lines := make(chan []byte)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(p.Stdin)
		scanner.Buffer(nil, 64<<20)
		for scanner.Scan() {
			select {
			case lines <- slices.Clone(scanner.Bytes()):
			case <-p.Stop:
				return
			}
		}
	}()
	for {
		select {
		case line, more := <-lines:
			if !more {
				return engine.Exit{}
			}
			if exit := r.reply(p, line); exit != nil {
				return *exit
			}
		case <-p.Stop:
			return engine.Exit{Code: 143, Signal: "SIGTERM"}
		}
	}
}

// reply answers a line; an exit ends the runner.
func (r *Runner) reply(p *Streams, line []byte) *engine.Exit {
	var q protocol.Request
	if err := json.Unmarshal(line, &q); err != nil {
		fmt.Fprintln(p.Stderr, "broken request:", err)
		return &engine.Exit{Code: 1}
	}
	if r.Exit != nil {
		if exit := r.Exit(q.Request); exit != nil {
			return exit
		}
	}
	reply := protocol.Reply{ID: q.ID}
	if r.Fault != nil {
		reply.Error = r.Fault(q.Request)
	}
	if reply.Error == nil {
		reply.Result, reply.Error = r.answer(q)
	}
	text, err := json.Marshal(reply)
	if err != nil {
		return &engine.Exit{Code: 1}
	}
	if _, err := fmt.Fprintf(p.Stdout, "%s\n", text); err != nil || q.Request == protocol.Bye {
		return &engine.Exit{}
	}
	return nil
}

func (r *Runner) answer(q protocol.Request) (json.RawMessage, *protocol.Error) {
	var answer any = struct{}{}
	var err error
	switch q.Request {
	case protocol.Hello:
		answer = r.introduction()
	case protocol.Load:
		var p protocol.LoadParams
		err = json.Unmarshal(q.Params, &p)
		if err == nil {
			answer, err = r.load(p)
		}
	case protocol.Verify:
		var p protocol.VerifyParams
		err = json.Unmarshal(q.Params, &p)
		answer = protocol.VerifyResult{Output: p.Output}
		if p.Output = onHost(p.Output); err == nil && r.Verify != nil {
			err = r.Verify(r.plan, p)
		}
	case protocol.Warmup:
		var p protocol.WarmupParams
		err = json.Unmarshal(q.Params, &p)
		answer = r.warmup(p)
	case protocol.Measure:
		var p protocol.MeasureParams
		err = json.Unmarshal(q.Params, &p)
		if err == nil && p.Output != "" && r.Output != nil {
			err = r.Output(r.plan, (p.FirstSlot+p.Iterations-1)%r.plan.Slots, onHost(p.Output))
		}
		answer = r.measure(p)
	case protocol.Bare:
		answer = protocol.BareResult{LoadSeconds: 0.25}
		if r.Alternate == nil {
			return nil, &protocol.Error{Code: protocol.UnknownRequest, Message: q.Request}
		}
	case protocol.Alternate:
		var p protocol.AlternateParams
		err = json.Unmarshal(q.Params, &p)
		answer = r.alternate(p)
	case protocol.Unload, protocol.Bye:
	default:
		return nil, &protocol.Error{Code: protocol.UnknownRequest, Message: q.Request}
	}
	if err != nil {
		return nil, &protocol.Error{Code: protocol.BadRequest, Message: err.Error()}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, &protocol.Error{Code: protocol.Internal, Message: err.Error()}
	}
	return text, nil
}

// introduction is what the runner says of itself, with what every runner has to
// say.
func (r *Runner) introduction() protocol.HelloResult {
	h := r.Hello
	h.Protocol = protocol.Version
	if h.Framework == "" {
		h.Framework = "scripted"
	}
	if h.FrameworkVersion == "" {
		h.FrameworkVersion = "1"
	}
	if h.AdapterDigest == "" {
		h.AdapterDigest = "digest"
	}
	if h.Build == nil {
		h.Build = map[string]string{}
	}
	if h.Capabilities.RunningVariance == "" {
		h.Capabilities = protocol.Capabilities{Modes: []string{"infer", "train"}, Precisions: plan.Precisions(), RunningVariance: "unbiased", Noise: true}
	}
	if h.Terms.CPUs == nil {
		h.Terms.CPUs = []int{0}
	}
	if h.Terms.Switches == nil {
		h.Terms.Switches = map[string]string{}
	}
	return h
}

func (r *Runner) load(p protocol.LoadParams) (protocol.LoadResult, error) {
	var err error
	if r.plan, err = plan.Read(onHost(p.Plan)); err != nil {
		return protocol.LoadResult{}, err
	}
	counts, err := r.plan.Network.Counts()
	return protocol.LoadResult{LoadSeconds: 0.25, Parameters: counts.Parameters}, err
}

func (r *Runner) warmup(p protocol.WarmupParams) protocol.WarmupResult {
	w := protocol.WarmupResult{Losses: []float64{3, 2, 1}}
	for range p.Iterations {
		w.IterationNS = append(w.IterationNS, int64(r.Iteration))
	}
	return w
}

func (r *Runner) measure(p protocol.MeasureParams) protocol.MeasureResult {
	length := int64(p.Iterations) * int64(r.Iteration)
	m := protocol.MeasureResult{StartNS: r.clock, EndNS: r.clock + length, OutputDigest: "digest"}
	r.clock += length
	switch p.Scenario {
	case protocol.SingleStream:
		m.IterationNS = r.warmup(protocol.WarmupParams{Iterations: p.Iterations}).IterationNS
	case protocol.SlidingWindow:
		for range p.Iterations / p.QueryIterations {
			m.QueryNS = append(m.QueryNS, int64(p.QueryIterations)*int64(r.Iteration))
		}
	case protocol.TrainStep:
		loss := 1.0
		m.Loss = &loss
	}
	return m
}

// alternate puts the blocks one after the other.
func (r *Runner) alternate(p protocol.AlternateParams) protocol.AlternateResult {
	a := protocol.AlternateResult{NoCounters: "scripted without"}
	for _, side := range p.Order {
		b := r.Alternate(side, p.Iterations)
		length := b.EndNS - b.StartNS
		b.StartNS, b.EndNS = r.clock, r.clock+length
		r.clock += length
		if b.Instructions != nil {
			a.NoCounters = ""
		}
		a.Blocks = append(a.Blocks, b)
	}
	return a
}
