package engine

import (
	"context"
	"fmt"
	"os"

	"github.com/dlbench/dlbench/metrics/sample"
)

// ParentLimits are those of the control group that the engine puts containers
// below, and of the groups above it: a quota there holds whatever dlbench's own
// group allows. An engine that does not tell, or one that has no such group yet,
// limits nothing.
func (c *CLI) ParentLimits(ctx context.Context) sample.Limits {
	text, err := c.Output(ctx, "info", "--format", c.dialect.manager)
	if err != nil {
		return sample.Limits{}
	}
	group := c.dialect.parent(text)
	if group == "" {
		return sample.Limits{}
	}
	return sample.GroupLimits(c.root, group)
}

// podmanParent is podman's default for a manager of groups, with "true" if it is
// a user's own. A user's without systemd stay in the group of their session.
func podmanParent(told string) string {
	switch told {
	case "cgroupfs false":
		return "/libpod_parent"
	case "systemd false":
		return "/machine.slice"
	case "systemd true":
		return fmt.Sprintf("/user.slice/user-%[1]d.slice/user@%[1]d.service/user.slice", os.Getuid())
	}
	return ""
}

// dockerParent is docker's default; the daemon does not tell of another one.
func dockerParent(told string) string {
	switch told {
	case "cgroupfs":
		return "/docker"
	case "systemd":
		return "/system.slice"
	}
	return ""
}
