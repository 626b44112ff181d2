// Package record is what a campaign writes: result.json, the only input of
// every report. Durations of blocks are kept raw, so that every figure in a
// report can be recomputed.
package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SchemaVersion is the version of result.json that this program writes.
const SchemaVersion = 1

// Record is result.json.
type Record struct {
	SchemaVersion  int       `json:"schema_version"`
	DlbenchVersion string    `json:"dlbench_version"`
	Suite          string    `json:"suite"`
	Branch         string    `json:"branch,omitempty"` // of the source that was measured, as it was named
	Profile        string    `json:"profile"`          // "quick", "report", "gate"
	Created        time.Time `json:"created"`
	Updated        time.Time `json:"updated"`
	Seed           uint64    `json:"seed"`
	Scenarios      []string  `json:"scenarios,omitempty"` // asked for beside throughput and single-stream latency
	// MinChange are the smallest changes that a check tells, as shares: by network
	// or workload, and "*" for all others. Absent if the suite names none.
	MinChange   map[string]float64 `json:"min_change,omitempty"`
	Status      string             `json:"status"` // Complete, Interrupted, Running
	Rounds      int                `json:"rounds"` // finished
	Environment Environment        `json:"environment"`
	Terms       Terms              `json:"terms"`
	Warnings    Warnings           `json:"warnings"`
	Workloads   []Workload         `json:"workloads"`
	Runners     []Runner           `json:"runners"`
	Cells       []Cell             `json:"cells"`
	Comparisons []Comparison       `json:"comparisons"`
	Overall     []Overall          `json:"overall,omitempty"` // over the workloads of each mode
}

// The states of a record.
const (
	Complete    = "complete"
	Interrupted = "interrupted"
	Running     = "running" // written after a round, more to come; a killed harness leaves this
)

// Environment is the machine a campaign ran on.
type Environment struct {
	Host           string            `json:"host"`
	Machine        string            `json:"machine,omitempty"`     // the name that was given to it
	Fingerprint    string            `json:"fingerprint,omitempty"` // the same for the same hardware, whatever the host is called
	OS             string            `json:"os"`
	Kernel         string            `json:"kernel"`
	CPU            string            `json:"cpu"`
	CPUFlags       []string          `json:"cpu_flags"`           // only the vector extensions
	Microcode      string            `json:"microcode,omitempty"` // revision of the processors'
	Cores          int               `json:"cores"`
	LogicalCPUs    int               `json:"logical_cpus"`
	MemoryBytes    int64             `json:"memory_bytes"`
	CPUQuota       float64           `json:"cpu_quota,omitempty"`          // CPUs that the control groups allow dlbench; 0 is no quota
	MemoryLimit    int64             `json:"memory_limit_bytes,omitempty"` // that they allow it; 0 is no limit
	CPUSet         string            `json:"cpu_set,omitempty"`            // CPUs that dlbench may use, if they are not all: "0-3"
	SlurmJob       string            `json:"slurm_job,omitempty"`          // that gave them
	Governor       string            `json:"governor,omitempty"`
	SMT            string            `json:"smt,omitempty"`   // "on", "off"
	Turbo          string            `json:"turbo,omitempty"` // "on", "off"
	Virtualization string            `json:"virtualization,omitempty"`
	CPUEnergy      string            `json:"cpu_energy,omitempty"` // what counts the energy of the processors, like "RAPL, 2 packages"
	Cgroup         string            `json:"cgroup"`               // "v1", "v2", "hybrid"
	Engine         string            `json:"engine"`
	EngineVersion  string            `json:"engine_version,omitempty"`
	Limits         *ContainerLimits  `json:"limits,omitempty"` // of each runner's container; absent if none is one
	GPUs           []GPU             `json:"gpus"`
	Peak           *Peak             `json:"peak,omitempty"`    // absent if nobody measured it; see PeakOf
	Peaks          []Peak            `json:"peaks,omitempty"`   // of other numbers of threads than the terms'
	Missing        map[string]string `json:"missing,omitempty"` // source → why there is none, e.g. "nvml": "…"
}

