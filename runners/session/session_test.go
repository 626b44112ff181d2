package session_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/runners/session"
)

const hello = `{"protocol":1,"framework":"scripted"}`

// conversation answers each request by its line of the script: a result, or
// something that no runner should do.
func conversation(answers map[string]func(p *enginetest.Streams, id int64) *engine.Exit) enginetest.Script {
	return func(p *enginetest.Streams) engine.Exit {
		scanner := bufio.NewScanner(p.Stdin)
		for scanner.Scan() {
			var r protocol.Request
			if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
				fmt.Fprintln(p.Stderr, "broken request:", err)
				return engine.Exit{Code: 1}
			}
			answer, ok := answers[r.Request]
			switch {
			case ok:
				if exit := answer(p, r.ID); exit != nil {
					return *exit
				}
			case r.Request == protocol.Hello:
				result(hello)(p, r.ID)
			default:
				result("{}")(p, r.ID)
			}
			if r.Request == protocol.Bye {
				return engine.Exit{}
			}
		}
		return engine.Exit{}
	}
}

type answer = func(p *enginetest.Streams, id int64) *engine.Exit

func result(text string) answer {
	return func(p *enginetest.Streams, id int64) *engine.Exit {
		fmt.Fprintf(p.Stdout, `{"id":%d,"result":%s}`+"\n", id, text)
		return nil
	}
}

func raw(text string) answer {
	return func(p *enginetest.Streams, _ int64) *engine.Exit {
		_, _ = io.WriteString(p.Stdout, text)
		return nil
	}
}

func exit(e engine.Exit) answer {
	return func(p *enginetest.Streams, _ int64) *engine.Exit {
		fmt.Fprintln(p.Stderr, "noise")
		fmt.Fprintln(p.Stderr, "terminate called: bad thing")
		return &e
	}
}

func hang(p *enginetest.Streams, _ int64) *engine.Exit {
	<-p.Stop
	return &engine.Exit{Code: 143}
}

func open(t *testing.T, answers map[string]answer) (*session.Session, *enginetest.Fake, error) {
	t.Helper()
	fake := &enginetest.Fake{Scripts: map[string]enginetest.Script{"r": conversation(answers)}}
	s, err := session.Open(t.Context(), session.Config{Runner: "r", Engine: fake, Spec: engine.Spec{Command: []string{"r"}, MemoryBytes: 1 << 30},
		Deadlines: session.Deadlines{Hello: time.Second, Load: 200 * time.Millisecond, Verify: time.Second, Block: time.Second, Close: 300 * time.Millisecond}})
	return s, fake, err
}

