package engine

import (
	"context"
	"fmt"
)

// CopiesImages says what to do about an engine that keeps every layer as a whole
// copy, and copies an image for each container: seconds and gigabytes of each
// process. podman may choose that for a user, even where the kernel has overlays.
// Nil if it does not, or does not tell.
func (c *CLI) CopiesImages(ctx context.Context) *EnvironmentError {
	if told, err := c.Output(ctx, "info", "--format", c.dialect.driver); err != nil || told != "vfs" {
		return nil
	}
	missing := &EnvironmentError{Text: fmt.Sprintf("%s's storage driver is vfs, which copies an image for every container: that takes seconds and the image's size on the disk", c.Name()),
		Hint: `"storage-driver": "overlay2" in /etc/docker/daemon.json`}
	if c.Name() == podman.name {
		missing.Hint = `driver = "overlay" below [storage] in ~/.config/containers/storage.conf (of root: /etc/containers/storage.conf), then podman system reset, which removes all images`
	}
	return missing
}
