package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dlbench/dlbench/runners/presence"
)

// defaultLoading is how many images are loaded or pulled at once by all nodes: each
// reads all of an archive, and twelve that do would wait for one shared disk or for
// one registry.
const defaultLoading = 4

const loadingDir = "loading"

// Images is the directory of saved images that every node has to have; empty if
// images come from elsewhere.
func (e *Element) Images() string { return e.Plan.Images }

// Turn waits until fewer nodes load or pull images than may do so at once. What it
// returns gives the turn back; so does the end of the process.
func (e *Element) Turn(ctx context.Context, waits func(text string)) (release func() error, err error) {
	places := e.Plan.Loading
	if places < 1 {
		places = defaultLoading
	}
	dir := filepath.Join(e.Dir, loadingDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		for place := range places {
			// Beginning at different places, nodes do not all try the same one first.
			path := filepath.Join(dir, fmt.Sprint((place+e.Shard.Index)%places))
			release, err := presence.Exclusive(path)
			if !errors.Is(err, presence.ErrTaken) {
				return release, err
			}
		}
		if !told {
			waits(fmt.Sprintf("%d images are loaded or pulled on other nodes: waiting for one of them", places))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(soonest / 4):
		}
	}
}
