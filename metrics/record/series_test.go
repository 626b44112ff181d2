package record_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

func TestSeriesMean(t *testing.T) {
	s := &record.Series{TimeNS: []int64{100, 200, 300, 500}, Values: []float64{7, 10, 20, 40}}
	for name, tt := range map[string]struct {
		start, end int64
		want       float64
		ok         bool
	}{
		"one value":               {100, 200, 10, true},
		"within one value":        {310, 320, 40, true},
		"two halves":              {150, 250, 15, true},
		"weighed by time":         {200, 500, (20*100 + 40*200) / 300.0, true},
		"half covered at the end": {400, 600, 40, true},
		"too little at the end":   {401, 603, 0, false},
		"half covered before":     {0, 200, 10, true},
		"before everything":       {0, 100, 0, false},
		"after everything":        {500, 600, 0, false},
		"no time":                 {300, 300, 0, false},
	} {
		got, ok := s.Mean(tt.start, tt.end)
		if ok != tt.ok || got != tt.want {
			t.Errorf("%s: got %v, %v, expected %v, %v", name, got, ok, tt.want, tt.ok)
		}
	}
	var none *record.Series
	if _, ok := none.Mean(0, 1); ok {
		t.Error("no series has a mean")
	}
}

// A rate made from a counter has, over any span, the mean that the counter's
// interpolated readings at the span's ends give.
func TestMeanOfARateIsTheCountersDifference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	counter := record.Series{TimeNS: []int64{0}, Values: []float64{5}}
	rate := record.Series{TimeNS: []int64{0}, Values: []float64{0}}
	for range 50 {
		last := len(counter.TimeNS) - 1
		step, growth := 1+rng.Int64N(400), rng.Float64()*1000
		counter.TimeNS = append(counter.TimeNS, counter.TimeNS[last]+step)
		counter.Values = append(counter.Values, counter.Values[last]+growth)
		rate.TimeNS = append(rate.TimeNS, counter.TimeNS[last+1])
		rate.Values = append(rate.Values, growth/float64(step))
	}
	end := counter.TimeNS[len(counter.TimeNS)-1]
	for range 200 {
		a, b := rng.Int64N(end), rng.Int64N(end)
		if a >= b {
			continue
		}
		mean, ok := rate.Mean(a, b)
		growth, too := counter.Increase(a, b)
		if !ok || !too || math.Abs(mean-growth/float64(b-a)) > 1e-9 {
			t.Fatalf("[%d, %d]: mean %v, counter %v", a, b, mean, growth/float64(b-a))
		}
	}
}

func TestSeriesIncrease(t *testing.T) {
	s := &record.Series{TimeNS: []int64{100, 200, 300}, Values: []float64{0, 10, 40}}
	for name, tt := range map[string]struct {
		start, end int64
		want       float64
		ok         bool
	}{
		"at readings":      {100, 300, 40, true},
		"between readings": {150, 250, 20, true},
		"starts too early": {99, 200, 0, false},
		"ends too late":    {200, 301, 0, false},
	} {
		got, ok := s.Increase(tt.start, tt.end)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: got %v, %v", name, got, ok)
		}
	}
	if _, ok := (&record.Series{}).Increase(0, 1); ok {
		t.Error("an empty series grew")
	}
}
