package html_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	figures "github.com/dlbench/dlbench/reports/ranking"
)

const onGPU = "resnet50-infer-b8-fp32"

// The lanes of a card stand below each other over the time of the blocks, with
// what was read; what never held the clocks down has no line.
func TestTimelineOfAGPU(t *testing.T) {
	rec := campaign(metered())
	c := drawn(t, render(t, rec)).chart(t, onGPU+"-time-mxnet")
	want := []string{"CPU %", "memory MiB", "GPU %", "GPU memory MiB", "GPU power W", "GPU clock MHz", "clocks held down"}
	if len(c.YAxis) != len(want) {
		t.Fatalf("%d lanes, expected %d", len(c.YAxis), len(want))
	}
	for i, name := range want {
		if c.YAxis[i].Name != name {
			t.Errorf("lane %d is %q, expected %q", i, c.YAxis[i].Name, name)
		}
	}
	p := medianOf(rec.Cell("resnet50/infer/b8/fp32", "mxnet"))
	for name, series := range map[string]string{"GPU GPU %": record.GPUPercent, "GPU GPU power W": record.GPUPower, "GPU GPU clock MHz": record.GPUClock,
		"power cap clocks held down": record.GPUPowerCap} {
		lines := c.of(name)
		if len(lines) != 1 {
			t.Fatalf("%d lines %q", len(lines), name)
		}
		s := p.SeriesNamed(record.GPUSeries(0, series))
		if len(lines[0].Data) != len(s.Values) || len(lines[0].MarkArea.Data) != len(p.Blocks) {
			t.Errorf("%s: %d of %d readings, %d shades for %d blocks", name, len(lines[0].Data), len(s.Values), len(lines[0].MarkArea.Data), len(p.Blocks))
		}
		last, want := len(s.Values)-1, s.Values[len(s.Values)-1]
		if _, y := pair(lines[0].Data[last]); y.(float64) < 0.99*want || y.(float64) > 1.01*want {
			t.Errorf("%s ends at %v, expected %v", name, y, want)
		}
	}
	if len(c.of("heat clocks held down")) != 0 {
		t.Error("heat that was not is drawn")
	}
}

func TestBlocksOfAGPU(t *testing.T) {
	rec := campaign(metered())
	p := medianOf(rec.Cell("resnet50/infer/b8/fp32", "mxnet"))
	table := drawn(t, render(t, rec)).Tables[onGPU+"-time-mxnet-table"]
	joules, _ := p.SeriesNamed("gpu0_energy_joules").Increase(p.Blocks[0].StartNS, p.Blocks[0].EndNS)
	power, _ := p.SeriesNamed("gpu0_power_watts").Mean(p.Blocks[0].StartNS, p.Blocks[0].EndNS)
	found := map[string]string{}
	for i, name := range table.Columns {
		found[name] = cellText(table.Rows[0][i+1])
	}
	for name, want := range map[string]string{"GPU W": fmt.Sprintf("%.0f", power), "GPU MHz": "1845", "clocks held down by": "power cap", "GPU %": "97"} {
		if found[name] != want {
			t.Errorf("%s is %q, expected %q", name, found[name], want)
		}
	}
	if found["GPU J"] != figures.Figure(joules, 0) {
		t.Errorf("GPU J is %q, expected %v", found["GPU J"], joules)
	}
	cpu := drawn(t, render(t, campaign(small()))).Tables["lenet-infer-b8-fp32-time-mxnet-table"]
	if strings.Contains(strings.Join(cpu.Columns, " "), "GPU") {
		t.Errorf("blocks on CPUs have the columns %v", cpu.Columns)
	}
}

func TestImagesPerJoule(t *testing.T) {
	rec := campaign(metered())
	u := rec.Cell("resnet50/infer/b8/fp32", "mxnet").Utilization
	page := render(t, rec)
	if u.ImagesPerJoule == nil || !strings.Contains(u.EnergySource, "counter") {
		t.Fatalf("got %+v", u)
	}
	for _, id := range []string{onGPU + "-ranking-table", onGPU + "-usage-table"} {
		if got := cellOf(t, rows(t, page, id), "mxnet", "images/J"); got != figures.Figure(*u.ImagesPerJoule, 0) {
			t.Errorf("%s: %q, expected %v", id, got, *u.ImagesPerJoule)
		}
	}
	d := drawn(t, page)
	x, _ := pair(d.chart(t, onGPU+"-energy").of("mxnet")[0].Data[1])
	near(t, "mJ an image", x, 1000 / *u.ImagesPerJoule)
	table := d.Tables[onGPU+"-energy-table"]
	if last := cellText(table.Rows[0][len(table.Columns)]); last != u.EnergySource {
		t.Errorf("the energy is from %q, expected %q", last, u.EnergySource)
	}
	if strings.Contains(render(t, campaign(small())), "images/J") {
		t.Error("a column of images per joule without energy")
	}
}

