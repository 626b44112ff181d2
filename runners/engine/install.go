package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// InstallCommand installs an engine that needs no daemon, and the tool that
// makes a base image if no container registry can be reached.
const InstallCommand = "apt-get update && apt-get install -y --no-install-recommends podman runc netavark aardvark-dns fuse-overlayfs mmdebstrap"

// Installs is the engine that InstallCommand installs.
const Installs = "podman"

// IsInstallation says whether a remedy is to install packages.
func IsInstallation(remedy string) bool { return strings.HasPrefix(remedy, "apt-get install") }

// Installer runs InstallCommand, if it may.
type Installer struct {
	Say func(format string, args ...any) // tells the person before anything is changed
	Run func(command *exec.Cmd) error
}

// Install installs podman on a Debian machine. It does so only as root or with
// a sudo that asks for no password; else the error's hint is the command.
func (i Installer) Install(ctx context.Context) error {
	prefix, err := privilege(ctx)
	if err != nil {
		return &EnvironmentError{Text: err.Error(), Hint: "sudo sh -c '" + InstallCommand + "'"}
	}
	script := InstallCommand
	i.Say("installing a container engine as root (at most 64 MB to download, 230 MB on disk): %s", script)
	args := slices.Concat(prefix, []string{"sh", "-c", script})
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	command.SysProcAttr = OwnGroup()
	if err := i.Run(command); err != nil {
		return &EnvironmentError{Text: fmt.Sprintf("install a container engine: %v", err), Hint: strings.Join(args, " ")}
	}
	return nil
}

// privilege is how to become root without being asked anything.
func privilege(ctx context.Context) ([]string, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, errors.New("no container engine answers, and this is no Debian machine that dlbench could install one on")
	}
	if os.Geteuid() == 0 {
		return nil, nil
	}
	if exec.CommandContext(ctx, "sudo", "-n", "true").Run() == nil {
		return []string{"sudo", "-n"}, nil
	}
	return nil, errors.New("no container engine answers, and installing one needs root")
}
