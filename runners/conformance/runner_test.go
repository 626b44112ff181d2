package conformance_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// runner speaks the whole protocol and computes constants. A test breaks it in
// one place.
type runner struct {
	parameters int64
	alter      func(protocol.Request, *protocol.Reply) // changes what it would answer
	code       int                                     // of its end after bye
	endsAt     string                                  // the request at which it ends
	prints     string                                  // a line of somebody else's before hello's reply

	greeted, loaded, trains bool
}

func refuse(code protocol.Code, format string, args ...any) *protocol.Error {
	return &protocol.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// script is one process, which may still end when the next one begins: each has a
// state of its own.
func (r runner) script(p *enginetest.Streams) engine.Exit {
	lines := make(chan []byte)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(p.Stdin); scanner.Scan(); {
			lines <- bytes.Clone(scanner.Bytes())
		}
	}()
	for {
		select {
		case <-p.Stop:
			return engine.Exit{Code: 143, Signal: "SIGTERM"}
		case line, more := <-lines:
			if !more {
				return engine.Exit{}
			}
			var request protocol.Request
			var reply protocol.Reply
			if err := json.Unmarshal(line, &request); err != nil || request.Request == "" {
				reply.Error = refuse(protocol.BadRequest, "%.40q is not a request", line)
			} else {
				if request.Request == r.endsAt {
					return engine.Exit{Code: 1}
				}
				reply = r.answer(request)
				if r.alter != nil {
					r.alter(request, &reply)
				}
				if request.Request == protocol.Hello && r.prints != "" {
					fmt.Fprintln(p.Stdout, r.prints)
				}
			}
			data, err := json.Marshal(reply)
			if err != nil {
				return engine.Exit{Code: 2}
			}
			fmt.Fprintf(p.Stdout, "%s\n", data)
			if request.Request == protocol.Bye {
				return engine.Exit{Code: r.code}
			}
		}
	}
}

func (r *runner) answer(request protocol.Request) protocol.Reply {
	result, refused := r.do(request)
	reply := protocol.Reply{ID: request.ID, Error: refused}
	if refused == nil {
		reply.Result, _ = json.Marshal(result)
	}
	return reply
}

func (r *runner) do(request protocol.Request) (any, *protocol.Error) {
	known := []string{protocol.Hello, protocol.Load, protocol.Verify, protocol.Warmup, protocol.Measure, protocol.Unload, protocol.Bye}
	switch {
	case !slices.Contains(known, request.Request):
		return nil, refuse(protocol.UnknownRequest, "%s", request.Request)
	case request.Request == protocol.Hello && r.greeted:
		return nil, refuse(protocol.BadRequest, "hello came twice")
	case request.Request == protocol.Hello:
		r.greeted = true
		return protocol.HelloResult{Protocol: 1, Framework: "constants", FrameworkVersion: "1", AdapterDigest: "d", PID: 1,
			Terms:        protocol.Terms{Threads: 1, CPUs: []int{0}, Layout: "NCHW", Execution: "none"},
			Capabilities: protocol.Capabilities{Operators: []string{"Conv", "Gemm"}, Modes: []string{"infer", "train"}, RunningVariance: "biased"}}, nil
	case !r.greeted:
		return nil, refuse(protocol.BadRequest, "%s before hello", request.Request)
	case request.Request == protocol.Bye:
		return struct{}{}, nil
	case request.Request == protocol.Load && r.loaded:
		return nil, refuse(protocol.BadRequest, "unload comes before another load")
	case request.Request == protocol.Load:
		return r.load(request.Params)
	case !r.loaded:
		return nil, refuse(protocol.BadRequest, "%s before load", request.Request)
	case request.Request == protocol.Unload:
		r.loaded = false
		return struct{}{}, nil
	case request.Request == protocol.Warmup:
		return r.warmup(request.Params)
	case request.Request == protocol.Measure:
		return r.measure(request.Params)
	}
	return r.verify(request.Params)
}

