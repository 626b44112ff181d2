package html_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/metrics/summary"
)

// near compares with the five digits that charts keep.
func near(t *testing.T, what string, got any, want float64) {
	t.Helper()
	if v, ok := got.(float64); !ok || math.Abs(v-want) > 1e-4*math.Abs(want)+1e-12 {
		t.Errorf("%s is %v, expected %v", what, got, want)
	}
}

func TestThroughputChartShowsMediansIntervalsAndProcesses(t *testing.T) {
	rec := campaign(thorough())
	c := drawn(t, render(t, rec)).chart(t, "resnet50-train-b8-fp32-throughput")
	found := c.of("mxnet")
	if len(found) != 2 || found[0].Type != "scatter" || len(found[0].Data) != 8 {
		t.Fatalf("mxnet has the series %+v", found)
	}
	want := rec.Cell("resnet50/train/b8/fp32", "mxnet").Throughput
	for i, v := range []float64{want.CILow, want.Median, want.CIHigh} {
		x, y := pair(found[1].Data[i])
		near(t, "point", x, v)
		if y != "mxnet" {
			t.Errorf("it stands beside %v", y)
		}
	}
	for _, p := range rec.Cell("resnet50/train/b8/fp32", "mxnet").Processes {
		v, _ := summary.ProcessThroughput(p, 8)
		x, _ := pair(found[0].Data[p.Round])
		near(t, fmt.Sprintf("process %d", p.Round), x, v)
	}
	if names := c.YAxis[0].Data; len(names) != 6 || names[5] != "onnxruntime" { // the last is drawn on top
		t.Errorf("runners %v", names)
	}
}

// Every point of the thinned distribution is a point of the whole one, and its
// ends and its tail are there.
func TestDistributionIsThinnedHonestly(t *testing.T) {
	rec := campaign(full())
	const w = "resnet18/infer/b8/fp32"
	page := render(t, rec)
	found := drawn(t, page).chart(t, "resnet18-infer-b8-fp32-ecdf").of("mxnet")
	ms := rec.Cell(w, "mxnet").LatenciesMS()
	slices.Sort(ms)
	points := found[0].Data
	if len(ms) != 7000 || len(points) < 40 || len(points) > 80 {
		t.Fatalf("%d points of %d iterations", len(points), len(ms))
	}
	last := 0.0
	for i, p := range points {
		x, share := pair(p)
		rank := int(math.Round(share.(float64)*float64(len(ms)))) - 1
		if i > 0 && share.(float64) <= last {
			t.Errorf("point %d does not rise", i)
		}
		last = share.(float64)
		if math.Abs(x.(float64)-ms[min(len(ms)-1, rank)]) > 1e-3*x.(float64) {
			t.Errorf("point %d: %v ms at rank %d, where %v is", i, x, rank, ms[rank])
		}
	}
	first, _ := pair(points[0])
	end, one := pair(points[len(points)-1])
	near(t, "least", first, ms[0])
	near(t, "greatest", end, ms[len(ms)-1])
	near(t, "share of all", one, 1)
	tail := 0
	for _, p := range points {
		if _, share := pair(p); share.(float64) > 0.99 {
			tail++
		}
	}
	if tail < 10 {
		t.Errorf("%d points stand beyond the 99th percentile", tail)
	}
	if note := plain(figureOf(t, page, "resnet18-infer-b8-fp32-ecdf")); !strings.Contains(note, "of 56000 raw times are drawn") {
		t.Error("nothing says how many are drawn")
	}
}

func TestFewLatenciesAreAllDrawn(t *testing.T) {
	p := small()
	p.latencies = 12
	rec := campaign(p)
	points := drawn(t, render(t, rec)).chart(t, "lenet-infer-b8-fp32-ecdf").of("mxnet")[0].Data
	if len(points) != 36 {
		t.Errorf("%d of 36 iterations are drawn", len(points))
	}
}

func TestTrainingHasNoLatency(t *testing.T) {
	d := drawn(t, render(t, campaign(small())))
	for id := range d.Charts {
		if strings.Contains(id, "train") && (strings.HasSuffix(id, "-ecdf") || strings.HasSuffix(id, "-latency")) {
			t.Errorf("there is %s", id)
		}
	}
}

