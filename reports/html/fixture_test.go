package html_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/metrics/summary"
)

// attack would run, load and break out, if a report let it.
const attack = `</script><script>document.title="taken"</script><img src=x onerror="document.title='taken'"><u id="alive">bold</u>&"'`

// cnn is what a made-up campaign measures.
type cnn struct {
	name             string
	parameters, macs int64
	activations      int64
}

var networks = []cnn{
	{"lenet", 61_706, 416_520, 60_000}, {"resnet20", 272_474, 40_800_000, 1_900_000}, {"resnet18", 11_689_512, 1_814_073_344, 9_200_000},
	{"resnet50", 25_557_032, 4_089_184_256, 44_400_000}, {"resnet101", 44_549_160, 7_801_405_440, 65_000_000}, {"mobilenetv2", 3_504_872, 300_774_272, 27_000_000},
}

var runnerNames = []string{"onnxruntime", "mxnet", "caffe2", "tensorflow", "pytorch", "jax", "keras-tensorflow", "keras-jax", "dl4j", "caffe", "cntk", "keras-pytorch"}

// plan says how large a made-up campaign is.
type plan struct {
	text      string // in every name and log
	networks  []cnn
	batches   []int
	counts    []int // numbers of threads, if they are the workloads'
	runners   int
	rounds    int
	blocks    int
	latencies int // single-stream iterations of a process
	readings  int // of each source over a process
	threads   int
	gpu       bool
	peak      *record.Peak
	card      string // what NVML calls the GPU
	counted   bool   // its driver tells everything
	deaf      bool   // its driver tells nothing
	rapl      bool   // the processors count their energy
}

// small is a quick look: three rounds, two networks.
func small() plan {
	return plan{networks: networks[:2], batches: []int{8}, runners: 6, rounds: 3, blocks: 3, latencies: 140, readings: 30, threads: 2}
}

// thorough has intervals, several batches, a GPU and a peak.
func thorough() plan {
	return plan{networks: networks[2:4], batches: []int{1, 8, 32}, runners: 8, rounds: 8, blocks: 5, latencies: 300, readings: 80, threads: 8, gpu: true, card: "NVIDIA H200",
		peak: &record.Peak{GFLOPS: 51_200, BandwidthBytesPerSec: 3.3e12, Source: "cuBLAS sgemm 8192³, 20 repetitions"}}
}

// metered is a GPU whose driver tells everything: the energy that it counts, a
// power cap, and its datasheet's peak, which nobody measured.
func metered() plan {
	p := thorough()
	p.networks, p.batches, p.peak, p.counted, p.rapl = networks[3:4], []int{1, 8}, nil, true, true
	return p
}

// scaled has several numbers of threads.
func scaled() plan {
	p := small()
	p.networks, p.counts, p.threads, p.rounds = networks[2:4], []int{1, 2, 4, 8, 12}, 12, 8
	return p
}

// full is a suite of thirty workloads on ten runners.
func full() plan {
	return plan{networks: networks[:5], batches: []int{1, 8, 32}, runners: 10, rounds: 10, blocks: 5, latencies: 700, readings: 300, threads: 16, gpu: true, card: "NVIDIA H200"}
}

// campaign makes a record that resembles a real one. The same plan makes the
// same record.
func campaign(p plan) *record.Record {
	rng := rand.New(rand.NewPCG(7, uint64(p.rounds)))
	r := record.New(time.Date(2026, 11, 24, 12, 4, 5, 0, time.UTC))
	r.DlbenchVersion, r.Suite, r.Profile = "0.3.0"+p.text, "resnet"+p.text, map[bool]string{true: "report", false: "quick"}[p.rounds >= 6]
	r.Updated, r.Seed, r.Status, r.Rounds = time.Date(2026, 11, 24, 13, 20, 5, 0, time.UTC), 42, record.Complete, p.rounds
	r.Environment = record.Environment{Host: "bench-1" + p.text, OS: "Debian 12", Kernel: "6.1.0", CPU: "AMD EPYC 9555 64-Core Processor" + p.text, CPUFlags: []string{"avx2", "avx512f"},
		Cores: p.threads, LogicalCPUs: p.threads, MemoryBytes: 64 << 30, Governor: "performance", SMT: "off", Virtualization: "kvm", Cgroup: "v2", Engine: "podman", EngineVersion: "5.4",
		Peak: p.peak, Missing: map[string]string{}}
	r.Terms = record.Terms{Device: "cpu", Threads: p.threads, CPUs: fmt.Sprintf("0-%d", p.threads-1), MemoryBytes: 16 << 30}
	r.Warn(record.AboutRun, record.VirtualMachine, "kvm: other machines share the processor, and its clocks are hidden%s", p.text)
	r.Warn(record.AboutRun, "code"+p.text, "a warning that this program does not know%s", p.text)
	if p.gpu {
		r.Terms.Device = "gpu:0"
		r.Environment.GPUs = []record.GPU{{Name: p.card + p.text, UUID: "GPU-1", MemoryBytes: 141 << 30, Driver: "570.1", ComputeCapability: "9.0",
			PCIeGenerationMax: 5, PCIeWidthMax: 16, Peak: environment.CardPeak(p.card)}}
	} else {
		r.Environment.Missing["gpu"] = "NVIDIA driver library not found" + p.text
	}
	if p.rapl {
		r.Environment.CPUEnergy = "RAPL, 2 packages"
	} else {
		r.Environment.Missing[record.SeriesCPUEnergy] = sample.ErrNoRAPL.Error()
	}
	p.addWorkloads(r)
	p.addRunners(r)
	for _, w := range r.Workloads {
		for i, runner := range r.Runners {
			r.AddCell(p.cell(rng, w, runner, i))
		}
	}
	summary.Summarize(r)
	first := r.Workloads[0].ID
	r.Warn(record.AboutCell(first, r.Runners[1].Name), record.NoSteadyState, "iterations were still changing%s", p.text)
	r.Warn(record.AboutRunner(r.Runners[2].Name), record.MemoryMismatch, "held to 8 GiB%s", p.text)
	return r
}

