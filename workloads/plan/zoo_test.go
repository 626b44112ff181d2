package plan_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/dlbench/dlbench/workloads/zoo"
)

// The plans of the whole zoo stay what they are: a network that is drawn or
// described in another way is another network to compare results with.
func TestPlansOfTheZoo(t *testing.T) {
	var out bytes.Buffer
	for _, name := range zoo.Names() {
		digest, err := mustMake(t, name+"/train/b8/fp32", 1).Digest()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %s\n", digest, name)
	}
	golden(t, "testdata/zoo.golden", out.Bytes())
}