// ContainerLimits are what a runner's container may use, beside its CPUs and
// memory. They grow with the machine.
type ContainerLimits struct {
	PIDs        int64 `json:"pids"`       // processes and threads of the container
	Processes   int64 `json:"processes"`  // and of its user
	Files       int64 `json:"files"`      // open at once
	FilesMost   int64 `json:"files_most"` // what the process may raise that to
	FileBytes   int64 `json:"file_bytes"` // the largest file
	TmpBytes    int64 `json:"tmp_bytes"`  // in /tmp
	SharedBytes int64 `json:"shm_bytes"`  // in /dev/shm
}

// GPU is one card, or one part of a card that MIG divides.
type GPU struct {
	Index             int       `json:"index"` // the N of gpu:N: the driver's, and for MIG devices one behind the cards'
	Name              string    `json:"name"`
	UUID              string    `json:"uuid"` // "GPU-…", of a MIG device "MIG-…"
	MemoryBytes       int64     `json:"memory_bytes"`
	Driver            string    `json:"driver"`
	CUDA              string    `json:"cuda,omitempty"` // the newest that the driver runs, like "13.0"; absent if it does not tell
	ComputeCapability string    `json:"compute_capability"`
	MIG               bool      `json:"mig,omitempty"`                 // the card is divided: its MIG devices compute, not it
	Parent            *int      `json:"parent,omitempty"`              // of a MIG device, the index of its card
	PCIeGenerationMax int       `json:"pcie_generation_max,omitempty"` // what card and slot can do at most; absent if that is not told
	PCIeWidthMax      int       `json:"pcie_width_max,omitempty"`      // lanes
	Peak              *CardPeak `json:"peak,omitempty"`                // absent for a card that the table does not have
	Measured          *Peak     `json:"measured,omitempty"`            // absent if nobody measured it
}

// CardPeak is what a card does at most by its maker's datasheet: dense, without
// sparsity. A precision that it has no units for is absent.
type CardPeak struct {
	FP32GFLOPS           float64 `json:"fp32_gflops"`
	TF32GFLOPS           float64 `json:"tf32_gflops,omitempty"`
	BF16GFLOPS           float64 `json:"bf16_gflops,omitempty"`
	BandwidthBytesPerSec float64 `json:"bandwidth_bytes_per_s"` // of the card's memory
	Source               string  `json:"source"`
}

// Terms are the conditions that the harness asked for.
type Terms struct {
	Device      string `json:"device"`
	Threads     int    `json:"threads"`
	CPUs        string `json:"cpus"` // list like "0-1"
	MemoryBytes int64  `json:"memory_bytes"`
	// LatencyBoundMS is what the server scenario's p99 may take; 0 when that was
	// not asked for.
	LatencyBoundMS float64 `json:"latency_bound_ms,omitempty"`
	// Volume is the size, like "48x64x64", of what the sliding-window scenario
	// infers by patches that overlap by that share; empty when that was not asked for.
	Volume  string  `json:"volume,omitempty"`
	Overlap float64 `json:"overlap,omitempty"`
}

// Workload is one row of what was measured.
type Workload struct {
	ID              string  `json:"id"`
	Digest          string  `json:"digest"` // SHA-256 of plan.json
	Network         string  `json:"network"`
	Mode            string  `json:"mode"`
	Batch           int     `json:"batch"`
	Precision       string  `json:"precision"`
	Threads         int     `json:"threads,omitempty"` // of its runners, if not those of the terms: of a record with several numbers of them
	InputShape      []int   `json:"input_shape"`
	Parameters      int64   `json:"parameters"`       // trainable elements
	MACs            int64   `json:"macs"`             // multiply-accumulates of one image's forward pass
	ActivationBytes int64   `json:"activation_bytes"` // of one image's forward pass, float32
	Inputs          *Inputs `json:"inputs,omitempty"` // absent in records of programs that could only generate them

	File *NetworkFile `json:"file,omitempty"` // that brings the network; nil for the zoo's
}

// NetworkFile is an ONNX file that brings a workload's network, and what was
// asked for beside it: enough for the run to go on.
type NetworkFile struct {
	Path    string `json:"path"`              // absolute
	SHA256  string `json:"sha256"`            // of all that it holds, weights beside it too
	Input   []int  `json:"input,omitempty"`   // [C H W] of its images, [C D H W] of its volumes, if it leaves them open
	Weights string `json:"weights,omitempty"` // that were asked for: file or generated
}

