package enginetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
)

// Runner is a scripted runner: it speaks the protocol, computes nothing, and
// claims the times that it says. The zero value is an honest one.
type Runner struct {
	Hello     protocol.HelloResult
	Iteration time.Duration                        // 0 is a millisecond
	Fault     func(request string) *protocol.Error // instead of an answer; nil answers
	Exit      func(request string) *engine.Exit    // instead of an answer; nil goes on

	clock int64
}

// Script plays the runner in a process of a Fake.
func (r Runner) Script(p *Streams) engine.Exit {
	if r.Iteration == 0 {
		r.Iteration = time.Millisecond
	}
	lines := bufio.NewScanner(p.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var q protocol.Request
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			fmt.Fprintln(p.Stderr, "broken request:", err)
			return engine.Exit{Code: 1}
		}
		if r.Exit != nil {
			if exit := r.Exit(q.Request); exit != nil {
				return *exit
			}
		}
		reply := protocol.Reply{ID: q.ID}
		if r.Fault != nil {
			reply.Error = r.Fault(q.Request)
		}
		if reply.Error == nil {
			reply.Result, reply.Error = r.answer(q)
		}
		line, err := json.Marshal(reply)
		if err != nil {
			return engine.Exit{Code: 1}
		}
		if _, err := fmt.Fprintf(p.Stdout, "%s\n", line); err != nil || q.Request == protocol.Bye {
			return engine.Exit{}
		}
	}
	return engine.Exit{}
}

func (r *Runner) answer(q protocol.Request) (json.RawMessage, *protocol.Error) {
	var answer any = struct{}{}
	var err error
	switch q.Request {
	case protocol.Hello:
		answer = r.introduction()
	case protocol.Load:
		answer = protocol.LoadResult{LoadSeconds: 0.25}
	case protocol.Warmup:
		var p protocol.WarmupParams
		err = json.Unmarshal(q.Params, &p)
		answer = r.warmup(p)
	case protocol.Measure:
		var p protocol.MeasureParams
		err = json.Unmarshal(q.Params, &p)
		answer = r.measure(p)
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
	if h.Terms.CPUs == nil {
		h.Terms.CPUs = []int{0}
	}
	if h.Terms.Switches == nil {
		h.Terms.Switches = map[string]string{}
	}
	return h
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
	case protocol.TrainStep:
		loss := 1.0
		m.Loss = &loss
	}
	return m
}
