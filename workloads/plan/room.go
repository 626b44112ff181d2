package plan

import (
	"fmt"
	"path/filepath"

	"github.com/dustin/go-humanize"

	"github.com/dlbench/dlbench/workloads/disk"
)

// The files of a large batch are larger than many disks. A disk that fills half
// way through an evening ends a campaign, so that room is looked for first.

// NoRoomError refuses files that a disk has no room for.
type NoRoomError struct {
	Dir     string
	Free    int64  // bytes, for this user
	Missing int64  // bytes of all files that are not there yet
	Largest string // the workload whose files take most
	Batch   int64  // bytes of its batches
	Weights int64  // and of its weights
}

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("the workloads' files need %s of disk, and %s is free in %s; most is for %s: batches %s, weights %s",
		humanize.Bytes(uint64(e.Missing)), humanize.Bytes(uint64(e.Free)), e.Dir, e.Largest, humanize.Bytes(uint64(e.Batch)), humanize.Bytes(uint64(e.Weights)))
}

// Room refuses plans whose files are not under dir yet and do not fit on its
// disk, all of them together. Files that several plans share count once.
func Room(dir string, plans ...*Plan) error {
	e := needed(dir, plans...)
	var ok bool
	if _, e.Free, ok = disk.Free(dir); ok && e.Missing > e.Free {
		return e
	}
	return nil
}

// needed counts what is not there yet.
func needed(dir string, plans ...*Plan) *NoRoomError {
	e := &NoRoomError{Dir: dir}
	counted := map[string]bool{}
	missing := func(one part) (bytes int64) {
		path := filepath.Join(dir, one.name)
		if _, there := find(path); !there && !counted[path] {
			bytes = one.bytes
		}
		counted[path] = true
		return bytes
	}
	for _, p := range plans {
		_, batch, weights, err := p.parts()
		if err != nil {
			continue // Materialize says so
		}
		b, w := missing(batch), missing(weights)
		if e.Missing += b + w; b+w > e.Batch+e.Weights {
			e.Largest, e.Batch, e.Weights = p.Workload, b, w
		}
	}
	return e
}
