package session_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/runners/session"
	"github.com/dlbench/dlbench/workloads/fuzztest"
)

// requests are those whose replies carry something.
var requests = []string{protocol.Hello, protocol.Load, protocol.Verify, protocol.Warmup, protocol.Measure}

// FuzzReply: whatever a runner says, the session goes on with a result that can
// be measured from, or ends in one of the two errors that its callers know.
func FuzzReply(f *testing.F) {
	f.Add(uint8(0), `{"id":1,"result":{"protocol":1,"framework":"a","terms":{"threads":2,"cpus":[0,1]},"build":{"a":"b"}}}`)
	f.Add(uint8(1), `{"id":2,"result":{"load_s":0.5,"parameters":10,"terms":{}}}`)
	f.Add(uint8(2), `{"id":2,"result":{"files":["a"],"loss":1.5}}`)
	f.Add(uint8(3), `{"id":2,"result":{"iteration_ns":[1,2,3]}}`)
	f.Add(uint8(4), `{"id":2,"result":{"start_ns":1,"end_ns":9,"iteration_ns":[1,2,3],"query_ns":[1,2,3],"lag_ns":[0,0,0],"device_ns":3,"output_digest":"d"}}`)
	f.Add(uint8(9), `{"id":2,"result":{"start_ns":1,"end_ns":9,"query_ns":[1,2,3],"lag_ns":[0,0,0]}}`)
	f.Add(uint8(1), `{"id":2,"error":{"code":"unsupported","message":"no"}}`)
	f.Add(uint8(3), `{"id":2,"result":{"iteration_ns":[1,-2,3]}}`)
	f.Add(uint8(4), `{"id":2,"result":{"start_ns":1,"end_ns":9,"iteration_ns":[1,2,30]}}`)
	f.Add(uint8(4), `{"id":2,"result":{"start_ns":-9223372036854775808,"end_ns":9223372036854775807,"iteration_ns":[1,2,3]}}`)
	f.Add(uint8(1), `{"id":1e99}`)
	f.Add(uint8(1), "null\n\n[]\n{\"id\":2}")
	f.Fuzz(func(t *testing.T, which uint8, reply string) {
		request := requests[int(which)%len(requests)]
		scenario := []protocol.Scenario{protocol.SingleStream, protocol.Server, protocol.MultiStream, protocol.Offline, protocol.SlidingWindow}[int(which)/len(requests)%5]
		fake := &enginetest.Fake{Scripts: map[string]enginetest.Script{"r": conversation(map[string]answer{request: raw(reply + "\n")})}}
		fuzztest.Bounded(t, len(reply), func() { hear(t, fake, request, scenario) })
	})
}

// hear opens a session and makes one request.
func hear(t *testing.T, fake *enginetest.Fake, request string, scenario protocol.Scenario) {
	patience := 100 * time.Millisecond
	s, err := session.Open(t.Context(), session.Config{Runner: "r", Engine: fake, Spec: engine.Spec{Command: []string{"r"}},
		Deadlines: session.Deadlines{Hello: patience, Load: patience, Verify: patience, Block: patience, Close: patience}})
	if err != nil {
		known(t, err)
		return
	}
	switch request {
	case protocol.Load:
		_, err = s.Load(t.Context(), protocol.LoadParams{})
	case protocol.Verify:
		_, err = s.Verify(t.Context(), protocol.VerifyParams{})
	case protocol.Warmup:
		var r protocol.WarmupResult
		if r, err = s.Warmup(t.Context(), protocol.WarmupParams{Iterations: 3}); err == nil {
			counted(t, r.IterationNS)
		}
	case protocol.Measure:
		var r protocol.MeasureResult
		if r, err = s.Measure(t.Context(), protocol.MeasureParams{Scenario: scenario, Iterations: 3, QueryIterations: 1}); err == nil {
			timed(t, scenario, r)
		}
	}
	known(t, err)
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
}

// known refuses errors that callers could not tell apart.
func known(t *testing.T, err error) {
	t.Helper()
	var broken *session.Failure
	var refused *protocol.Error
	if err != nil && !errors.As(err, &broken) && !errors.As(err, &refused) {
		t.Errorf("neither a failure of the session nor the runner's refusal: %v", err)
	}
}

func counted(t *testing.T, ns []int64) {
	t.Helper()
	if len(ns) != 3 || slices.Min(ns) < 0 {
		t.Errorf("%v are not three durations", ns)
	}
}

func timed(t *testing.T, scenario protocol.Scenario, r protocol.MeasureResult) {
	t.Helper()
	length := r.EndNS - r.StartNS
	if r.StartNS < 0 || length <= 0 || r.DeviceNS < 0 || slices.Max(append(slices.Concat(r.IterationNS, r.QueryNS, r.LagNS), 0)) > length {
		t.Errorf("a block from %d to %d, %d on the device", r.StartNS, r.EndNS, r.DeviceNS)
	}
	switch scenario {
	case protocol.SingleStream:
		counted(t, r.IterationNS)
	case protocol.MultiStream, protocol.SlidingWindow:
		counted(t, r.QueryNS)
	case protocol.Server:
		counted(t, r.QueryNS)
		counted(t, r.LagNS)
	}
}
