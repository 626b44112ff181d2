package names_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/names"
)

func TestNearest(t *testing.T) {
	networks := []string{"lenet", "resnet18", "resnet20", "resnet34", "resnet50", "resnet101", "resnet152"}
	for _, c := range []struct {
		name       string
		candidates []string
		want       []string
	}{
		{"resnet5", networks, []string{"resnet50", "resnet152", "resnet18"}},
		{"RESNET152", networks, []string{"resnet152", "resnet101", "resnet18"}},
		{"lennet", networks, []string{"lenet"}},
		{"lenet", networks, []string{"lenet"}},
		{"resnet05", networks, []string{"resnet50", "resnet101", "resnet152"}}, // a swap is one edit
		{"vgg16", networks, nil},
		{"", networks, nil},
		{"smok", []string{"smoke", "resnet"}, []string{"smoke"}},
		{"tens", []string{"pytorch", "tensorflow"}, []string{"tensorflow"}}, // as a beginning
		{"x", []string{"a", "b"}, []string{"a", "b"}},
		{"smoke", nil, nil},
		{strings.Repeat("x", 100_000), networks, nil},
	} {
		if got := names.Nearest(c.name, c.candidates); !slices.Equal(got, c.want) {
			t.Errorf("Nearest(%.20q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, c := range []struct {
		name  string
		known []string
		want  string
	}{
		{"smok", []string{"smoke", "resnet"}, `unknown suite "smok"; did you mean "smoke"?`},
		{"zzzzzzzz", []string{"smoke", "resnet"}, `unknown suite "zzzzzzzz"; there are "smoke", "resnet"`},
		{"zzzzzzzz", nil, `unknown suite "zzzzzzzz"; there are none`},
	} {
		err := fmt.Errorf("read: %w", names.Unknown("suite", c.name, c.known))
		if got := err.Error(); got != "read: "+c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		var unknown *names.UnknownError
		if !errors.As(err, &unknown) || unknown.Name != c.name || unknown.Kind != "suite" {
			t.Errorf("%#v", unknown)
		}
	}
}
