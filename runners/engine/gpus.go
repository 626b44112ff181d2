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
	uvmRemedy      = "nvidia-modprobe -u -c=0"
	setUpDocker    = "nvidia-ctk runtime configure --runtime=docker && systemctl restart docker"
)

// LackingForGPUs is what keeps the engine from handing these GPUs to a
// container, and what would mend it; nil when nothing does. Without UUIDs it
// tells of any GPU.
func (c *CLI) LackingForGPUs(ctx context.Context, uuids ...string) *EnvironmentError {
	return c.dialect.lacking(ctx, c, uuids)
}

// podmanGPUs hand devices over by their CDI names.
func podmanGPUs(uuids []string) []string {
	var args []string
	for _, uuid := range uuids {
		args = append(args, "--device="+gpuClass+"="+uuid)
	}
	return args
}

func podmanLacking(_ context.Context, c *CLI, uuids []string) *EnvironmentError {
	text := cdiSpecifications(c.cdi)
	if text == "" {
		hint := makeCDI
		if _, err := exec.LookPath("nvidia-ctk"); err != nil {
			hint = installToolkit + ", then " + makeCDI
		}
		return &EnvironmentError{Text: fmt.Sprintf("podman cannot hand a GPU to a container: no CDI specification of %s lies in %s", gpuClass, strings.Join(c.cdi, " or ")), Hint: hint}
	}
	for _, uuid := range uuids {
		if !strings.Contains(text, uuid) {
			return &EnvironmentError{Text: fmt.Sprintf("podman cannot hand %s to a container: the CDI specification in %s does not name it", uuid, strings.Join(c.cdi, " or ")),
				Hint: makeCDI + " --device-name-strategy=uuid"}
		}
	}
	return nil
}

// cdiSpecifications is the text of those that are about GPUs.
func cdiSpecifications(dirs []string) string {
	var all strings.Builder
	for _, dir := range dirs {
		for _, kind := range []string{"*.yaml", "*.json"} {
			paths, _ := filepath.Glob(filepath.Join(dir, kind)) // the pattern is well formed
			for _, path := range paths {
				if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), gpuClass) {
					all.Write(data)
				}
			}
		}
	}
	return all.String()
}

// dockerGPUs ask docker's own option. It reads a line of comma-separated
// values, so that several UUIDs need quotes of their own.
func dockerGPUs(uuids []string) []string {
	value := "device=" + strings.Join(uuids, ",")
	if len(uuids) > 1 {
		value = `"` + value + `"`
	}
	return []string{"--gpus", value}
}

// dockerLacking looks for NVIDIA's runtime among docker's, or for the hook that
// docker calls where the runtime is not registered.
func dockerLacking(ctx context.Context, c *CLI, _ []string) *EnvironmentError {
	if runtimes, err := c.Output(ctx, "info", "--format", "{{json .Runtimes}}"); err == nil && strings.Contains(runtimes, `"nvidia"`) {
		return nil
	}
	if _, err := exec.LookPath("nvidia-container-runtime-hook"); err == nil {
		return nil
	}
	return &EnvironmentError{Text: "docker cannot hand a GPU to a container: it has no runtime nvidia, and nvidia-container-runtime-hook is not installed",
		Hint: installToolkit + ", then " + setUpDocker}
}

// HandOverRemedy is what to do where a container with a GPU does not start, by
// what the engine said.
func HandOverRemedy(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "additionalGids") || strings.Contains(text, "additionalGIDs"):
		return makeCDI + " --feature-flag=no-additional-gids-for-device-nodes"
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
