package record_test

import (
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// small is a valid record of one measured cell and one that cannot be, with
// every field of every type set somewhere.
func small() *record.Record {
	value, bytes, card := 12.5, int64(1<<30), 0
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &record.Record{
		SchemaVersion: record.SchemaVersion, DlbenchVersion: "0.1.0", Suite: "smoke", Profile: "quick",
		Created: created, Updated: created.Add(time.Minute), Seed: 1<<64 - 1, Scenarios: []string{"server"}, Status: record.Complete, Rounds: 1,
		Environment: record.Environment{Host: "h", OS: "Debian 12", Kernel: "6.1", CPU: "EPYC <9>", CPUFlags: []string{"avx2"}, Microcode: "0xa0011d5",
			Cores: 2, LogicalCPUs: 2, MemoryBytes: bytes, Governor: "performance", Virtualization: "kvm", CPUEnergy: "RAPL, 1 package", CPUSet: "0-1", SlurmJob: "17", Cgroup: "v2", Engine: "podman",
			EngineVersion: "5", GPUs: []record.GPU{
				{Name: "H200", UUID: "GPU-1", MemoryBytes: bytes, Driver: "570", ComputeCapability: "9.0", MIG: true, PCIeGenerationMax: 5, PCIeWidthMax: 16,
					Peak: &record.CardPeak{FP32GFLOPS: 67_000, TF32GFLOPS: 494_500, BF16GFLOPS: 989_500, BandwidthBytesPerSec: 4.8e12, Source: "datasheet"}},
				{Index: 1, Name: "H200 MIG 1g.18gb", UUID: "MIG-1", MemoryBytes: bytes, Driver: "570", ComputeCapability: "9.0", Parent: &card}},
			Missing: map[string]string{"rapl": "no such folder"}},
		Terms:    record.Terms{Device: "cpu", Threads: 2, CPUs: "0-1", MemoryBytes: bytes, LatencyBoundMS: 50, Volume: "64x64", Overlap: 0.5},
		Warnings: []record.Warning{{Code: "budget", Text: "ended, \"early\"", Scope: "run"}},
		Workloads: []record.Workload{{ID: "lenet/infer/b8/fp32", Digest: "d", Network: "lenet", Mode: "infer", Batch: 8,
			Precision: "fp32", InputShape: []int{8, 1, 28, 28}, Parameters: 61706, MACs: 416520, ActivationBytes: 60000}},
		Runners: []record.Runner{
			{Name: "torch", Framework: "PyTorch", FrameworkVersion: "2.9", Released: "2025-10-15", Maintained: true, Image: "i", ImageID: "id",
				AdapterDigest: "a", Build: map[string]string{"blas": "mkl"}, Terms: record.RunnerTerms{Threads: 2, CPUs: []int{0, 1},
					Layout: "NCHW", Execution: "eager", Precision: "fp32", Switches: map[string]string{"tf32": "off"}}},
			{Name: "caffe", Framework: "Caffe"}},
		Cells: []record.Cell{
			{Workload: "lenet/infer/b8/fp32", Runner: "torch", FrameworkVersion: "2.9", Image: "i", Device: "cpu", Status: record.Measured,
				Parity: record.Parity{Status: record.ParityPassed, Cached: true, Checks: []record.Check{{Layer: "network", Name: "logits",
					Tensor: "logits", Value: 1e-7, Tolerance: 1e-5, Spread: 1e-8, Passed: true}}},
				Throughput:  &record.Throughput{Unit: "images/s", Median: 1600, CILow: 1600, CIHigh: 1600, Interval: "range", N: 1},
				LatencyMS:   &record.Latency{P50: &value, P90: &value, P95: &value, P99: &value, Max: &value, N: 3},
				MultiStream: &record.MultiStreamed{ImagesPerQuery: 8, LatencyMS: record.Latency{Max: &value, N: 1}},
				SlidingWindow: &record.Windowed{Patches: 25, LatencyMS: record.Latency{Max: &value, N: 2},
					Rate: &record.Throughput{Unit: "megavoxels/s", Median: 0.35, CILow: 0.35, CIHigh: 0.35, Interval: "range", N: 1}},
				Server: &record.Served{Rate: &record.Throughput{Unit: "queries/s", Median: 10, CILow: 10, CIHigh: 10, Interval: "range", N: 1},
					LatencyMS: &record.Latency{Max: &value, N: 1}, LagMS: &record.Latency{Max: &value, N: 1}, Over: 1},
				Startup: &record.Startup{StartSeconds: 1, ImportSeconds: 0.5, LoadSeconds: 0.1, FirstIterationSeconds: 0.01},
				Calibration: &record.Calibration{WarmupIterations: 3, Steady: true,
					BlockIterations: 2, LatencyIterations: 3, Queries: 1, Volumes: 2, ServerQueries: 2, ServerRate: 10},
				Utilization: &record.Utilization{CPUPercent: &value, HostCPUPercent: &value, MemoryPeakBytes: &bytes, ThrottledNS: &bytes,
					CPUPowerWatts: &value, CPUEnergyJoules: &value, ImagesPerCPUJoule: &value, GPUPercent: &value, GPUMemoryBytes: &bytes, GPUPowerWatts: &value, GPUClockMHz: &value, GPUMemoryClock: &value, GPUTemperature: &value,
					GPUEnergyJoules: &value, ImagesPerJoule: &value, EnergySource: "counter", Missing: map[string]string{"nvml": "no driver"}},
				Processes: []record.Process{{Status: record.Measured, StartSeconds: 1, ImportSeconds: 0.5, LoadSeconds: 0.1,
					FirstIterationSeconds: 0.01, WarmupNS: []int64{9, 8, 7}, Threads: 2, CPUs: []int{0, 1}, MemoryPeakBytes: &bytes,
					Blocks: []record.Block{
						{Scenario: record.Offline, Iterations: 2, StartNS: 1e9, EndNS: 1_010_000_000, OutputDigest: "o", CPUPercent: &value,
							HostCPUPercent: &value, GPUPercent: &value},
						{Scenario: record.SingleStream, Iterations: 3, StartNS: 1_010_000_000, EndNS: 1_020_000_000,
							IterationNS: []int64{3e6, 4e6, 5e6}, OutputDigest: "o"},
						{Scenario: record.MultiStream, Iterations: 2, StartNS: 1_020_000_000, EndNS: 1_030_000_000, QueryNS: []int64{9e6}, OutputDigest: "o"},
						{Scenario: record.Server, Iterations: 2, StartNS: 1_030_000_000, EndNS: 1_230_000_000, QueryNS: []int64{9e6, 8e6},
							LagNS: []int64{1e3, 2e3}, QueryRate: 10, OutputDigest: "o"},
						{Scenario: record.SlidingWindow, Iterations: 8, StartNS: 1_230_000_000, EndNS: 1_260_000_000, QueryNS: []int64{12e6, 11e6}, Patches: 25, OutputDigest: "o"}},
					Series:  []record.Series{{Name: "cpu_percent", Unit: "%", TimeNS: []int64{1, 2}, Values: []float64{0, 99.5}}},
					Missing: map[string]string{"nvml": "no driver"}}}},
			{Workload: "lenet/infer/b8/fp32", Runner: "caffe", Device: "cpu", Status: record.Unsupported, Reason: "no inference",
				Parity: record.Parity{Status: record.ParityUnsupported, Reason: "no inference"}}},
		Comparisons: []record.Comparison{{Workload: "lenet/infer/b8/fp32", A: "torch", B: "caffe", Ratio: 2, CILow: 1.5, CIHigh: 2.5,
			Level: 0.96, N: 6, Verdict: record.Faster}},
		Overall: []record.Overall{{Mode: "infer", A: "caffe", B: "torch", Ratio: 0.5, CILow: 0.4, CIHigh: 0.6, Level: 0.95, Workloads: 1, Verdict: record.Slower}},
	}
}
