package bench

import (
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/workloads/data"
)

// Setup says which runners are made ready, for which workloads, and under which
// terms. Names are those of the command line.
type Setup struct {
	Suite     string               // a name, or a YAML file; empty is Workloads, Networks, or DefaultSuite
	Workloads []string             // these instead, like resnet50/infer/b8/fp32
	Networks  []string             // ONNX files, measured in Modes and Batches, or named in Workloads
	Input     string               // of their images if they leave it open, like 3x224x224 or 1x64x128x128
	Weights   string               // "file" or "generated"; empty is the file's in inference, and drawn ones to train
	Modes     []string             // of Networks; empty is inference
	Batches   []int                // of Networks; empty is what the file fixes, or 8
	Data      string               // a directory of images for all batches, a folder for each class; empty generates them
	Files     []record.NetworkFile // of a run that goes on: they have to be what they were
	Runners   []string             // NAME, NAME+VARIANT or "best"; empty is every one but the reference
	RunnerDir string               // a directory with more runners
	Manifests []manifest.Manifest  // the runners to choose from; nil is the built-in ones and RunnerDir's
	Seed      uint64               // of weights, batches and the order of measuring

	Device    string // what to compute on, in the form of device.Parse
	Exclusive bool   // refuse a GPU that others use, instead of a warning
	Threads   int    // each runner may use; 0 is one for each CPU of the set
	CPUs      string // list of CPUs the runners may use, like "0-3,8"; empty is all
	Engine    string // what starts the runners: "auto", or an engine's name
	Jobs      int    // layers of images that are built at once; 0 is DefaultJobs

	Logs     string // directory for what runners and builders say; empty keeps none of the runners'
	Host     Host
	Progress Progress      // nil is silent
	Timeline *timeline.Log // of what is built, verified and measured; nil keeps none

	images *data.Set // of Data, once they were read
}

// Progress is told how far a benchmark is. Its methods may be called from
// several goroutines.
type Progress interface {
	// Step announces what is done now. The fraction is that of the present part, from
	// 0 to 1, or negative if it is not known; left is 0 if it is not known.
	Step(text string, fraction float64, left time.Duration)
	// Detail is what the present step is busy with, for somebody who watches.
	Detail(text string)
	// Say tells something that should be kept.
	Say(format string, args ...any)
}

type silent struct{}

func (silent) Step(string, float64, time.Duration) {}
func (silent) Detail(string)                       {}
func (silent) Say(string, ...any)                  {}

// Options say everything about one campaign.
type Options struct {
	Setup
	Profile      string             // how much is measured; empty is the suite's
	Rounds       int                // exactly so many processes of each cell; 0 is the profile's
	Budget       time.Duration      // to verify and to measure, and the process that runs then; 0 is none
	Scenarios    []string           // of inference, beside those that are always measured
	LatencyBound time.Duration      // of the server scenario's p99; 0 is DefaultLatencyBound
	Volume       string             // size of what the sliding-window scenario infers, like 48x64x64
	Overlap      *float64           // of its patches, as a share; nil is the suite's or window.DefaultOverlap
	SkipParity   bool               // measure without a verdict; nothing is ranked then
	MinChange    map[string]float64 // the smallest changes that checks of the record tell, as record.Record has them; nil is the suite's
	Strict       []string           // codes of warnings that end the run, or "all"
	Machine      string             // name of this machine, whose records are compared with one another; empty leaves that to its hardware
	Branch       string             // that is measured: its records are kept apart

	Dir     string                     // made before anything is measured; empty makes none
	Seen    Seen                       // what cells took before, to say how long this will take; nil knows nothing
	Resume  *record.Record             // of an interrupted campaign to go on with; it is changed
	Asked   func()                     // called once the request was understood, before anything is started; nil is nothing
	Preview func(*record.Record)       // shown when many images are to be built; nil is none
	Save    func(*record.Record) error // after every round and at the end; nil keeps nothing
}

// DefaultLatencyBound is what the p99 of the server scenario may take.
const DefaultLatencyBound = 100 * time.Millisecond

// Defaults are the options of a campaign for which nothing else was asked.
func Defaults() Options {
	return Options{Setup: Setup{Seed: 1, Device: device.CPU.Name, Engine: "auto", Host: ThisHost()}}
}
