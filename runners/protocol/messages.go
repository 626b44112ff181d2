// Package protocol is the conversation between the harness and a runner: JSON
// lines, requests on the runner's standard input, replies on its standard
// output, large data in files under the mounted work directory.
package protocol

import "encoding/json"

// Version is the version of the protocol that this harness speaks.
const Version = 1

// The requests, in the order of a session.
const (
	Hello   = "hello"
	Load    = "load"
	Verify  = "verify"
	Warmup  = "warmup"
	Measure = "measure"
	Unload  = "unload"
	Bye     = "bye"
)

// The requests that only a comparison with the framework's own loop makes, of
// runners that have one in their process: they need not be known.
const (
	Bare      = "bare"      // build that loop's workload, before load or after it
	Alternate = "alternate" // blocks of the runner and of the loop in turn
)

// Request is one line from the harness.
type Request struct {
	ID      int64           `json:"id"`
	Request string          `json:"request"`
	Params  json.RawMessage `json:"params,omitempty"`
}

// Reply is one line from the runner: Result or Error, never both.
type Reply struct {
	ID     int64           `json:"id"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *Error          `json:"error,omitempty"`
}

// Code is a stable error code.
type Code string

// The error codes of a runner.
const (
	BadRequest        Code = "bad_request"        // the message is broken or came out of turn
	UnknownRequest    Code = "unknown_request"    // a later protocol's request
	Unsupported       Code = "unsupported"        // an operator, mode, precision that the framework lacks
	DeviceUnavailable Code = "device_unavailable" // no such device, or the build cannot use it
	BadInput          Code = "bad_input"          // a plan or tensor file is broken
	OutOfMemory       Code = "out_of_memory"
	DiskFull          Code = "disk_full"
	Internal          Code = "internal" // anything else; the message has the exception
)

// Error is a runner's refusal or failure.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// HelloParams open a session.
type HelloParams struct {
	Protocol int    `json:"protocol"`
	Device   string `json:"device"`  // "cpu", "gpu:0"
	Threads  int    `json:"threads"` // the budget; the environment says the same before the start
}

// HelloResult is how a runner introduces itself.
type HelloResult struct {
	Protocol         int               `json:"protocol"`
	Runner           string            `json:"runner"`
	Framework        string            `json:"framework"`
	FrameworkVersion string            `json:"framework_version"`
	AdapterDigest    string            `json:"adapter_digest"` // SHA-256 over the adapter's own sources
	Build            map[string]string `json:"build"`          // e.g. "blas", "compiler", "cuda"
	Device           DeviceSeen        `json:"device"`
	Terms            Terms             `json:"terms"`
	Capabilities     Capabilities      `json:"capabilities"`
	ImportSeconds    float64           `json:"import_s"`
	PID              int               `json:"pid"`
}

// DeviceSeen is what the framework says it will compute on.
type DeviceSeen struct {
	Kind string `json:"kind"` // "cpu", "gpu"
	Name string `json:"name"`
	UUID string `json:"uuid,omitempty"`
}

// Terms are the conditions in force inside the runner.
type Terms struct {
	Threads   int               `json:"threads"`   // what the framework or its pool says it uses; 0 while nobody tells, and then Switches says so
	CPUs      []int             `json:"cpus"`      // sched_getaffinity
	Layout    string            `json:"layout"`    // of activations while computing: "NCHW", "NHWC"
	Execution string            `json:"execution"` // "eager", "graph", …
	Precision string            `json:"precision"`
	Switches  map[string]string `json:"switches"` // everything switched on or off against the framework's defaults
}

// Unconfirmed is the value of the switch "threads" while nobody tells how many
// threads compute: before a network is built, or of frameworks that never do.
const Unconfirmed = "unconfirmed"

// ThreadsConfirmed says whether Threads was read back.
func (t Terms) ThreadsConfirmed() bool { return t.Threads > 0 }

// Capabilities say what a runner can be asked for.
type Capabilities struct {
	Operators       []string          `json:"operators"`
	Modes           []string          `json:"modes"`
	Precisions      []string          `json:"precisions"`             // on the device of this session; none is fp32 only
	NoPrecision     map[string]string `json:"no_precision,omitempty"` // of the others, why not: {"tf32": "this CPU has none"}
	NoTraining      map[string]string `json:"no_training,omitempty"`  // of the precisions, in which it only infers, and why
	RunningVariance string            `json:"running_variance"`       // "biased" or "unbiased": the estimator its batch norm keeps
	Noise           bool              `json:"noise,omitempty"`        // verify understands NoiseParams (only the reference)
}

// LoadParams name the files of a workload, as paths inside the runner.
type LoadParams struct {
	Plan    string `json:"plan"`
	Weights string `json:"weights"`
	Batch   string `json:"batch"`
}

// LoadResult tells what was built.
type LoadResult struct {
	LoadSeconds float64 `json:"load_s"`
	Parameters  int64   `json:"parameters"`      // elements of trainable parameters
	Terms       *Terms  `json:"terms,omitempty"` // when loading changed them
}

// VerifyParams ask for the tensors that the harness judges. The runner starts
// from the loaded weights and leaves them as they were.
type VerifyParams struct {
	Output    string       `json:"output"`              // path of the safetensors file to write
	Steps     int          `json:"steps,omitempty"`     // training: length of the trajectory
	Gradients bool         `json:"gradients,omitempty"` // training: write grad.*, param.*, stat.* of the first two steps
	Noise     *NoiseParams `json:"noise,omitempty"`
}

// NoiseParams ask the reference to repeat itself with rounding-sized noise.
type NoiseParams struct {
	Precision string  `json:"precision"` // whose unit roundoff: "fp32", "tf32", "bf16", "fp16"
	Seed      uint64  `json:"seed"`
	Scale     float64 `json:"scale,omitempty"` // the noise as a multiple of that roundoff; 0 is 1
}

// VerifyResult names the shapes that the framework itself inferred.
type VerifyResult struct {
	Output string           `json:"output"`
	Shapes map[string][]int `json:"shapes"` // node name → NCHW shape, for every node the framework can tell
}

// WarmupParams run iterations, each complete before the next is started.
type WarmupParams struct {
	Iterations int `json:"iterations"`
	FirstSlot  int `json:"first_slot"`
}

// WarmupResult holds one duration an iteration and, in training, the losses of
// the first iterations of this process (at most 3).
type WarmupResult struct {
	IterationNS []int64   `json:"iteration_ns"`
	Losses      []float64 `json:"losses,omitempty"`
}

// Scenario says how iterations are issued; the names are MLPerf Inference's.
type Scenario string

// The scenarios.
const (
	Offline      Scenario = "offline"       // back to back, synchronised only at the block's edges
	SingleStream Scenario = "single-stream" // each iteration complete before the next is issued
	MultiStream  Scenario = "multi-stream"  // queries of some iterations: each query complete before the next is issued
	Server       Scenario = "server"        // queries of one iteration that arrive by a schedule and are served in order
	TrainStep    Scenario = "train"         // back to back, synchronised only at the block's edges

	// SlidingWindow has queries that are whole images or volumes, larger than the
	// network's input: inferred by overlapping patches of that size, put together on
	// the host, each complete there before the next is begun.
	SlidingWindow Scenario = "sliding-window"
)

// MeasureParams run one block.
type MeasureParams struct {
	Scenario        Scenario `json:"scenario"`
	Iterations      int      `json:"iterations"`
	FirstSlot       int      `json:"first_slot"`
	QueryIterations int      `json:"query_iterations,omitempty"` // multi-stream, sliding-window: iterations of a query; they divide Iterations
	ArrivalNS       []int64  `json:"arrival_ns,omitempty"`       // server: when each query is scheduled, after the block's start
	Window          *Window  `json:"window,omitempty"`           // sliding-window
	Output          string   `json:"output,omitempty"`           // when set, the last iteration's output is written there; sliding-window: all of the last query's
}

// Window says what is inferred by patches, and how these lie: along each axis
// ⌈(size − patch) ÷ (patch · (1 − overlap))⌉ + 1 of them, spread evenly from end to
// end, places rounded with halves to even; the last axis is the fastest. A batch
// takes the next ones, and the last batch is filled up with the last patch. The
// content of the volume is that of the slots' images side by side, each as large as
// a patch, the last axis the fastest, slot after slot and from the first again,
// cut off at the volume's end. A patch's logits count by the Gaussian whose
// standard deviation is an eighth of its size, around element size ÷ 2 of each axis.
type Window struct {
	Size    []int   `json:"size"`    // of the image or volume, one number an axis
	Overlap float64 `json:"overlap"` // at least this share of a patch, from 0 to 0.9
}

// MeasureResult holds CLOCK_MONOTONIC times in nanoseconds.
type MeasureResult struct {
	StartNS      int64    `json:"start_ns"`
	EndNS        int64    `json:"end_ns"`
	IterationNS  []int64  `json:"iteration_ns,omitempty"` // single-stream: one latency an iteration
	QueryNS      []int64  `json:"query_ns,omitempty"`     // multi-stream, server, sliding-window: one latency a query; server: from the scheduled time
	LagNS        []int64  `json:"lag_ns,omitempty"`       // server: from when a query could have been issued (scheduled, and the one before done) until it was
	DeviceNS     int64    `json:"device_ns,omitempty"`    // throughput blocks: the same time by the device's own events, if it has some
	OutputDigest string   `json:"output_digest"`          // SHA-256 of the last iteration's output, or what Output says, float32 little-endian
	Loss         *float64 `json:"loss,omitempty"`         // training: the last iteration's
}

// BareResult tells what was built of the same files that load is given: of the
// plan, because weights and batches are the loop's own.
type BareResult struct {
	LoadSeconds float64 `json:"load_s"`
}

// The sides of an order.
const (
	RunnerSide = 'r'
	BareSide   = 'b'
)

// AlternateParams ask for throughput blocks of both, each from slot 0.
type AlternateParams struct {
	Order      string `json:"order"`          // a side each: "rbbr"
	Iterations int    `json:"iterations"`     // of each block
	Lead       int    `json:"lead,omitempty"` // untimed iterations before each
}

// AlternateResult holds the blocks in their order.
type AlternateResult struct {
	Blocks     []AlternateBlock `json:"blocks"`
	NoCounters string           `json:"no_counters,omitempty"` // why nothing was counted
}

// AlternateBlock holds CLOCK_MONOTONIC times in nanoseconds, and what all
// threads of the process did in user mode, if that was counted.
type AlternateBlock struct {
	StartNS      int64  `json:"start_ns"`
	EndNS        int64  `json:"end_ns"`
	CPUNS        int64  `json:"cpu_ns,omitempty"` // CPU time of all threads
	Instructions *int64 `json:"instructions,omitempty"`
	Cycles       *int64 `json:"cycles,omitempty"`
}