// Two operations a multiply-accumulate; a training step counts as three forward
// passes, and the page says so.
func TestAchievedRateIsCountedAsSaid(t *testing.T) {
	rec := campaign(thorough())
	page := render(t, rec)
	d := drawn(t, page)
	for mode, factor := range map[string]float64{"infer": 2, "train": 6} {
		id := "resnet50-" + mode + "-b8-fp32-compute"
		x, _ := pair(d.chart(t, id).of("mxnet")[1].Data[1])
		near(t, mode, x, factor*4_089_184_256*rec.Cell("resnet50/"+mode+"/b8/fp32", "mxnet").Throughput.Median/1e9)
		note := plain(figureOf(t, page, id))
		if strings.Contains(note, "counts as three forward passes") != (mode == "train") || !strings.Contains(note, "images/s") {
			t.Errorf("%s: the note is %q", mode, note)
		}
		peak := d.chart(t, id).of("measured peak")
		if len(peak) != 1 || len(peak[0].MarkLine.Data) != 1 || peak[0].MarkLine.Data[0].XAxis != 51_200 {
			t.Errorf("%s: the peak is %+v", mode, peak)
		}
	}
	table := d.Tables["resnet50-infer-b8-fp32-compute-table"]
	share := cellText(table.Rows[1][5])
	if want := fmt.Sprintf("%.1f", 100*2*4_089_184_256*rec.Cell("resnet50/infer/b8/fp32", "mxnet").Throughput.Median/1e9/51_200); share != want {
		t.Errorf("share of the peak %s, expected %s", share, want)
	}
}

func TestRooflineNeedsAMeasuredPeak(t *testing.T) {
	p := thorough()
	page := render(t, campaign(p))
	roof := drawn(t, page).chart(t, "roofline")
	line := roof.of("roof")[0].Data
	_, top := pair(line[1])
	x, _ := pair(line[1])
	near(t, "ridge", x, 51_200e9/3.3e12)
	near(t, "roof", top, 51_200)
	left, low := pair(line[0])
	near(t, "slope", low, left.(float64)*3.3e12/1e9)
	if n := len(roof.of("onnxruntime")[0].Data); n != 12 {
		t.Errorf("%d of 12 workloads stand under the roof", n)
	}
	p.peak, p.card = nil, "NVIDIA GeForce GT 1030" // without a datasheet among ours
	page = render(t, campaign(p))
	if _, there := drawn(t, page).Charts["roofline"]; there || strings.Contains(page, `id="roof"`) {
		t.Error("a roof that nobody measured is drawn")
	}
	if note := plain(figureOf(t, page, "resnet50-infer-b8-fp32-compute")); !strings.Contains(note, "No share of a peak is shown: NVIDIA GeForce GT 1030 is not among the cards whose datasheets dlbench knows, and no peak of it was measured") {
		t.Errorf("the note is %q", note)
	}
}

func TestBatchesBecomeLines(t *testing.T) {
	rec := campaign(thorough())
	d := drawn(t, render(t, rec))
	c := d.chart(t, "batches-resnet18-infer-fp32").of("mxnet")
	if len(c) != 2 || len(c[0].Data) != 3 || len(c[1].Data) != 9 {
		t.Fatalf("mxnet has %+v", c)
	}
	for i, batch := range []float64{1, 8, 32} {
		x, y := pair(c[0].Data[i])
		near(t, "batch", x, batch)
		near(t, "images/s", y, rec.Cell(fmt.Sprintf("resnet18/infer/b%.0f/fp32", batch), "mxnet").Throughput.Median)
	}
	for id := range drawn(t, render(t, campaign(small()))).Charts {
		if strings.HasPrefix(id, "batches-") {
			t.Errorf("a single batch has the line %s", id)
		}
	}
}

// Shaded are the blocks of the process of median throughput; each source stands
// over the same time.
func TestTimelineIsAlignedToTheBlocks(t *testing.T) {
	p := thorough()
	p.readings = 1000
	rec := campaign(p)
	c := drawn(t, render(t, rec)).chart(t, "resnet18-infer-b8-fp32-time-mxnet")
	cell := rec.Cell("resnet18/infer/b8/fp32", "mxnet")
	process := medianOf(cell)
	origin := process.Series[0].TimeNS[0]
	if len(c.XAxis) != 5 || len(c.YAxis) != 5 || len(c.Grid) != 5 {
		t.Fatalf("%d, %d, %d lanes", len(c.XAxis), len(c.YAxis), len(c.Grid))
	}
	for i, name := range []string{"CPU %", "memory MiB", "GPU %", "GPU memory MiB", "GPU power W"} {
		if c.YAxis[i].Name != name {
			t.Errorf("lane %d is %q, expected %q", i, c.YAxis[i].Name, name)
		}
	}
	shaded := c.Series[0].MarkArea.Data
	if len(shaded) != len(process.Blocks) {
		t.Fatalf("%d shades for %d blocks", len(shaded), len(process.Blocks))
	}
	for i, b := range process.Blocks {
		near(t, "start", shaded[i][0].XAxis, float64(b.StartNS-origin)/1e9)
		near(t, "end", shaded[i][1].XAxis, float64(b.EndNS-origin)/1e9)
	}
	points := c.Series[0].Data
	if len(points) > 100 || len(points) < 90 {
		t.Errorf("%d points stand for 1000 readings", len(points))
	}
	var drawnMean []float64
	for _, point := range points {
		_, y := pair(point)
		drawnMean = append(drawnMean, y.(float64))
	}
	s := process.SeriesNamed(record.SeriesCPU)
	whole, _ := s.Mean(s.TimeNS[0], s.TimeNS[len(s.TimeNS)-1])
	if got := stats.Mean(drawnMean); math.Abs(got-whole) > 0.001*whole {
		t.Errorf("the mean of what is drawn is %v, of what was read %v", got, whole)
	}
}

