package bench

import (
	"context"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dlbench/dlbench/metrics/record"
)

// roomForTwo is the memory from which two runners are verified at once: the
// largest network of the zoo takes a runner 6 GB and the reference 8 GB.
const roomForTwo = 20 << 30

// verifiedAtOnce is how many runners are verified at the same time. Verifying
// is not timed, and most of it is imports and compilers that use one CPU. A GPU
// has one runner at a time: some frameworks take all of its memory.
func verifiedAtOnce(t record.Terms) int {
	if strings.HasPrefix(t.Device, "gpu") || t.MemoryBytes < roomForTwo*memoryShare {
		return 1
	}
	return min(2, runtime.GOMAXPROCS(0))
}

// byRunner does something for each of n cells: several runners at once, the
// cells of one runner after one another, in their order. The first error ends
// all.
func (b *Bench) byRunner(ctx context.Context, n int, runner func(i int) string, do func(ctx context.Context, i int) error) error {
	var names []string
	cells := map[string][]int{}
	for i := range n {
		name := runner(i)
		if cells[name] == nil {
			names = append(names, name)
		}
		cells[name] = append(cells[name], i)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(verifiedAtOnce(b.terms))
	for _, name := range names {
		group.Go(func() error {
			for _, i := range cells[name] {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
