package preflight

import (
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/engine"
)

// assess says what the facts mean for a runner on a device.
func (f *Facts) assess(on device.Device, engineName string) []Finding {
	findings := []Finding{f.process(engineName), f.threads()}
	if !on.GPU() {
		return findings
	}
	kernel := f.kernel(on)
	for _, one := range f.deviceFiles() {
		if one.State == Failed && kernel.State != Failed {
			one.State = Warning // a kernel that computed says more than what should be there
		}
		findings = append(findings, one)
	}
	return append(findings, kernel, f.compiled(engineName))
}

func (f *Facts) process(engineName string) Finding {
	p := f.Privileges
	words := []string{fmt.Sprintf("user %d", p.UID)}
	free := strings.Trim(p.Capabilities, "0") == ""
	for _, rule := range []struct {
		holds bool
		yes   string
		no    string
	}{
		{free, "no capabilities", "with capabilities"}, {p.NoNewPrivileges, "no new privileges", ""}, {p.ReadOnlyRoot, "read-only root", ""},
	} {
		if rule.holds {
			words = append(words, rule.yes)
		} else if rule.no != "" {
			words = append(words, rule.no)
		}
	}
	text := fmt.Sprintf("starts by %s: %s, Python %s", engineName, strings.Join(words, ", "), f.Python)
	return Finding{What: "process", State: OK, Text: text}
}

// leastFiles is what frameworks want open at once: libraries, the card's files
// and pipes.
const leastFiles = 1024

func (f *Facts) threads() Finding {
	l := f.Limits
	found := Finding{What: "limits", State: OK, Text: fmt.Sprintf("%d CPUs, %d threads start, %s files, %s processes, %s free in /dev/shm, %s in /tmp",
		l.CPUs, l.ThreadsStarted, limit(l.Files[0]), limit(l.Processes[0]), size(l.SharedBytes), size(l.TmpBytes))}
	switch {
	case l.ThreadsStarted < l.ThreadsAsked:
		found.State = Failed
		found.Text = fmt.Sprintf("only %d of %d threads start (16 for each CPU, as the pools of frameworks want): %s", l.ThreadsStarted, l.ThreadsAsked, l.ThreadsError)
		found.Remedy = "raise the limit of processes: ulimit -u, TasksMax of the systemd unit, or the container's pids limit"
	case l.Files[0] >= 0 && l.Files[0] < leastFiles:
		found.State, found.Remedy = Warning, fmt.Sprintf("raise the limit of open files: ulimit -n %d", leastFiles)
	}
	return found
}

func limit(n int64) string {
	if n < 0 {
		return "any number of"
	}
	return fmt.Sprint(n)
}