// Inputs say what a workload's batches were made of.
type Inputs struct {
	Source  string   `json:"source"`            // one of the sources below
	Formats []string `json:"formats,omitempty"` // of the files of slices and volumes: dicom, images, nifti
	SHA256  string   `json:"sha256,omitempty"`  // of all files' names and bytes
	Images  int      `json:"images,omitempty"`  // or slices, or volumes
	Classes int      `json:"classes,omitempty"` // folders
	Masks   int      `json:"masks,omitempty"`   // classes of the masks that label pixels; drawn from the seed if absent
}

// The sources of inputs.
const (
	GeneratedInputs = "generated"
	ImageInputs     = "images"  // PNG and JPEG
	SliceInputs     = "slices"  // every slice of DICOM and NIfTI files is an image
	VolumeInputs    = "volumes" // every DICOM series and NIfTI file is one
)

// InputsText says for people what a workload's batches were made of.
func (w Workload) InputsText() string {
	in := w.Inputs
	if in == nil || in.Source == GeneratedInputs {
		return "generated from the seed"
	}
	what := in.Source
	if len(in.Formats) > 0 {
		what += " of " + strings.NewReplacer("dicom", "DICOM", "nifti", "NIfTI").Replace(strings.Join(in.Formats, " and "))
	}
	if in.Masks > 0 {
		what += " with masks"
	}
	return fmt.Sprintf("%d %s in %d folders (SHA-256 %.12s)", in.Images, what, in.Classes, in.SHA256)
}

