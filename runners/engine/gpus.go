package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// gpuClass is what CDI specifications call NVIDIA's cards.
const gpuClass = "nvidia.com/gpu"

// cdiDirectories are where podman looks for CDI specifications.
var cdiDirectories = []string{"/etc/cdi", "/var/run/cdi"}

// What sets a machine up.
const (
	installToolkit = "install NVIDIA's container toolkit (package nvidia-container-toolkit)"
	makeCDI        = "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
	withoutGroups  = makeCDI + " --feature-flag=no-additional-gids-for-device-nodes"
	uvmRemedy      = "nvidia-modprobe -u -c=0"
	setUpDocker    = "nvidia-ctk runtime configure --runtime=docker && systemctl restart docker"
)

// MissingForGPUs is what keeps the engine from handing these GPUs to a
// container, and what would remedy it; nil when nothing does. Without UUIDs it
// tells of any GPU.
func (c *CLI) MissingForGPUs(ctx context.Context, uuids ...string) *EnvironmentError {
	return c.dialect.missing(ctx, c, uuids)
}

// podmanGPUs hand devices over by their CDI names. A specification that names
// all cards only (WSL2's) hands over all, and the process is told which is its.
func podmanGPUs(c *CLI, uuids []string) []string {
	if specification, _ := readCDI(c.cdi); specification.onlyAll() {
		return []string{"--device=" + gpuClass + "=all", "--env=CUDA_VISIBLE_DEVICES=" + strings.Join(uuids, ",")}
	}
	var args []string
	for _, uuid := range uuids {
		args = append(args, "--device="+gpuClass+"="+uuid)
	}
	return args
}

func podmanMissing(ctx context.Context, c *CLI, uuids []string) *EnvironmentError {
	if health := c.Probe(ctx); health.State == Healthy && older(health.Version, 4, 1) {
		return &EnvironmentError{Text: "podman " + health.Version + " cannot hand a GPU to a container: the Container Device Interface came with podman 4.1", Hint: "a newer podman, or docker with NVIDIA's runtime"}
	}
	specification, err := readCDI(c.cdi)
	if err != nil {
		return &EnvironmentError{Text: "podman cannot hand a GPU to a container: " + err.Error(), Hint: makeCDI}
	}
	if len(specification.files) == 0 {
		hint := makeCDI
		if _, err := exec.LookPath("nvidia-ctk"); err != nil {
			hint = installToolkit + ", then " + makeCDI
		}
		return &EnvironmentError{Text: fmt.Sprintf("podman cannot hand a GPU to a container: no CDI specification of %s lies in %s", gpuClass, strings.Join(c.cdi, " or ")), Hint: hint}
	}
	return specification.lacks(uuids, func(path string) bool {
		_, err := os.Stat(filepath.Join(c.root, path))
		return err == nil
	})
}

// older says whether a version like "4.3.1" is before another; one that is not
// a version is not.
func older(version string, major, minor int) bool {
	var have [2]int
	if n, _ := fmt.Sscanf(version, "%d.%d", &have[0], &have[1]); n < 2 {
		return false
	}
	return have[0] < major || have[0] == major && have[1] < minor
}

// dockerGPUs ask docker's own option. It reads a line of comma-separated
// values, so that several UUIDs need quotes of their own.
func dockerGPUs(_ *CLI, uuids []string) []string {
	value := "device=" + strings.Join(uuids, ",")
	if len(uuids) > 1 {
		value = `"` + value + `"`
	}
	return []string{"--gpus", value}
}

// dockerMissing looks for NVIDIA's runtime among docker's, or for the hook that
// docker calls if the runtime is not registered.
func dockerMissing(ctx context.Context, c *CLI, _ []string) *EnvironmentError {
	if runtimes, err := c.Output(ctx, "info", "--format", "{{json .Runtimes}}"); err == nil && strings.Contains(runtimes, `"nvidia"`) {
		return nil
	}
	if _, err := exec.LookPath("nvidia-container-runtime-hook"); err == nil {
		return nil
	}
	return &EnvironmentError{Text: "docker cannot hand a GPU to a container: it has no runtime nvidia, and nvidia-container-runtime-hook is not installed",
		Hint: installToolkit + ", then " + setUpDocker}
}

// HandOverRemedy is what to do if a container with a GPU does not start, by
// what the engine said.
func HandOverRemedy(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "additionalGids") || strings.Contains(text, "additionalGIDs"):
		return withoutGroups
	case strings.Contains(text, "unresolvable CDI device") || strings.Contains(text, "stat "+gpuClass):
		return makeCDI + " --device-name-strategy=uuid"
	case strings.Contains(text, "nvidia-uvm"):
		return uvmRemedy + ", then " + makeCDI
	case strings.Contains(text, "nvidia-container-cli") || strings.Contains(text, "nvidia-container-runtime"):
		return "update NVIDIA's container toolkit, then " + setUpDocker
	default:
		return makeCDI + ": a specification of an older driver or of other cards names files that are not there"
	}
}