// The processors' energy stands beside the GPU's, and is not added to it.
func TestEnergyOfTheProcessors(t *testing.T) {
	rec := campaign(metered())
	c := rec.Cell("resnet50/infer/b8/fp32", "mxnet")
	u := c.Utilization
	if u.CPUEnergyJoules == nil || u.ImagesPerCPUJoule == nil || u.CPUPowerWatts == nil {
		t.Fatalf("got %+v", u)
	}
	page := render(t, rec)
	d := drawn(t, page)
	x, _ := pair(d.chart(t, onGPU+"-cpu-energy").of("mxnet")[0].Data[1])
	near(t, "mJ an image", x, 1000 / *u.ImagesPerCPUJoule)
	for _, id := range []string{onGPU + "-ranking-table", onGPU + "-usage-table"} {
		if got := cellOf(t, rows(t, page, id), "mxnet", "images/CPU J"); got != figures.Figure(*u.ImagesPerCPUJoule, 0) {
			t.Errorf("%s: %q, expected %v", id, got, *u.ImagesPerCPUJoule)
		}
	}
	if note := plain(figureOf(t, page, onGPU+"-cpu-energy")); !strings.Contains(note, "Energy of all processors (RAPL, 2 packages)") {
		t.Errorf("the note is %q", note)
	}
	p := medianOf(c)
	joules, _ := p.SeriesNamed(record.SeriesCPUEnergy).Increase(p.Blocks[0].StartNS, p.Blocks[0].EndNS)
	table := d.Tables[onGPU+"-time-mxnet-table"]
	if i := slices.Index(table.Columns, "CPU J"); i < 0 || cellText(table.Rows[0][i+1]) != figures.Figure(joules, 0) {
		t.Errorf("blocks have the columns %v, expected %v J of the processors", table.Columns, joules)
	}
}

func TestShareOfTheCardsPeak(t *testing.T) {
	rec := campaign(metered())
	rec.Workloads[0].Precision = "tf32"
	page := render(t, rec)
	d := drawn(t, page)
	gflops := 2 * 4_089_184_256 * rec.Cell("resnet50/infer/b8/fp32", "mxnet").Throughput.Median / 1e9
	shares := map[string]string{}
	for _, row := range d.Tables[onGPU+"-compute-table"].Rows {
		shares[cellText(row[1])] = cellText(row[5])
	}
	if want := fmt.Sprintf("%.1f", 100*gflops/67_000); shares["mxnet"] != want {
		t.Errorf("share of the peak %s, expected %s", shares["mxnet"], want)
	}
	if note := plain(figureOf(t, page, onGPU+"-compute")); !strings.Contains(note, "Line: the datasheet's peak, 67000 GFLOP/s (NVIDIA H200, fp32, datasheet, boost clock)") {
		t.Errorf("the note is %q", note)
	}
	if peak := d.chart(t, onGPU+"-compute").of("datasheet's peak"); len(peak) != 1 || peak[0].MarkLine.Data[0].XAxis != 67_000 {
		t.Errorf("the line is %+v", peak)
	}
	lines := d.chart(t, "roofline").of("roof")
	if len(lines) != 2 {
		t.Fatalf("%d roofs for two precisions", len(lines))
	}
	for i, top := range []float64{494_500, 67_000} {
		_, y := pair(lines[i].Data[1])
		near(t, "roof", y, top)
	}
}

func TestWhatHeldTheCardBackStandsBesideIt(t *testing.T) {
	rec := campaign(metered())
	page := render(t, rec)
	if got := cellOf(t, rows(t, page, onGPU+"-usage-table"), "mxnet", "warnings"); !strings.Contains(got, record.GPUPowerLimit) || !strings.Contains(got, record.GPULink) || strings.Contains(got, record.GPUThermal) {
		t.Errorf("beside the card stands %q", got)
	}
	if !strings.Contains(plain(page), "the GPU's clocks were held down: the power cap in 48 of 48 blocks") {
		t.Error("nothing says in how many blocks")
	}
}

// A part of a card is told from the card.
func TestMIGDevicesAreDescribed(t *testing.T) {
	rec, card := campaign(metered()), 0
	rec.Environment.GPUs[0].MIG = true
	rec.Environment.GPUs = append(rec.Environment.GPUs, record.GPU{Index: 1, Name: "NVIDIA H200 MIG 1g.18gb", UUID: "MIG-7", MemoryBytes: 18 << 30, Driver: "570.1", ComputeCapability: "9.0", Parent: &card})
	machine := rows(t, render(t, rec), "machine-table")
	if got := cellOf(t, machine, "GPU 0", "value"); !strings.Contains(got, "divided by MIG; at most 67000 GFLOP/s in fp32, 494500 in tf32, 989500 in bf16, 4800 GB/s (datasheet, boost clock)") {
		t.Errorf("the card is %q", got)
	}
	if got := cellOf(t, machine, "GPU 1", "value"); !strings.Contains(got, "MIG device MIG-7 of GPU 0: power, energy, clocks, temperature and link are the whole GPU's") {
		t.Errorf("the part is %q", got)
	}
}