func size(bytes int64) string {
	if bytes < 0 {
		return "nothing"
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

const uvmRemedy = "nvidia-modprobe -u -c=0"

// deviceFiles tells which of the driver's files the process cannot open.
func (f *Facts) deviceFiles() []Finding {
	var findings []Finding
	var names []string
	uvm, wsl := false, false
	for _, d := range f.DeviceFiles {
		names = append(names, fmt.Sprintf("%s %s", d.Path, d.Mode))
		uvm, wsl = uvm || d.Path == "/dev/nvidia-uvm", wsl || d.Path == "/dev/dxg"
		if d.Error != "" && !strings.HasSuffix(d.Path, "-tools") && !strings.HasSuffix(d.Path, "-modeset") {
			findings = append(findings, Finding{What: d.Path, State: Failed, Text: fmt.Sprintf("cannot be opened: %s (mode %s, user %d, group %d)", d.Error, d.Mode, d.UID, d.GID),
				Remedy: "chmod 0666 " + d.Path + ", for good NVreg_DeviceFileMode=0666; if SELinux confines containers, setsebool -P container_use_devices on"})
		}
	}
	switch {
	case len(names) == 0:
		findings = append(findings, Finding{What: "/dev/nvidia*", State: Failed, Text: "the process sees none of the driver's files", Remedy: "hand the card over: see `dlbench doctor`; " + uvmRemedy})
	case !uvm && !wsl:
		findings = append(findings, Finding{What: "/dev/nvidia-uvm", State: Failed, Text: "it is not there, and CUDA does not start without it", Remedy: uvmRemedy + ", then make the CDI specification again"})
	case len(findings) == 0:
		findings = append(findings, Finding{What: "/dev/nvidia*", State: OK, Text: strings.Join(names, ", ")})
	}
	return findings
}

// kernel tells whether a kernel computed on the right card.
func (f *Facts) kernel(on device.Device) Finding {
	found := Finding{What: "kernel", State: Failed}
	c := f.CUDA
	if c == nil || len(c.Steps) == 0 {
		found.Text = "the probe did not come to CUDA"
		return found
	}
	if end := c.Steps[len(c.Steps)-1]; end.Code != 0 {
		found.Text = fmt.Sprintf("%s fails with %d", end.Name, end.Code)
		if end.Text != "" {
			found.Text += ": " + end.Text
		}
		found.Remedy = cudaRemedy(end)
		return found
	}
	found.Text = fmt.Sprintf("%s, %s, compute capability %s, CUDA %s; compiled in %.0f ms, launched in %.0f µs", c.Name, c.UUID, c.ComputeCapability, c.DriverCUDA,
		1e3*c.seconds("cuModuleLoadData"), 1e6*c.LaunchSeconds)
	if start := c.seconds("cuInit") + c.seconds("cuDevicePrimaryCtxRetain"); start > 1 {
		found.Text += fmt.Sprintf("; the driver starts in %.1f s", start)
	}
	unconfirmed, other := on.Confirm("gpu", c.UUID)
	switch {
	case other != nil:
		found.Text, found.Remedy = other.Error(), "report it: a process must see the card that it was given, and no other"
	case c.Count > 1:
		found.State, found.Text = Warning, fmt.Sprintf("the process sees %d cards instead of one; %s", c.Count, found.Text)
	case unconfirmed != "":
		found.State, found.Text = Warning, found.Text+"; "+unconfirmed
	default:
		found.State = OK
	}
	return found
}

func (c *CUDA) seconds(step string) float64 {
	for _, s := range c.Steps {
		if s.Name == step {
			return s.Seconds
		}
	}
	return 0
}

// cudaRemedies are for the driver's codes (CUDA Driver API, CUresult).
var cudaRemedies = map[int]string{
	2:   "the card's memory is full: nvidia-smi shows who uses it",
	3:   "nvidia-smi shows whether the driver works",
	46:  "others hold the card, or its compute mode is exclusive: nvidia-smi -c 0",
	100: "no card reaches the process: /dev/nvidia* and CUDA_VISIBLE_DEVICES; in a container, hand it over",
	101: "no such card reaches the process: /dev/nvidia* and CUDA_VISIBLE_DEVICES",
	201: "the card is in a bad state: nvidia-smi --gpu-reset, or restart the machine",
	209: "the card is older than compute capability 5.0",
	214: "the card's memory has errors: have it checked (nvidia-smi -q -d ECC)",
	218: "the driver's compiler does not match: reinstall the driver",
	221: "the driver's compiler is missing, libnvidia-ptxjitcompiler.so.1: in a container, make the CDI specification again; outside, reinstall the driver",
	222: "the driver is too old for the kernel",
	304: "the system refuses: look at dmesg",
	800: "not permitted: /dev/nvidia* and the limits of the process",
	802: "the system is not ready: systemctl start nvidia-fabricmanager, of the driver's version (cards with NVSwitch)",
	803: "the driver's library and kernel module differ: restart after an update; in a container, make the CDI specification again",
	804: "a compatibility package (cuda-compat) stands before the driver's own libcuda.so.1: take it out of LD_LIBRARY_PATH",
	999: uvmRemedy + "; if that changes nothing, see dmesg",
}

func cudaRemedy(s Step) string {
	switch {
	case strings.HasPrefix(s.Name, "load "):
		return "the driver's libcuda.so.1 does not reach the process: outside containers install it (libcuda1 of Debian, libnvidia-compute-580 of Ubuntu), in one make the CDI specification again"
	case s.Name == "result":
		return "the card computes wrong: have it checked, and trust nothing that it computed"
	case s.Code < 0:
		return "the driver is too old"
	case cudaRemedies[s.Code] != "":
		return cudaRemedies[s.Code]
	default:
		return "nvidia-smi, and dmesg for an Xid"
	}
}

// compiled tells whether the driver keeps what it compiles.
func (f *Facts) compiled(engineName string) Finding {
	found := Finding{What: "CUDA cache", State: OK}
	c := f.Cache
	switch {
	case c == nil:
		found.State, found.Text = Missing, "the probe told nothing of it"
	case c.Disabled:
		found.State, found.Text, found.Remedy = Warning, "it is off: what is compiled is compiled again by each process", "unset CUDA_CACHE_DISABLE"
	case !c.Writable:
		found.State, found.Text, found.Remedy = Warning, c.Path+" cannot be written: what is compiled is compiled again by each process", "name a directory in CUDA_CACHE_PATH"
	case c.Temporary && engineName != "local":
		found.Text = "in the container's /tmp here; the timed processes of a cell share one"
	default:
		found.Text = fmt.Sprintf("%s, %.1f MiB", c.Path, float64(c.Bytes)/(1<<20))
	}
	return found
}

// startRemedy is for a process that did not even start.
func startRemedy(e engine.Engine, on device.Device, err error) string {
	if _, local := e.(engine.HostPaths); local {
		return "install Python, or name one in DLBENCH_PYTHON"
	}
	if on.GPU() {
		return engine.HandOverRemedy(err)
	}
	return "see what " + e.Name() + " says of itself: " + e.Name() + " info"
}