func (r *runner) load(raw json.RawMessage) (any, *protocol.Error) {
	var p protocol.LoadParams
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, refuse(protocol.BadRequest, "%v", err)
	}
	var plan struct {
		Mode string `json:"mode"`
	}
	data, err := os.ReadFile(p.Plan)
	if err == nil {
		err = json.Unmarshal(data, &plan)
	}
	if err != nil {
		return nil, refuse(protocol.BadInput, "%v", err)
	}
	for path, tensor := range map[string]string{p.Weights: "", p.Batch: "input.0"} {
		f, err := tensors.Open(path)
		if err != nil {
			return nil, refuse(protocol.BadInput, "%s: %v", filepath.Base(path), err)
		}
		if tensor != "" {
			_, err = f.Float32s(tensor)
		}
		_ = f.Close()
		if err != nil {
			return nil, refuse(protocol.BadInput, "%v", err)
		}
	}
	r.loaded, r.trains = true, plan.Mode == "train"
	return protocol.LoadResult{Parameters: r.parameters}, nil
}

func (r *runner) warmup(raw json.RawMessage) (any, *protocol.Error) {
	var p protocol.WarmupParams
	if err := json.Unmarshal(raw, &p); err != nil || p.Iterations <= 0 {
		return nil, refuse(protocol.BadRequest, "iterations: %d", p.Iterations)
	}
	result := protocol.WarmupResult{IterationNS: slices.Repeat([]int64{10}, p.Iterations)}
	if r.trains {
		result.Losses = trajectory()
	}
	return result, nil
}

func trajectory() []float64 { return []float64{1, 0.5, 0.25} }

// measure serves queries of a millisecond, each a microsecond late.
func (r *runner) measure(raw json.RawMessage) (any, *protocol.Error) {
	const start, service, lag = 1, 1e6, 1e3
	var p protocol.MeasureParams
	if err := json.Unmarshal(raw, &p); err != nil || p.Iterations <= 0 {
		return nil, refuse(protocol.BadRequest, "iterations: %d", p.Iterations)
	}
	m := protocol.MeasureResult{StartNS: start, EndNS: start + int64(p.Iterations)*service}
	switch p.Scenario {
	case protocol.Offline, protocol.TrainStep:
	case protocol.SingleStream:
		m.IterationNS = slices.Repeat([]int64{service}, p.Iterations)
	case protocol.MultiStream:
		if p.QueryIterations <= 0 || p.Iterations%p.QueryIterations != 0 {
			return nil, refuse(protocol.BadRequest, "query_iterations: %d of %d", p.QueryIterations, p.Iterations)
		}
		m.QueryNS = slices.Repeat([]int64{service * int64(p.QueryIterations)}, p.Iterations/p.QueryIterations)
	case protocol.Server:
		if len(p.ArrivalNS) != p.Iterations || !slices.IsSorted(p.ArrivalNS) {
			return nil, refuse(protocol.BadRequest, "arrival_ns: %v", p.ArrivalNS)
		}
		free := int64(0)
		for _, due := range p.ArrivalNS {
			free = max(due, free) + lag + service
			m.QueryNS, m.LagNS = append(m.QueryNS, free-due), append(m.LagNS, lag)
		}
		m.EndNS = start + free
	case protocol.SlidingWindow:
		return nil, refuse(protocol.Unsupported, "a class for each image")
	default:
		return nil, refuse(protocol.BadRequest, "scenario %q", p.Scenario)
	}
	values := []float32{1, 2}
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	sum := sha256.Sum256(data)
	m.OutputDigest = hex.EncodeToString(sum[:])
	if p.Output != "" {
		_, err := tensors.Write(p.Output, []tensors.Tensor{{Name: "output", Shape: []int{2}, Floats: func() ([]float32, error) { return values, nil }}})
		if err != nil {
			return nil, refuse(protocol.Internal, "%v", err)
		}
	}
	return m, nil
}

func (r *runner) verify(raw json.RawMessage) (any, *protocol.Error) {
	var p protocol.VerifyParams
	err := json.Unmarshal(raw, &p)
	if err == nil {
		_, err = tensors.Write(p.Output, []tensors.Tensor{{Name: "trajectory", Shape: []int{3}, Doubles: func() ([]float64, error) { return trajectory(), nil }}})
	}
	if err != nil {
		return nil, refuse(protocol.Internal, "%v", err)
	}
	return protocol.VerifyResult{Output: p.Output}, nil
}
