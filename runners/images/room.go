package images

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/workloads/disk"
)

// A disk that fills after three gigabytes were downloaded has cost a person half
// an hour, so what building takes is foreseen, directory by directory.

// Place is a directory that building needs room in.
type Place struct {
	What     string `json:"what"`
	Dir      string `json:"dir"`
	Variable string `json:"variable"` // that names another directory
	Bytes    int64  `json:"bytes"`    // that building takes at most at a time
	Free     int64  `json:"free"`
	Disk     string `json:"disk"`  // the same for directories on one disk
	Short    int64  `json:"short"` // bytes that are missing on that disk, for all directories on it
}

// Room is what building the missing images of runners takes, in every directory
// that it uses, and what is missing there. No places if nothing is to be built.
func (s *Store) Room(ctx context.Context, ms []manifest.Manifest) ([]Place, error) {
	order, err := Order(ms)
	if err != nil {
		return nil, err
	}
	var ordered []manifest.Manifest
	for _, i := range order {
		ordered = append(ordered, ms[i])
	}
	missing, err := s.missing(ctx, ordered)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	places := s.places(ctx)
	peak := peaks(missing, max(1, s.Jobs))
	for i := range places {
		places[i].Bytes = peak[i]
	}
	return foresee(places, disk.Free), nil
}

// places are the directories, in the order of peaks.
func (s *Store) places(ctx context.Context) []Place {
	root, variable := s.root(ctx)
	temporary := s.Getenv("TMPDIR")
	return []Place{
		{What: "image store", Dir: root, Variable: variable},
		{What: "commits", Dir: cmp.Or(temporary, "/var/tmp"), Variable: "TMPDIR"},
		{What: "bases", Dir: cmp.Or(temporary, "/tmp"), Variable: "TMPDIR"},
		{What: "contexts", Dir: s.Dir, Variable: "XDG_CACHE_HOME"},
	}
}

// root is where the engine keeps images, and what moves it.
func (s *Store) root(ctx context.Context) (dir, variable string) {
	format, otherwise, variable := "{{.Store.GraphRoot}}", "/var/lib/containers/storage", "graphroot in the file that CONTAINERS_STORAGE_CONF names"
	if s.CLI.Name() == "docker" {
		format, otherwise, variable = "{{.DockerRootDir}}", "/var/lib/docker", "data-root in /etc/docker/daemon.json"
	}
	dir, err := s.CLI.Output(ctx, "info", "--format", format)
	if err != nil || !filepath.IsAbs(dir) {
		dir = otherwise
	}
	return dir, variable
}

// peaks are the bytes that building layers in this order takes at most at a time
// in the image store, for commits, for bases and for contexts. A layer of n bytes
// is there twice while it is made, with what was downloaded for it, and twice
// more in the commit's directory; a base lies unpacked and packed beside that.
func peaks(layers []step, jobs int) (most [4]int64) {
	var done int64
	for i := range layers {
		now := [4]int64{done}
		for _, l := range layers[i:min(i+jobs, len(layers))] {
			n := l.DiskMB * 1e6
			now[0] += 2*n + l.DownloadMB*1e6
			now[1] += 2 * n
			if strings.HasPrefix(l.tag, basePrefix) {
				now[2] += n
				now[3] += n
			}
		}
		for k := range most {
			most[k] = max(most[k], now[k])
		}
		done += layers[i].DiskMB * 1e6
	}
	most[0] = max(most[0], done)
	return most
}

// foresee finds what is missing on each disk: directories on one disk share what
// is free there.
func foresee(places []Place, look func(dir string) (id string, free int64, ok bool)) []Place {
	needed := map[string]int64{}
	for i := range places {
		p := &places[i]
		if id, free, ok := look(p.Dir); ok {
			p.Disk, p.Free = id, free
			needed[id] += p.Bytes
		}
	}
	for i := range places {
		if p := &places[i]; p.Disk != "" { // else nothing is known
			p.Short = max(0, needed[p.Disk]-p.Free)
		}
	}
	return places
}

// Enough refuses to build what the disks have no room for, and says what to
// change.
func Enough(places []Place) error {
	var texts, moves []string
	for _, p := range places {
		if p.Short == 0 || p.Bytes == 0 {
			continue
		}
		texts = append(texts, fmt.Sprintf("%s for %s in %s", humanize.Bytes(uint64(p.Bytes)), p.What, p.Dir))
		if move := p.Variable; !slices.Contains(moves, move) {
			moves = append(moves, move)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	worst := slices.MaxFunc(places, func(a, b Place) int { return cmp.Compare(a.Short, b.Short) })
	return &engine.EnvironmentError{
		Text: fmt.Sprintf("building the images needs %s, and %s of that is missing: %s is free on the disk of %s", strings.Join(texts, ", "),
			humanize.Bytes(uint64(worst.Short)), humanize.Bytes(uint64(worst.Free)), worst.Dir),
		Hint: "make room (dlbench images prune), name fewer runners (--runner), or move a directory to another disk: " + strings.Join(moves, ", ")}
}