func (p plan) addWorkloads(r *record.Record) {
	for _, n := range p.networks {
		for _, mode := range []string{"infer", "train"} {
			for _, batch := range p.batches {
				w := record.Workload{ID: fmt.Sprintf("%s/%s/b%d/fp32", n.name, mode, batch) + p.text, Network: n.name + p.text, Mode: mode, Batch: batch,
					Precision: "fp32", InputShape: []int{batch, 3, 224, 224}, Parameters: n.parameters, MACs: n.macs, ActivationBytes: n.activations}
				if p.counts == nil {
					r.AddWorkload(w)
				}
				for _, w.Threads = range p.counts {
					of := w
					of.ID += fmt.Sprintf("/t%d", w.Threads)
					r.AddWorkload(of)
				}
			}
		}
	}
}

func (p plan) addRunners(r *record.Record) {
	for i, name := range runnerNames[:p.runners] {
		r.AddRunner(record.Runner{Name: name + p.text, Framework: name + p.text, FrameworkVersion: fmt.Sprintf("%d.%d.0", 1+i%3, i) + p.text, Released: "2025-10-15",
			Maintained: i%4 != 1, CPUFeatures: "avx512", Image: "localhost/dlbench/" + name, Build: map[string]string{"blas" + p.text: []string{"mkl", "openblas"}[i%2] + p.text},
			Terms: record.RunnerTerms{Threads: p.threads, CPUs: []int{0, 1}, Layout: []string{"NHWC", "NCHW"}[i%2] + p.text, Execution: "compiled", Precision: "fp32", Switches: map[string]string{"tf32": "off" + p.text}}})
	}
}

// cell is the last runner's failure, the one before's missing operator, a
// mismatch of the third from the end, and a measurement of all others.
func (p plan) cell(rng *rand.Rand, w record.Workload, runner record.Runner, i int) record.Cell {
	c := record.Cell{Workload: w.ID, Runner: runner.Name, FrameworkVersion: runner.FrameworkVersion, Device: "cpu", Status: record.Pending,
		Calibration: &record.Calibration{WarmupIterations: 25, Steady: true, BlockIterations: 40, LatencyIterations: p.latencies},
		Parity:      record.Parity{Status: record.ParityPassed, Cached: i%2 == 0, Checks: p.checks(rng)}}
	if p.gpu {
		c.Device = "gpu:0"
	}
	switch p.runners - i {
	case 1:
		c.Status, c.Reason, c.Calibration = record.Failed, "killed: the memory limit was reached"+p.text, nil
		c.Processes = []record.Process{{Round: 0, Status: record.Failed, Reason: "exit 137" + p.text}}
		return c
	case 2:
		c.Status, c.Reason, c.Calibration = record.Unsupported, "no operator Resize"+p.text, nil
		c.Parity = record.Parity{Status: record.ParityUnsupported, Reason: c.Reason}
		return c
	case 3:
		c.Status, c.Reason = record.NotRanked, "parity failed"+p.text
		c.Parity.Status, c.Parity.Reason = record.ParityFailed, "gradients are off"+p.text
		c.Parity.Checks[1].Passed, c.Parity.Checks[1].Value = false, 0.31
	}
	speed := 3e12 / (float64(w.MACs) + 3e8) * math.Pow(0.8, float64(i)) * math.Sqrt(float64(w.Batch)) // images/s
	if w.Threads > 0 {
		speed *= math.Pow(float64(w.Threads), 0.95-0.08*float64(i))
	}
	for round := range p.rounds {
		c.Processes = append(c.Processes, p.process(rng, w, round, i, speed*(1+0.006*rng.NormFloat64())))
	}
	return c
}

