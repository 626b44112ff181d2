package html_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/summary"
)

func TestThreadsBecomeSpeedup(t *testing.T) {
	rec := campaign(scaled())
	page := render(t, rec)
	d := drawn(t, page)
	const id = "speedup-resnet18-infer-b8-fp32"
	times, shares := d.chart(t, id), d.chart(t, id+"-efficiency")
	line := times.of("mxnet")
	if len(line) != 2 || len(line[0].Data) != 5 || len(line[1].Data) != 15 {
		t.Fatalf("mxnet has %+v", line)
	}
	one := rec.Cell("resnet18/infer/b8/fp32/t1", "mxnet")
	for i, threads := range []int{1, 2, 4, 8, 12} {
		c := rec.Cell(fmt.Sprintf("resnet18/infer/b8/fp32/t%d", threads), "mxnet")
		ratios, _ := summary.PairedRatios(c, one, 8)
		want := summary.Paired(ratios)
		x, y := pair(line[0].Data[i])
		near(t, "threads", x, float64(threads))
		near(t, "speed-up", y, want.Value)
		_, low := pair(line[1].Data[3*i])
		_, high := pair(line[1].Data[3*i+1])
		near(t, "low", low, want.Low)
		near(t, "high", high, want.High)
		_, share := pair(shares.of("mxnet")[0].Data[i])
		near(t, "efficiency", share, 100*want.Value/float64(threads))
	}
	if even := times.of("proportional"); len(even) != 1 || fmt.Sprint(even[0].Data) != "[[1 1] [12 12]]" {
		t.Errorf("the line of proportional speed-up is %+v", even)
	}
	table := d.Tables[id+"-table"].Rows
	if len(table) < 20 {
		t.Errorf("table %v", table)
	}
	for _, row := range table {
		threads, err := strconv.Atoi(cellText(row[2]))
		times, err2 := strconv.ParseFloat(cellText(row[4]), 64)
		share, err3 := strconv.ParseFloat(cellText(row[7]), 64)
		if err != nil || err2 != nil || err3 != nil || math.Abs(share-100*times/float64(threads)) > 1 {
			t.Errorf("row %v: %v %v %v", row, err, err2, err3)
		}
	}
	if !strings.Contains(page, `<a href="#threads">Threads</a>`) || !strings.Contains(plain(page), "Parallel efficiency is speed-up over threads") {
		t.Error("the section has no link or no words")
	}
	if strings.Contains(page, "Scaling with the batch") {
		t.Error("one batch by several threads is drawn over the batch")
	}
}

func TestNoSpeedupWithoutThreads(t *testing.T) {
	page := render(t, campaign(thorough()))
	if strings.Contains(page, `id="threads"`) || strings.Contains(page, "speedup-") {
		t.Error("a record of one number of threads shows speed-up")
	}
	several := scaled()
	several.counts = []int{2, 4}
	if page := render(t, campaign(several)); strings.Contains(page, `id="threads"`) {
		t.Error("speed-up is shown without one thread")
	}
}
