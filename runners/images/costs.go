package images

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/dlbench/dlbench/docker"
	"github.com/dlbench/dlbench/runners/manifest"
)

// cost is what making a layer takes, as docker/costs.json has it.
type cost struct {
	Seconds    float64 `json:"seconds"`
	DownloadMB int64   `json:"download_mb"`
	DiskMB     int64   `json:"disk_mb"`
}

// unknownCost is for layers of contexts that nobody measured.
var unknownCost = cost{Seconds: 60, DownloadMB: 300, DiskMB: 1000}

var costs = sync.OnceValues(func() (map[string]cost, error) {
	var file struct {
		Layers map[string]cost `json:"layers"`
	}
	if err := json.Unmarshal(docker.Costs, &file); err != nil {
		return nil, fmt.Errorf("docker/costs.json: %w", err)
	}
	return file.Layers, nil
})

// step is a layer that is to be made, and what that takes.
type step struct {
	tag string
	cost
}

// steps are all layers of a recipe, from below.
func (r recipe) steps() ([]step, error) {
	known, err := costs()
	if err != nil {
		return nil, err
	}
	var steps []step
	add := func(name, tag string) {
		c, measured := known[name]
		if !measured {
			c = unknownCost
		}
		steps = append(steps, step{tag, c})
	}
	if r.build != nil {
		add("base-"+r.build.name, r.build.tag)
	}
	add("base-"+r.base.name, r.base.tag)
	for _, l := range r.packages {
		add(l.context, l.tag)
	}
	add(r.adapter.context, r.adapter.tag)
	return steps, nil
}

// nearlyThere is what a runner takes that only lacks its adapter, in seconds: it
// can be verified while longer ones are built.
const nearlyThere = 10

// Early is how many runners are made ready before those whose images take the
// longest: somebody waits for a first answer.
const Early = 4

// Order says in which order images are built: the first stays the first, then
// come the Early ones that take the least, then the others, the longest ones
// first, so that no long one is left to the end. What two stand on counts for
// the one that is ahead.
func Order(ms []manifest.Manifest) ([]int, error) {
	all := make([][]step, len(ms))
	for i, m := range ms {
		if m.Image.Context == "" {
			continue
		}
		r, err := recipeOf(m)
		if err != nil {
			return nil, err
		}
		if all[i], err = r.steps(); err != nil {
			return nil, err
		}
	}
	made := map[string]bool{}
	left := func(i int) (seconds float64) {
		for _, s := range all[i] {
			if !made[s.tag] {
				seconds += s.Seconds
			}
		}
		return seconds
	}
	var order, rest []int
	for i := range ms {
		rest = append(rest, i)
	}
	for len(rest) > 0 {
		least := func(a, b int) int { return cmp.Compare(left(a), left(b)) }
		next := rest[0]
		if len(order) > 0 {
			next = slices.MinFunc(rest, least)
		}
		if len(order) > Early && left(next) > nearlyThere {
			next = slices.MaxFunc(rest, least)
		}
		order = append(order, next)
		rest = slices.DeleteFunc(rest, func(i int) bool { return i == next })
		for _, s := range all[next] {
			made[s.tag] = true
		}
	}
	return order, nil
}