// InputsText says for people what all batches were made of: networks for volumes
// take other inputs from the same files than those for images.
func (r *Record) InputsText() string {
	var texts []string
	for _, w := range r.Workloads {
		if text := w.InputsText(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

// InputsDigest is that of a workload's images; empty if its inputs are generated.
func (w Workload) InputsDigest() string {
	if w.Inputs == nil {
		return ""
	}
	return w.Inputs.SHA256
}

// Runner is what a runner said of itself.
type Runner struct {
	Name             string            `json:"name"`
	Framework        string            `json:"framework"`
	FrameworkVersion string            `json:"framework_version"`
	Released         string            `json:"released,omitempty"`
	Maintained       bool              `json:"maintained"`
	CPUFeatures      string            `json:"cpu_features,omitempty"`
	Image            string            `json:"image,omitempty"`
	ImageID          string            `json:"image_id,omitempty"`
	AdapterDigest    string            `json:"adapter_digest"`
	Build            map[string]string `json:"build"`
	Terms            RunnerTerms       `json:"terms"`
}

// State says whether the framework is maintained, and since when it is not.
func (r Runner) State() string {
	if r.Maintained {
		return "maintained"
	}
	return "retired, last release " + r.Released
}

// RunnerTerms are the conditions that a runner confirmed from inside.
type RunnerTerms struct {
	Threads   int               `json:"threads"`
	CPUs      []int             `json:"cpus"`
	Layout    string            `json:"layout"`
	Execution string            `json:"execution"`
	Precision string            `json:"precision"`
	Switches  map[string]string `json:"switches"`
}

// ThreadsText is the number of threads for people: "unconfirmed" if nobody told.
func (t RunnerTerms) ThreadsText() string {
	if t.Threads == 0 {
		return "unconfirmed"
	}
	return strconv.Itoa(t.Threads)
}

// Cell is workload × runner × device.
type Cell struct {
	Workload         string         `json:"workload"`
	Runner           string         `json:"runner"`
	FrameworkVersion string         `json:"framework_version"`
	Image            string         `json:"image"`
	Device           string         `json:"device"`
	Status           string         `json:"status"`
	Reason           string         `json:"reason,omitempty"`
	Parity           Parity         `json:"parity"`
	Throughput       *Throughput    `json:"throughput,omitempty"`
	LatencyMS        *Latency       `json:"latency_ms,omitempty"`
	MultiStream      *MultiStreamed `json:"multi_stream,omitempty"`
	Server           *Served        `json:"server,omitempty"`
	SlidingWindow    *Windowed      `json:"sliding_window,omitempty"`
	Startup          *Startup       `json:"startup,omitempty"`
	ColdStartup      *Startup       `json:"cold_startup,omitempty"` // of processes that found nothing compiled; absent for a runner that keeps nothing
	Calibration      *Calibration   `json:"calibration,omitempty"`
	Utilization      *Utilization   `json:"utilization,omitempty"`
	Processes        []Process      `json:"processes"`
}

// The states of a cell.
const (
	Measured    = "measured"
	NotRanked   = "not_ranked"  // measured, or not at all, because parity did not pass or was not asked
	Unsupported = "unsupported" // the framework cannot; Reason says why
	Failed      = "failed"
	Pending     = "pending" // not measured yet, in a partial record
)

// Parity is the verdict that a runner computes what the reference computes.
type Parity struct {
	Status string  `json:"status"` // ParityPassed, ParityFailed, ParitySkipped, ParityUnsupported, ParityError
	Reason string  `json:"reason,omitempty"`
	Cached bool    `json:"cached,omitempty"`
	Checks []Check `json:"checks"`
}

// The verdicts of parity.
const (
	ParityPassed      = "passed"
	ParityFailed      = "failed"
	ParitySkipped     = "skipped" // --no-verify
	ParityUnsupported = "unsupported"
	ParityError       = "error" // the runner failed before it could be judged
)

// Check is one comparison of a tensor, or of a group by its worst tensor.
type Check struct {
	Layer     string  `json:"layer"`            // "operators", "network", "update", "measured"
	Name      string  `json:"name"`             // e.g. "conv/stride2", "gradients", "step"
	Tensor    string  `json:"tensor,omitempty"` // the worst one
	Value     float64 `json:"value"`            // deviation
	Tolerance float64 `json:"tolerance"`
	Spread    float64 `json:"spread,omitempty"` // the reference's own, if calibrated
	Passed    bool    `json:"passed"`
}

// Throughput is the median over processes of the process median.
type Throughput struct {
	Unit      string  `json:"unit"` // "images/s"
	Median    float64 `json:"median"`
	CILow     float64 `json:"ci_low"`
	CIHigh    float64 `json:"ci_high"`
	Level     float64 `json:"level"`     // coverage of the interval; 0 when it is a range
	Interval  string  `json:"interval"`  // "order-statistic", "range"
	N         int     `json:"n"`         // processes
	Converged bool    `json:"converged"` // the profile's width was reached
	Outliers  int     `json:"outliers"`  // processes beyond 1.5 interquartile ranges; counted, never dropped
}

// Latency holds percentiles over iterations issued one at a time; one that too
// few samples support is absent.
type Latency struct {
	P50  *float64 `json:"p50,omitempty"`
	P90  *float64 `json:"p90,omitempty"`
	P95  *float64 `json:"p95,omitempty"`
	P99  *float64 `json:"p99,omitempty"`
	P999 *float64 `json:"p99_9,omitempty"`
	Max  *float64 `json:"max,omitempty"`
	N    int      `json:"n"`
}

// MultiStreamed is the multi-stream scenario: queries of several images, each
// complete before the next is issued.
type MultiStreamed struct {
	ImagesPerQuery int     `json:"images_per_query"`
	LatencyMS      Latency `json:"latency_ms"` // of queries
}

// Served is the server scenario: queries of one batch arrive as a Poisson
// process, and latency counts from when they were scheduled. Each process finds
// the highest rate of a ladder at which its p99 keeps the bound.
type Served struct {
	Rate      *Throughput `json:"rate,omitempty"`       // "queries/s", over processes; absent when no process kept the bound
	LatencyMS *Latency    `json:"latency_ms,omitempty"` // at those rates
	LagMS     *Latency    `json:"lag_ms,omitempty"`     // between when a query could have been issued and when it was
	Over      int         `json:"over"`                 // processes that kept the bound at no rate
}

// Windowed is the sliding-window scenario: whole images or volumes, larger than
// the network's input, inferred by patches of that size and put together on the host.
type Windowed struct {
	Patches   int         `json:"patches"`    // of a volume
	LatencyMS Latency     `json:"latency_ms"` // of volumes
	Rate      *Throughput `json:"rate"`       // "megavoxels/s" of what is put together, over processes
}

// Startup is the cold start, medians over processes; of a runner that keeps what
// it compiles, over those that found it if there are any.
type Startup struct {
	StartSeconds          float64 `json:"start_s"` // from the engine's start to hello's reply
	ImportSeconds         float64 `json:"import_s"`
	LoadSeconds           float64 `json:"load_s"`
	FirstIterationSeconds float64 `json:"first_iteration_s"`
}

// Calibration is what the first process of a cell found and every later one
// repeats: without it, processes would differ in how warm they are.
type Calibration struct {
	WarmupIterations  int     `json:"warmup_iterations"`
	Steady            bool    `json:"steady"` // a steady state was seen at the end of the warm-up
	BlockIterations   int     `json:"block_iterations"`
	LatencyIterations int     `json:"latency_iterations"`       // of the single-stream block; 0 in training
	Queries           int     `json:"queries,omitempty"`        // of the multi-stream block
	Volumes           int     `json:"volumes,omitempty"`        // of the sliding-window block
	ServerQueries     int     `json:"server_queries,omitempty"` // of a server block
	ServerRate        float64 `json:"server_rate,omitempty"`    // queries per second that each process's search starts from
}

// Utilization is what was seen during the blocks; a missing source is absent
// and named in Missing with the reason.
type Utilization struct {
	CPUPercent      *float64 `json:"cpu_percent,omitempty"`       // the runner's own, 100 is one CPU
	HostCPUPercent  *float64 `json:"host_cpu_percent,omitempty"`  // whole machine, 100 is every CPU
	MemoryPeakBytes *int64   `json:"memory_peak_bytes,omitempty"` // the runner's own
	ThrottledNS     *int64   `json:"throttled_ns,omitempty"`      // CFS throttling of the runner's cgroup
	ThreadsBusy     *float64 `json:"threads_busy,omitempty"`      // over how many of its threads the runner spread its computing
	ThreadsAtOnce   *float64 `json:"threads_at_once,omitempty"`   // how many of its threads computed, or waited for a CPU, at a time
	ForeignCPUs     *float64 `json:"foreign_cpus,omitempty"`      // CPUs that others kept busy
	StealPercent    *float64 `json:"steal_percent,omitempty"`     // CPU time that the hypervisor gave to others, 100 is every CPU
	GPUPercent      *float64 `json:"gpu_percent,omitempty"`       // time in which some kernel ran
	GPUMemoryBytes  *int64   `json:"gpu_memory_bytes,omitempty"`
	GPUPowerWatts   *float64 `json:"gpu_power_watts,omitempty"`
	GPUClockMHz     *float64 `json:"gpu_clock_mhz,omitempty"`        // of the multiprocessors
	GPUMemoryClock  *float64 `json:"gpu_memory_clock_mhz,omitempty"` // of the card's memory
	GPUTemperature  *float64 `json:"gpu_temperature_celsius,omitempty"`
	GPUEnergyJoules *float64 `json:"gpu_energy_joules,omitempty"` // of a process's throughput blocks
	ImagesPerJoule  *float64 `json:"images_per_joule,omitempty"`  // images of those blocks over that energy
	EnergySource    string   `json:"energy_source,omitempty"`     // where the energy comes from, in words

	CPUPowerWatts     *float64 `json:"cpu_power_watts,omitempty"`      // of all processors, whoever used them
	CPUEnergyJoules   *float64 `json:"cpu_energy_joules,omitempty"`    // of theirs in a process's throughput blocks
	ImagesPerCPUJoule *float64 `json:"images_per_cpu_joule,omitempty"` // images of those blocks over that energy

	Missing map[string]string `json:"missing,omitempty"`
}

// Process is one start of a runner for one cell.
type Process struct {
	Round                 int      `json:"round"`  // from 0
	Order                 int      `json:"order"`  // position in the round, from 0
	Status                string   `json:"status"` // Measured, Failed
	Reason                string   `json:"reason,omitempty"`
	StartSeconds          float64  `json:"start_s"`
	ImportSeconds         float64  `json:"import_s"`
	LoadSeconds           float64  `json:"load_s"`
	FirstIterationSeconds float64  `json:"first_iteration_s"`
	CompileCache          string   `json:"compile_cache,omitempty"` // NothingCompiled, FoundCompiled; empty for a runner that keeps nothing
	WarmupNS              []int64  `json:"warmup_ns"`
	Threads               int      `json:"threads"`
	CPUs                  []int    `json:"cpus"`
	MemoryPeakBytes       *int64   `json:"memory_peak_bytes,omitempty"`
	Blocks                []Block  `json:"blocks"`
	Series                []Series `json:"series"`

	Missing map[string]string `json:"missing,omitempty"` // source → why the samplers have none of it
}

// What a process found of what an earlier one compiled.
const (
	NothingCompiled = "empty"
	FoundCompiled   = "filled"
)

// Block is a run of consecutive iterations timed as one. Times are nanoseconds
// of CLOCK_MONOTONIC on the host.
type Block struct {
	Scenario       string   `json:"scenario"`
	Iterations     int      `json:"iterations"`
	StartNS        int64    `json:"start_ns"`
	EndNS          int64    `json:"end_ns"`
	IterationNS    []int64  `json:"iteration_ns,omitempty"` // single-stream
	QueryNS        []int64  `json:"query_ns,omitempty"`     // multi-stream, server, sliding-window: latencies of queries
	Patches        int      `json:"patches,omitempty"`      // sliding-window: of each query
	LagNS          []int64  `json:"lag_ns,omitempty"`       // server: what the issuing loop added to each
	QueryRate      float64  `json:"query_rate,omitempty"`   // server: queries per second that were scheduled
	DeviceNS       int64    `json:"device_ns,omitempty"`    // the same block by the device's own events; 0 if nothing tells
	OutputDigest   string   `json:"output_digest"`
	CPUPercent     *float64 `json:"cpu_percent,omitempty"`      // the runner's own, mean over the block
	HostCPUPercent *float64 `json:"host_cpu_percent,omitempty"` // mean over the block
	GPUPercent     *float64 `json:"gpu_percent,omitempty"`
}

// Series is one source over the life of the process. Of rates and levels, a
// value holds from the time before it to its own time; "throttled_ns" is a
// counter, and its differences count.
type Series struct {
	Name   string    `json:"name"` // "cpu_percent", "host_cpu_percent", "memory_bytes", "gpu0_percent", "gpu0_power_watts", …
	Unit   string    `json:"unit"` // "%", "bytes", "W", "MHz", "°C"
	TimeNS []int64   `json:"time_ns"`
	Values []float64 `json:"values"`
}

// Comparison is a pairwise ratio of throughputs on one workload, A over B,
// paired by round. Without an interval CILow and CIHigh are the extremes.
type Comparison struct {
	Workload string  `json:"workload"`
	A        string  `json:"a"`
	B        string  `json:"b"`
	Ratio    float64 `json:"ratio"`
	CILow    float64 `json:"ci_low"`
	CIHigh   float64 `json:"ci_high"`
	Level    float64 `json:"level"` // 0 when too few processes for an interval
	N        int     `json:"n"`     // rounds that both have
	Verdict  string  `json:"verdict"`
}

// Overall is what a mode comes to: the geometric mean of the ratios of
// throughputs, A over B, over the mode's workloads that both were measured on.
// B is the same for all of a mode. The interval is a bootstrap over rounds.
type Overall struct {
	Mode      string  `json:"mode,omitempty"` // absent if an older program pooled all modes; Decode leaves such rows out
	A         string  `json:"a"`
	B         string  `json:"b"`
	Ratio     float64 `json:"ratio"`
	CILow     float64 `json:"ci_low"`
	CIHigh    float64 `json:"ci_high"`
	Level     float64 `json:"level"` // 0 when too few rounds for an interval; the ends are the ratio then
	Workloads int     `json:"workloads"`
	Verdict   string  `json:"verdict"`
}

// The verdicts of a comparison.
const (
	Faster            = "faster" // A is
	Slower            = "slower"
	Indistinguishable = "indistinguishable"
	TooFew            = "too few processes"
)
