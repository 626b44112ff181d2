package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dlbench/dlbench/runners/presence"
)

// CLI is podman or docker, driven by its command line.
type CLI struct {
	dialect dialect
	environ []string
	config  string // the file of ours that podman reads; empty if it reads its own
	health  Health
	probed  bool
	cdi     []string // directories of CDI specifications
	machine machine
	root    string             // above the host's /dev
	self    *presence.Presence // whose containers these are; nil names only the process
}

// dialect is how podman and docker differ.
type dialect struct {
	name    string
	install string // the command that installs it
	version []string
	user    func() []string // flags that make the process unprivileged
	gpus    func(c *CLI, uuids []string) []string
	missing func(ctx context.Context, c *CLI, uuids []string) *EnvironmentError // what keeps GPUs from containers
	manager string                                                              // what asks `info` who makes control groups
	parent  func(told string) string                                            // the group that containers are put below, by the answer
	driver  string                                                              // what asks `info` for the storage driver
	scratch string                                                              // the variable that names a directory it cannot do without
}

// unprivileged is a user that no system has; images need no entry for it.
const unprivileged = "65532:65532"

var podman = dialect{
	name:    "podman",
	install: "apt-get install -y --no-install-recommends podman runc netavark aardvark-dns fuse-overlayfs",
	version: []string{"version", "--format", "{{.Client.Version}}"},
	user: func() []string {
		if os.Geteuid() == 0 {
			return []string{"--user", unprivileged}
		}
		return []string{"--userns", "keep-id", "--user", fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())}
	},
	gpus:    podmanGPUs,
	missing: podmanMissing,
	manager: "{{.Host.CgroupManager}} {{.Host.Security.Rootless}}",
	parent:  podmanParent,
	driver:  "{{.Store.GraphDriverName}}",
	scratch: "TMPDIR",
}

var docker = dialect{
	name:    "docker",
	install: "apt-get install -y docker.io iptables",
	version: []string{"version", "--format", "{{.Server.Version}}"},
	user: func() []string {
		if os.Geteuid() == 0 {
			return []string{"--user", unprivileged}
		}
		return []string{"--user", fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())}
	},
	gpus:    dockerGPUs,
	missing: dockerMissing,
	manager: "{{.CgroupDriver}}",
	parent:  dockerParent,
	driver:  "{{.Driver}}",
}

// NewPodman drives podman. If the host has cgroup version 1, podman's
// defaults fail, and a configuration of our own is written to configDir.
func NewPodman(environ []string, configDir string) (*CLI, error) {
	environ, config, err := podmanEnvironment(environ, configDir)
	return &CLI{dialect: podman, environ: environ, config: config, cdi: cdiDirectories, machine: thisMachine(), root: "/"}, err
}

// NewDocker drives docker.
func NewDocker(environ []string) *CLI {
	return &CLI{dialect: docker, environ: environ, cdi: cdiDirectories, machine: thisMachine(), root: "/"}
}

// podmanConfig is what podman needs on a host with cgroup version 1: crun
// refuses the hybrid hierarchy, and the default limits may not be raised.
const podmanConfig = `[containers]
default_ulimits=["nofile=1024:4096","nproc=4096:8192"]
[engine]
runtime="runc"
`

func podmanEnvironment(environ []string, dir string) (with []string, path string, err error) {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return environ, "", nil // cgroup version 2: the user's own configuration is right
	}
	for _, variable := range environ {
		if strings.HasPrefix(variable, "CONTAINERS_CONF=") {
			return environ, "", nil
		}
	}
	path = filepath.Join(dir, "containers.conf")
	if old, err := os.ReadFile(path); err != nil || string(old) != podmanConfig {
		if err := os.WriteFile(path, []byte(podmanConfig), 0o644); err != nil {
			return environ, "", fmt.Errorf("write podman's configuration: %w", err)
		}
	}
	return append(append([]string(nil), environ...), "CONTAINERS_CONF="+path), path, nil
}

// keepConfig writes podman's configuration again if somebody has removed it with
// the cache: without it nothing could be stopped or removed any more.
func (c *CLI) keepConfig() {
	if c.config == "" {
		return
	}
	if _, err := os.Stat(c.config); err != nil && os.MkdirAll(filepath.Dir(c.config), 0o755) == nil {
		_ = os.WriteFile(c.config, []byte(podmanConfig), 0o644) // the call itself will say what is wrong
	}
}

// OwnedBy labels what is started from now on, so that other dlbench processes
// know who owns it.
func (c *CLI) OwnedBy(self *presence.Presence) { c.self = self }

