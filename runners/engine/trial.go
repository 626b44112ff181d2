package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"time"
)

// Try starts a tiny container under a runner's limits and says why it does not
// start, if it does not. An engine that answers may still start nothing, above
// all one of an unprivileged user, and every image would be built in vain.
func (c *CLI) Try(ctx context.Context) *EnvironmentError {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	image, err := c.tinyImage(ctx)
	if err == nil {
		err = c.tryTiny(ctx, Spec{Image: image, MemoryBytes: 64 << 20})
	}
	if err == nil || ctx.Err() != nil {
		return nil
	}
	return &EnvironmentError{Text: fmt.Sprintf("%s starts no container: %v", c.Name(), err), Hint: c.startRemedy(err)}
}

// tryTiny starts and removes a container of the tiny image.
func (c *CLI) tryTiny(ctx context.Context, spec Spec) error {
	spec.Session, spec.Command = "preflight", []string{"/exit"}
	id, err := c.create(ctx, spec)
	if err != nil {
		return err
	}
	_, err = c.Output(ctx, "start", "--attach", id)
	return errors.Join(err, c.remove(context.WithoutCancel(ctx), id))
}

// startRemedy is what to do if the engine answers nothing or starts nothing, by
// what it said; its installation if that does not tell.
func (c *CLI) startRemedy(err error) string {
	text := strings.ToLower(err.Error())
	says := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	name := "$USER"
	if self, err := user.Current(); err == nil {
		name = self.Username
	}
	switch {
	case says("newuidmap", "newgidmap") && says("executable file not found", "no such file"):
		return "apt-get install -y uidmap"
	case says("no subuid ranges", "no subgid ranges", "insufficient uids or gids", "not enough available ids", "cannot find mappings", "newuidmap", "keep-id", "requires subordinate"), os.Geteuid() != 0 && says("chown ") && says("operation not permitted"):
		return fmt.Sprintf("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s, then podman system migrate as that user", name)
	case says("xdg_runtime_dir", "/run/user/", "/run/libpod", "runroot"):
		return fmt.Sprintf("loginctl enable-linger %s, and XDG_RUNTIME_DIR=/run/user/%d in the environment", name, os.Getuid())
	case saysFull(err):
		return c.makeRoom()
	case c.Name() == docker.name && says("permission denied"):
		return fmt.Sprintf("usermod --append --groups docker %s, then log in again", name)
	case c.Name() == docker.name && says("cannot connect to the docker daemon", "failed to connect to the docker api") && installed("dockerd"):
		return "systemctl start docker"
	case says("short-name", "fuse-overlayfs", "/dev/fuse"):
		return "apt-get install -y fuse-overlayfs, and let the user open /dev/fuse"
	}
	return c.dialect.install
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}
