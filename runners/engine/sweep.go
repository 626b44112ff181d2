package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/dlbench/dlbench/runners/presence"
)

// owned is a container of some dlbench.
type owned struct {
	id      string
	running bool
	labels  map[string]string
}

// owned are the containers of every dlbench, as far as this user's engine shows
// them.
func (c *CLI) owned(ctx context.Context) ([]owned, error) {
	list, err := c.Output(ctx, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label="+presence.OwnerLabel)
	if err != nil {
		return nil, err
	}
	var all []owned
	for _, id := range strings.Fields(list) {
		text, err := c.Output(ctx, "inspect", "--format", "{{.State.Status}} {{json .Config.Labels}}", id)
		if err != nil {
			continue // gone meanwhile
		}
		found := owned{id: id}
		status, labels, _ := strings.Cut(text, " ")
		found.running = status == "running"
		if json.Unmarshal([]byte(labels), &found.labels) == nil {
			all = append(all, found)
		}
	}
	return all, nil
}

// Sweep removes the containers of harnesses that have ended.
func (c *CLI) Sweep(ctx context.Context) (int, error) {
	all, err := c.owned(ctx)
	if err != nil {
		return 0, err
	}
	removed, faults := 0, []error{}
	for _, each := range all {
		if presence.Alive(each.labels) || each.running && !presence.Placed(each.labels) {
			continue
		}
		if err := c.remove(ctx, each.id); err != nil {
			faults = append(faults, err)
			continue
		}
		removed++
	}
	return removed, errors.Join(faults...)
}

// Sessions are those of other dlbench processes whose runners compute now, with
// the labels that say whose they are.
func (c *CLI) Sessions(ctx context.Context) (map[string]map[string]string, error) {
	all, err := c.owned(ctx)
	if err != nil {
		return nil, err
	}
	sessions := map[string]map[string]string{}
	for _, each := range all {
		if each.running && !presence.Owns(each.labels) && presence.Alive(each.labels) {
			sessions[each.labels[Label]] = each.labels
		}
	}
	return sessions, nil
}