// Name is "podman" or "docker".
func (c *CLI) Name() string { return c.dialect.name }

// Command is one call of the engine, in a process group of its own, so that a
// Ctrl-C at the terminal reaches only the harness.
func (c *CLI) Command(ctx context.Context, args ...string) *exec.Cmd {
	c.keepConfig()
	command := exec.CommandContext(ctx, c.dialect.name, args...)
	command.Env = c.environ
	command.SysProcAttr = OwnGroup()
	return command
}

// Output runs one call and returns its trimmed output; an error holds the
// engine's own last line.
func (c *CLI) Output(ctx context.Context, args ...string) (string, error) {
	command := c.Command(ctx, args...)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	command.WaitDelay = 5 * time.Second // what a cancelled call leaves must not hold its output, and with it the harness
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", c.refusal(fmt.Errorf("%s %s: %w: %s", c.dialect.name, args[0], err, last(errs.String())))
	}
	return strings.TrimSpace(out.String()), nil
}

// refusal is the error of a call that failed. That the engine's disk is full is
// no fault of who is started, and meets the next one too.
func (c *CLI) refusal(err error) error {
	if !saysFull(err) {
		return err
	}
	return &EnvironmentError{Text: err.Error(), Hint: c.makeRoom(), Err: syscall.ENOSPC}
}

func saysFull(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "no space left on device") || strings.Contains(text, "disk quota exceeded")
}

func (c *CLI) makeRoom() string {
	return "make room where " + c.Name() + " keeps images and containers (" + c.Name() + " info)"
}

// Probe asks the engine for its version, once.
func (c *CLI) Probe(ctx context.Context) Health {
	if !c.probed {
		c.health, c.probed = c.probe(ctx), true
	}
	return c.health
}

func (c *CLI) probe(ctx context.Context) Health {
	if _, err := exec.LookPath(c.dialect.name); err != nil {
		return Health{State: Undetected, Reason: c.dialect.name + " is not installed", Hint: c.dialect.install}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	version, err := c.Output(ctx, c.dialect.version...)
	if err != nil {
		return Health{State: Unhealthy, Reason: err.Error(), Hint: c.startRemedy(err)}
	}
	if reason := c.cannotWrite(); reason != "" {
		return Health{State: Unhealthy, Reason: reason, Hint: "set " + c.dialect.scratch + " to a directory that is there, or unset it"}
	}
	return Health{State: Healthy, Version: version}
}

// cannotWrite says that the directory for temporary files is not there. Podman
// then fails every call but that for its version, as if no image were there.
func (c *CLI) cannotWrite() string {
	for _, variable := range c.environ {
		name, dir, _ := strings.Cut(variable, "=")
		if name != c.dialect.scratch || dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return fmt.Sprintf("%s=%s is no directory, and %s writes there", name, dir, c.dialect.name)
		}
	}
	return ""
}

// remove kills and removes a container; one that is gone already is fine.
func (c *CLI) remove(ctx context.Context, id string) error {
	_, err := c.Output(ctx, "rm", "--force", "--volumes", id)
	if err != nil && strings.Contains(strings.ToLower(err.Error()), "no such container") {
		return nil
	}
	return err
}

// createArguments translate a Spec into a container that can do nothing but
// compute: no network, nothing writable but /tmp and the mounts, no privilege.
func (c *CLI) createArguments(s Spec) []string {
	args := []string{"create", "--interactive", "--pull=never",
		"--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--log-driver=none",
		"--label=" + Label + "=" + s.Session,
		"--env=HOME=/tmp", "--env=TMPDIR=/tmp", "--workdir=/tmp",
	}
	args = append(args, limitArguments(c.Limits(s))...)
	args = append(args, c.dialect.user()...)
	if len(s.GPUs) > 0 {
		args = append(args, c.dialect.gpus(c, s.GPUs)...)
	}
	if s.CPUs != "" {
		args = append(args, "--cpuset-cpus="+s.CPUs)
	}
	if s.MemoryBytes > 0 {
		limit := strconv.FormatInt(s.MemoryBytes, 10)
		args = append(args, "--memory="+limit, "--memory-swap="+limit)
	}
	for name, value := range c.self.Labels() {
		args = append(args, "--label="+name+"="+value)
	}
	for name, value := range s.Environment {
		args = append(args, "--env="+name+"="+value)
	}
	for _, m := range s.Mounts {
		args = append(args, "--mount="+m.option())
	}
	return append(append(args, s.Image), s.Command...)
}