// medianOf is the process of median throughput at batch 8.
func medianOf(c *record.Cell) *record.Process {
	processes := c.MeasuredProcesses()
	slices.SortFunc(processes, func(a, b *record.Process) int {
		x, _ := summary.ProcessThroughput(*a, 8)
		y, _ := summary.ProcessThroughput(*b, 8)
		return map[bool]int{true: -1, false: 1}[x < y]
	})
	return processes[(len(processes)-1)/2]
}

func TestEnergyNeedsASource(t *testing.T) {
	rec := campaign(thorough())
	c := rec.Cell("resnet18/infer/b8/fp32", "mxnet")
	x, _ := pair(drawn(t, render(t, rec)).chart(t, "resnet18-infer-b8-fp32-energy").of("mxnet")[0].Data[1])
	near(t, "mJ an image", x, 1000**c.Utilization.GPUPowerWatts/c.Throughput.Median)
	page := render(t, campaign(small()))
	for name, told := range map[string]string{"small": "Energy of the processors an image is not shown: the kernel counts no energy of the processors here",
		"full": "Energy of the processors an image is not shown: it was not sampled."} {
		rec := campaign(small())
		if name == "full" {
			delete(rec.Environment.Missing, record.SeriesCPUEnergy) // of a program that did not ask
		}
		if page := plain(render(t, rec)); !strings.Contains(page, told) || strings.Contains(page, "Energy of the GPU an image is not shown") {
			t.Errorf("%s: nothing says why there is no energy of the processors, or of what they do not have", name)
		}
	}
	deaf := thorough()
	deaf.deaf = true
	if page := plain(render(t, campaign(deaf))); !strings.Contains(page, "Energy of the GPU an image is not shown: no source of power was sampled.") {
		t.Error("nothing says why there is no energy of the GPU")
	}
	if strings.Contains(page, `-energy"`) {
		t.Error("energy without a source is drawn")
	}
}

func TestColdStartCountsTheImportOnce(t *testing.T) {
	rec := campaign(small())
	c := drawn(t, render(t, rec)).chart(t, "lenet-infer-b8-fp32-coldstart")
	s := rec.Cell("lenet/infer/b8/fp32", "onnxruntime").Startup
	total := 0.0
	for _, phase := range c.of("onnxruntime") {
		x, who := pair(phase.Data[0])
		if who != "onnxruntime" {
			t.Fatalf("it stands beside %v", who)
		}
		total += x.(float64)
	}
	if want := s.StartSeconds + s.LoadSeconds + s.FirstIterationSeconds; math.Abs(total-want) > 1e-3 {
		t.Errorf("the bar is %v s long, expected %v", total, want)
	}
}

// A runner that keeps what it compiles starts in two ways.
func TestColdStartsThatCompileAreDrawnApart(t *testing.T) {
	rec := campaign(small())
	c := rec.Cell("lenet/infer/b8/fp32", "onnxruntime")
	compiling := *c.Startup
	compiling.FirstIterationSeconds += 30
	c.ColdStartup = &compiling
	page := render(t, rec)
	length := func(name string) (total float64) {
		for _, phase := range drawn(t, page).chart(t, "lenet-infer-b8-fp32-coldstart").of(name) {
			x, _ := pair(phase.Data[0])
			total += x.(float64)
		}
		return total
	}
	if usual, first := length("onnxruntime"), length("onnxruntime, compiling"); usual <= 0 || math.Abs(first-usual-30) > 1e-2 {
		t.Errorf("the bars are %v s and %v s long", usual, first)
	}
	if !strings.Contains(plain(page), "starts in two ways") {
		t.Error("nothing says why there are two")
	}
}
