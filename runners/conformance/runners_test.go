package conformance_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/conformance"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
)

// The scripted runner ends when it hears what is not a request, which no runner
// may do, and stops when it is asked to.
func TestEveryRunnerIsAsked(t *testing.T) {
	t.Parallel()
	s := benchtest.New(t, map[string]enginetest.Runner{"a": {}, "b": {}})
	setup := s.Setup("lenet/infer/b2/fp32")
	setup.Manifests[2].Local = nil // b cannot be started here
	rows, err := conformance.Runners(t.Context(), setup)
	if err != nil || len(rows) != 1 || rows[0].Runner != "a" {
		t.Fatalf("%+v, %v", rows, err)
	}
	verdicts := map[string]string{}
	faults := 0
	for _, f := range rows[0].Findings {
		verdicts[f.Behaviour] = f.Fault
		if f.Fault != "" {
			faults++
		}
	}
	if rows[0].Faults() != faults || faults == 0 {
		t.Errorf("%d faults are counted, there are %d", rows[0].Faults(), faults)
	}
	for behaviour, want := range map[string]string{
		"refuses this is no JSON":              "it ended without an answer",
		"loads a workload":                     "not asked: the runner had stopped answering",
		"ends after bye with code 0":           "it ended with code 1",
		"the end of the input ends the runner": "", "it stops when it is asked to": "",
	} {
		if got, asked := verdicts[behaviour]; !asked || !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: %q (asked: %t), want %q", behaviour, got, asked, want)
		}
	}
	if !strings.Contains(s.Steps(), "protocol of a") {
		t.Errorf("steps are %q", s.Steps())
	}
}
