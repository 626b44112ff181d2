package parity

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

// A network that rounding alone moves beyond the tolerance is named as such, or
// people look for the fault in the framework.
func TestIllConditionedNetworksAreNamed(t *testing.T) {
	c := record.Check{Layer: "network", Name: "trajectory", Tensor: "trajectory", Value: 0.0016, Tolerance: 0.001, Spread: 0.0055}
	const told = "rounding noise moves the reference itself by 0.0055: the network is ill-conditioned"
	if got := describe(c); !strings.HasSuffix(got, told) {
		t.Errorf("%q, want it to end with %q", got, told)
	}
	c.Spread = 0.0005
	if got := describe(c); strings.Contains(got, "ill-conditioned") {
		t.Errorf("%q of a spread within the tolerance", got)
	}
}
