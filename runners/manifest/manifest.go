// Package manifest reads runners/frameworks/<name>/runner.json: all that
// dlbench knows of a runner before it starts it.
package manifest

// SchemaVersion is the version of runner.json.
const SchemaVersion = 1

// Manifest describes one runner.
type Manifest struct {
	SchemaVersion int               `json:"schema_version"`
	Name          string            `json:"name"`      // "pytorch"
	Framework     string            `json:"framework"` // "PyTorch"
	Version       string            `json:"version"`   // of the framework in the image
	Description   string            `json:"description"`
	Homepage      string            `json:"homepage"`
	Maintained    bool              `json:"maintained"`
	Released      string            `json:"released"`               // date of that version's release, YYYY-MM-DD
	CPUFeatures   string            `json:"cpu_features,omitempty"` // the instructions that its kernels use
	Image         Image             `json:"image"`
	Command       []string          `json:"command"`        // inside the image; "{here}" is replaced, see At
	Bare          []string          `json:"bare,omitempty"` // the framework's own loop, that fidelity compares the runner with
	Peak          []string          `json:"peak,omitempty"` // prints what the framework's matrix products reach at most
	Local         *Local            `json:"local,omitempty"`
	Environment   map[string]string `json:"environment,omitempty"` // "{threads}" is replaced by the budget, "{cache}" by a directory: see EnvironmentFor
	Operators     []string          `json:"operators,omitempty"`   // of plans, and forms of them, that the adapter has; hello says them again
	Modes         []string          `json:"modes,omitempty"`       // "infer", "train"; both if it names none. Hello says them again
	Devices       []string          `json:"devices"`               // "cpu", "gpu"

	Variants    map[string]Variant `json:"variants,omitempty"`    // other ways to run it, asked for as NAME+VARIANT
	Recommended *Recommendation    `json:"recommended,omitempty"` // which of its ways the framework's documentation recommends for speed
	GPU         *GPU               `json:"gpu,omitempty"`         // what computes on GPUs; absent if nothing does
	NoGPU       string             `json:"no_gpu,omitempty"`      // and then why
	Reference   bool               `json:"reference,omitempty"`   // judged against, never ranked

	Source string `json:"-"` // where it was read, for messages
	Room   string `json:"-"` // its directory among the sources that come with dlbench; empty for other people's
}

// Variant is another way to run a framework: the same program under another
// environment, in the same image or in one that has more.
type Variant struct {
	Description string            `json:"description"`
	Environment map[string]string `json:"environment,omitempty"` // beside the runner's own, and DLBENCH_VARIANT, which is its name
	Devices     []string          `json:"devices,omitempty"`     // if they are fewer than the runner's
	Image       *Image            `json:"image,omitempty"`       // if the runner's lacks what it needs
	GPUImage    *Image            `json:"gpu_image,omitempty"`   // likewise, of the build for GPUs
}

// Recommendation is what the framework's own documentation recommends for speed.
type Recommendation struct {
	Variant string `json:"variant,omitempty"` // empty is the runner as it is
	Reason  string `json:"reason"`
	Source  string `json:"source"` // where the documentation says so
}

// Image says how the runner's image is built. A Name without a Context is an
// image that the user provides.
type Image struct {
	Name    string `json:"name"`
	Context string `json:"context,omitempty"` // docker/<context>: the framework's packages
	Base    string `json:"base,omitempty"`    // docker/base/<base>.txt, what they stand on; "python" if it is empty
	On      string `json:"on,omitempty"`      // or the contexts whose packages they stand on, from below, with spaces between
	Build   string `json:"build,omitempty"`   // the base of stages that compile
	Adapter string `json:"adapter,omitempty"` // docker/adapter/<adapter>, the last layer; "python" if it is empty
}

// GPU describes the build that computes on GPUs.
type GPU struct {
	Image         Image    `json:"image"`             // without a name, the image for CPUs serves both
	Version       string   `json:"version,omitempty"` // of the framework in it, if it is another
	CUDA          string   `json:"cuda"`              // that it brings, like "13.0"
	Architectures []string `json:"architectures"`     // of its kernels: binaries "sm_90", intermediate code "compute_90"; empty if nobody knows
}

// Local says how to start the runner as a plain process.
type Local struct {
	Command  []string `json:"command"`
	Requires []string `json:"requires"` // Python modules that have to import
}