func (p plan) checks(rng *rand.Rand) []record.Check {
	list := []record.Check{
		{Layer: "network", Name: "outputs", Tensor: "logits" + p.text, Value: 1e-6 * (1 + rng.Float64()), Tolerance: 1e-5, Spread: 4e-7, Passed: true},
		{Layer: "network", Name: "gradients", Tensor: "layer3.0.conv2.weight" + p.text, Value: 2e-5 * (1 + rng.Float64()), Tolerance: 2e-4, Spread: 1e-5, Passed: true},
		{Layer: "update", Name: "step", Tensor: "fc.bias", Value: 3e-8, Tolerance: 1e-6, Passed: true},
		{Layer: "measured", Name: "outputs", Value: 0, Tolerance: 1e-6, Passed: true}}
	for i := range 12 {
		list = append(list, record.Check{Layer: "operators", Name: fmt.Sprintf("conv/case%d", i), Tensor: "output", Value: 1e-7 * rng.Float64(), Tolerance: 1e-5, Passed: true})
	}
	return list
}

// process has throughput blocks, a single-stream block in inference, and what
// the samplers saw.
func (p plan) process(rng *rand.Rand, w record.Workload, round, i int, speed float64) record.Process {
	peak := int64(200+60*i) << 20
	out := record.Process{Round: round, Order: i, Status: record.Measured, StartSeconds: 1.2 + 0.2*float64(i) + 0.1*rng.Float64(), ImportSeconds: 0.8 + 0.15*float64(i),
		LoadSeconds: 0.2 + rng.Float64()*0.1, FirstIterationSeconds: 0.05 + 0.02*float64(i), Threads: p.threads, WarmupNS: slices.Repeat([]int64{5e6}, 25), MemoryPeakBytes: &peak}
	scenario := map[string]string{"infer": record.Offline, "train": record.Train}[w.Mode]
	at := int64(5e9)
	for range p.blocks {
		length := int64(40 * float64(w.Batch) / speed * 1e9)
		out.Blocks = append(out.Blocks, record.Block{Scenario: scenario, Iterations: 40, StartNS: at, EndNS: at + length})
		at += length + 2e7
	}
	if w.Mode == "infer" {
		b := record.Block{Scenario: record.SingleStream, Iterations: p.latencies, StartNS: at}
		for range p.latencies {
			ns := int64(float64(w.Batch) / speed * 1e9 * (1 + 0.05*rng.ExpFloat64()))
			b.IterationNS = append(b.IterationNS, ns)
			at += ns
		}
		b.EndNS = at
		out.Blocks = append(out.Blocks, b)
	}
	p.sample(rng, &out, at)
	return out
}

func (p plan) sample(rng *rand.Rand, out *record.Process, end int64) {
	start := out.Blocks[0].StartNS - 3e8
	add := func(name, unit string, value func(busy float64) float64) {
		s := record.Series{Name: name, Unit: unit}
		for k := range p.readings {
			ns := start + (end+2e8-start)*int64(k)/int64(p.readings-1)
			s.TimeNS = append(s.TimeNS, ns)
			s.Values = append(s.Values, value(map[bool]float64{true: 1, false: 0.2}[ns > out.Blocks[0].StartNS]))
		}
		out.Series = append(out.Series, s)
	}
	threads := float64(p.threads)
	add(record.SeriesCPU, "%", func(busy float64) float64 { return 100 * threads * busy * (0.967 + 0.003*rng.Float64()) })
	add(record.SeriesHostCPU, "%", func(busy float64) float64 { return 100 * busy * (0.971 + 0.002*rng.Float64()) })
	add(record.SeriesMemory, "bytes", func(busy float64) float64 { return float64(*out.MemoryPeakBytes) * (0.7 + 0.3*busy) })
	if p.rapl {
		joules := 0.0
		add(record.SeriesCPUEnergy, "J", func(busy float64) float64 { joules += 2 * busy; return joules })
	}
	if p.gpu && !p.deaf {
		add(record.GPUSeries(0, record.GPUPercent), "%", func(busy float64) float64 { return 97 * busy })
		add(record.GPUSeries(0, record.GPUPower), "W", func(busy float64) float64 { return 120 + 480*busy + 10*rng.Float64() })
		add(record.GPUSeries(0, record.GPUMemory), "bytes", func(float64) float64 { return 3 << 30 })
		if p.counted {
			p.meter(add)
		}
	} else if !p.gpu {
		out.Missing = map[string]string{"gpu": "no NVIDIA driver" + p.text}
	}
}

// meter adds what a recent driver tells beside: a counter of energy, clocks that
// a power cap holds down in the blocks, and a link of half the lanes.
func (p plan) meter(add func(name, unit string, value func(busy float64) float64)) {
	joules := 5e6
	add(record.GPUSeries(0, record.GPUEnergy), "J", func(busy float64) float64 { joules += 3 * busy; return joules })
	add(record.GPUSeries(0, record.GPUClock), "MHz", func(busy float64) float64 { return 345 + 1500*busy })
	add(record.GPUSeries(0, record.GPUTemperature), "°C", func(busy float64) float64 { return 35 + 30*busy })
	add(record.GPUSeries(0, record.GPUThermalLimit), "", func(float64) float64 { return 0 })
	add(record.GPUSeries(0, record.GPUPowerCap), "", math.Floor)
	add(record.GPUSeries(0, record.GPULinkWidth), "lanes", func(float64) float64 { return 8 })
}