func closed(t *testing.T, s *session.Session, fake *enginetest.Fake) {
	t.Helper()
	for range 2 { // closing twice is fine
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	for range 100 {
		if fake.Running() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a process is left")
}

func TestAConversation(t *testing.T) {
	s, fake, err := open(t, map[string]answer{
		"load":    result(`{"load_s":0.5,"parameters":7,"a later field":1}`),
		"warmup":  result(`{"iteration_ns":[5,4],"losses":[1.5]}`),
		"measure": result(`{"start_ns":10,"end_ns":30,"output_digest":"d"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Hello().Framework != "scripted" {
		t.Errorf("hello is %+v", s.Hello())
	}
	if r, err := s.Load(t.Context(), protocol.LoadParams{}); err != nil || r.Parameters != 7 {
		t.Errorf("load: %+v, %v", r, err)
	}
	if r, err := s.Warmup(t.Context(), protocol.WarmupParams{Iterations: 2}); err != nil || len(r.IterationNS) != 2 {
		t.Errorf("warmup: %+v, %v", r, err)
	}
	if r, err := s.Measure(t.Context(), protocol.MeasureParams{Scenario: protocol.Offline, Iterations: 2}); err != nil || r.EndNS != 30 {
		t.Errorf("measure: %+v, %v", r, err)
	}
	if err := s.Unload(t.Context()); err != nil {
		t.Error(err)
	}
	closed(t, s, fake)
}

// A device's events cannot run backwards.
func TestANegativeDeviceTimeIsAProtocolViolation(t *testing.T) {
	s, fake, err := open(t, map[string]answer{"measure": result(`{"start_ns":1,"end_ns":3,"device_ns":-2,"output_digest":"d"}`)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Measure(t.Context(), protocol.MeasureParams{Scenario: protocol.Offline, Iterations: 2})
	var failure *session.Failure
	if !errors.As(err, &failure) || failure.Kind != session.ProtocolViolation || !strings.Contains(err.Error(), "the device took -2 ns") {
		t.Errorf("it is %v", err)
	}
	closed(t, s, fake)
}

func TestARefusalLeavesTheSessionUsable(t *testing.T) {
	refusal := func(p *enginetest.Streams, id int64) *engine.Exit {
		fmt.Fprintf(p.Stdout, `{"id":%d,"error":{"code":"unsupported","message":"no LRN"}}`+"\n", id)
		return nil
	}
	s, fake, err := open(t, map[string]answer{"load": refusal})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Load(t.Context(), protocol.LoadParams{})
	var refused *protocol.Error
	if !errors.As(err, &refused) || refused.Code != protocol.Unsupported {
		t.Errorf("error is %v, want the refusal", err)
	}
	if err := s.Unload(t.Context()); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
	closed(t, s, fake)
}

// Every way to break is one failure with its kind, and nothing is left.
func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		load answer
		kind session.Kind
		says string
	}{
		"it hangs":              {hang, session.TimedOut, "no reply within 200ms"},
		"it exits":              {exit(engine.Exit{Code: 3}), session.Exited, "exit status 3"},
		"it crashes":            {exit(engine.Exit{Code: 139, Signal: "SIGSEGV"}), session.Exited, "SIGSEGV"},
		"it runs out of memory": {exit(engine.Exit{Code: 137, Signal: "SIGKILL", OOMKilled: true}), session.OutOfMemory, "memory limit of 1.0 GiB"},
		"it prints garbage":     {raw("Segmentation fault\n"), session.ProtocolViolation, "not a line of JSON"},
		"it answers another":    {raw(`{"id":99,"result":{}}` + "\n"), session.ProtocolViolation, "for request 99"},
		"it answers a number":   {result(`{"parameters":"many"}`), session.ProtocolViolation, "does not fit"},
		"it closes half way": {func(p *enginetest.Streams, _ int64) *engine.Exit {
			_, _ = io.WriteString(p.Stdout, `{"id":`)
			return &engine.Exit{Code: 1}
		}, session.ProtocolViolation, "not a line of JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			s, fake, err := open(t, map[string]answer{"load": test.load})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Load(t.Context(), protocol.LoadParams{})
			var failure *session.Failure
			if !errors.As(err, &failure) {
				t.Fatalf("error is %v, want a failure", err)
			}
			if failure.Kind != test.kind || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), `runner "r": load:`) {
				t.Errorf("it is %s: %v; want %s with %q", failure.Kind, err, test.kind, test.says)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the failure has several lines: %q", err)
			}
			if test.kind == session.Exited && !strings.Contains(err.Error(), "terminate called: bad thing") {
				t.Errorf("the end of its log is missing: %v", err)
			}
			if err := s.Unload(t.Context()); !errors.As(err, &failure) {
				t.Errorf("a broken session answers %v", err)
			}
			closed(t, s, fake)
		})
	}
}

func TestHelloFaults(t *testing.T) {
	for name, test := range map[string]struct {
		hello answer
		says  string
	}{
		"another protocol":    {result(`{"protocol":2}`), "it speaks protocol 2"},
		"it never says hello": {hang, "no reply within 1s"},
		"it ends at once":     {exit(engine.Exit{Code: 127}), "exit status 127"},
	} {
		t.Run(name, func(t *testing.T) {
			_, fake, err := open(t, map[string]answer{"hello": test.hello})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error is %v, want %q", err, test.says)
			}
			time.Sleep(50 * time.Millisecond)
			if n := fake.Running(); n != 0 {
				t.Errorf("%d processes are left", n)
			}
		})
	}
}

func TestResultsThatCannotBe(t *testing.T) {
	s, fake, err := open(t, map[string]answer{"warmup": result(`{"iteration_ns":[1]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Warmup(t.Context(), protocol.WarmupParams{Iterations: 2}); err == nil || !strings.Contains(err.Error(), "1 durations for 2 iterations") {
		t.Errorf("warmup: %v", err)
	}
	closed(t, s, fake)
	single := protocol.MeasureParams{Scenario: protocol.SingleStream, Iterations: 2}
	multi := protocol.MeasureParams{Scenario: protocol.MultiStream, Iterations: 4, QueryIterations: 2}
	server := protocol.MeasureParams{Scenario: protocol.Server, Iterations: 2, ArrivalNS: []int64{0, 1}}
	sliding := protocol.MeasureParams{Scenario: protocol.SlidingWindow, Iterations: 6, QueryIterations: 3, Window: &protocol.Window{Size: []int{8, 8}, Overlap: 0.5}}
	for answer, asked := range map[string]protocol.MeasureParams{
		`{"start_ns":5,"end_ns":5}`:                                  single,
		`{"start_ns":5,"end_ns":9,"iteration_ns":[1,2,3]}`:           single,
		`{"start_ns":5,"end_ns":9,"query_ns":[1,2,3,4]}`:             multi,
		`{"start_ns":5,"end_ns":9,"query_ns":[1,2]}`:                 server,
		`{"start_ns":5,"end_ns":9,"query_ns":[1]}`:                   sliding,
		`{"start_ns":5,"end_ns":9,"query_ns":[1,5]}`:                 sliding, // longer than the block
		`{"start_ns":5,"end_ns":9,"query_ns":[1,2],"lag_ns":[1]}`:    server,
		`{"start_ns":5,"end_ns":9,"query_ns":[1],"lag_ns":[1,2]}`:    server,
		`{"start_ns":5,"end_ns":9,"query_ns":[1,2],"lag_ns":[0,-1]}`: server, // issued before its time
	} {
		s, fake, err := open(t, map[string]func(*enginetest.Streams, int64) *engine.Exit{"measure": result(answer)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Measure(t.Context(), asked); err == nil {
			t.Errorf("the block %s is accepted", answer)
		}
		closed(t, s, fake)
	}
}

func TestCancelEndsAWait(t *testing.T) {
	s, fake, err := open(t, map[string]answer{"verify": hang})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Verify(ctx, protocol.VerifyParams{})
	var failure *session.Failure
	if !errors.As(err, &failure) || failure.Kind != session.Cancelled || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	closed(t, s, fake)
}

func TestAStartThatFails(t *testing.T) {
	_, err := session.Open(t.Context(), session.Config{Runner: "r", Engine: &enginetest.Fake{}, Spec: engine.Spec{Command: []string{"r"}}})
	var failure *session.Failure
	if !errors.As(err, &failure) || failure.Kind != session.NotStarted {
		t.Errorf("error is %v", err)
	}
}

func TestTurnsThatCannotBe(t *testing.T) {
	for answer, says := range map[string]string{
		`{"blocks":[{"start_ns":1,"end_ns":2},{"start_ns":3,"end_ns":4}]}`:                  "",
		`{"blocks":[{"start_ns":1,"end_ns":2}]}`:                                            `1 blocks for the order "rb"`,
		`{"blocks":[{"start_ns":1,"end_ns":4},{"start_ns":3,"end_ns":5}]}`:                  "block 1 is from 3 to 5 ns",
		`{"blocks":[{"start_ns":1,"end_ns":1},{"start_ns":3,"end_ns":5}]}`:                  "block 0 is from 1 to 1 ns",
		`{"blocks":[{"start_ns":-1,"end_ns":1},{"start_ns":3,"end_ns":5}]}`:                 "block 0 is from -1 to 1 ns",
		`{"blocks":[{"start_ns":1,"end_ns":2,"instructions":0},{"start_ns":3,"end_ns":5}]}`: "block 0 counted 0",
		`{"blocks":[{"start_ns":1,"end_ns":2,"cpu_ns":-3},{"start_ns":3,"end_ns":5}]}`:      "block 0 took -3 ns of CPU time",
		`{"blocks":[{"start_ns":1,"end_ns":2},{"start_ns":3,"end_ns":5,"cycles":-7}]}`:      "block 1 counted -7",
		`{"blocks":[{"start_ns":1,"end_ns":2,"cycles":4.5},{"start_ns":3,"end_ns":5}]}`:     "does not fit",
	} {
		s, fake, err := open(t, map[string]func(*enginetest.Streams, int64) *engine.Exit{"alternate": result(answer)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Alternate(t.Context(), protocol.AlternateParams{Order: "rb", Iterations: 1})
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, expected %q", answer, err, says)
		}
		closed(t, s, fake)
	}
}
