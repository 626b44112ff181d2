package sample_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
)

const second = 1_000_000_000

// scripted gives out its passes one by one, and the last one for ever.
type scripted struct {
	channels []sample.Channel
	passes   [][]sample.Reading
	mu       sync.Mutex
	reads    int
	closed   int
	onRead   func()
}

func (s *scripted) Channels() []sample.Channel { return s.channels }

func (s *scripted) Read(into []sample.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	copy(into, s.passes[min(s.reads, len(s.passes)-1)])
	s.reads++
	if s.onRead != nil {
		s.onRead()
	}
}

func (s *scripted) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *scripted) Close() error { s.closed++; return nil }

// clock advances by a step whenever it is read.
func clock(step int64) func() int64 {
	now := int64(0)
	return func() int64 { now += step; return now }
}

// recorded samples the source until it was read often enough, one second of
// its clock a pass, and cuts what came after.
func recorded(t *testing.T, s *scripted) sample.Recording {
	t.Helper()
	sampler := sample.NewSampler(sample.Config{Sources: []sample.Source{s}, Interval: time.Millisecond, Clock: clock(second)})
	sampler.Start(t.Context())
	eventually(t, "enough readings", func() bool { return s.count() >= len(s.passes) })
	recording := sampler.Stop()
	for i := range recording.Series {
		series := &recording.Series[i]
		n, _ := slices.BinarySearch(series.TimeNS, int64(len(s.passes))*second+1)
		series.TimeNS, series.Values = series.TimeNS[:n], series.Values[:n]
	}
	return recording
}

func values(v ...float64) [][]sample.Reading {
	passes := make([][]sample.Reading, len(v))
	for i := range v {
		passes[i] = []sample.Reading{{Value: v[i]}}
	}
	return passes
}

func TestKindsOfChannels(t *testing.T) {
	seconds := func(n ...int64) []int64 {
		for i := range n {
			n[i] *= second
		}
		return n
	}
	for name, tt := range map[string]struct {
		channel sample.Channel
		passes  [][]sample.Reading
		want    record.Series
	}{
		"level":                {sample.Channel{Scale: 2}, values(1, 5, 3), record.Series{TimeNS: seconds(1, 2, 3), Values: []float64{2, 10, 6}}},
		"total":                {sample.Channel{Kind: sample.Total, Scale: 1}, values(10, 15, 15), record.Series{TimeNS: seconds(1, 2, 3), Values: []float64{10, 15, 15}}},
		"rate":                 {sample.Channel{Kind: sample.Rate, Scale: second}, values(10, 15, 35), record.Series{TimeNS: seconds(1, 2, 3), Values: []float64{5, 5, 20}}},
		"a counter set back":   {sample.Channel{Kind: sample.Rate, Scale: second}, values(10, 15, 0, 7), record.Series{TimeNS: seconds(1, 2, 4), Values: []float64{5, 5, 7}}},
		"a reading in between": {sample.Channel{Kind: sample.Rate, Scale: second}, [][]sample.Reading{{{Value: 10}}, {{Err: errors.New("busy")}}, {{Value: 30}}}, record.Series{TimeNS: seconds(1, 3), Values: []float64{10, 10}}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.channel.Name, tt.channel.Unit = "x", "unit"
			tt.want.Name, tt.want.Unit = "x", "unit"
			got := recorded(t, &scripted{channels: []sample.Channel{tt.channel}, passes: tt.passes})
			if diff := cmp.Diff([]record.Series{tt.want}, got.Series); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if name == "a reading in between" && got.Missing["x"] != "busy" {
				t.Errorf("missing %v", got.Missing)
			}
		})
	}
}

func TestOneReadingIsNoRate(t *testing.T) {
	failed := errors.New("gone")
	source := &scripted{channels: []sample.Channel{{Name: "x", Kind: sample.Rate, Scale: 1}, {Name: "y", Scale: 1}},
		passes: [][]sample.Reading{{{Value: 1}, {Err: failed}}, {{Err: failed}, {Err: failed}}}}
	got := recorded(t, source)
	if len(got.Series) != 0 {
		t.Errorf("series %+v", got.Series)
	}
	if diff := cmp.Diff(map[string]string{"x": "gone", "y": "gone"}, got.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

func TestPeakOfMemory(t *testing.T) {
	channels := []sample.Channel{{Name: record.SeriesMemory, Scale: 1}, {Name: sample.MemoryPeak, Kind: sample.Peak, Scale: 1}}
	kept := recorded(t, &scripted{channels: channels, passes: [][]sample.Reading{{{Value: 5}, {Value: 9}}, {{Value: 7}, {Value: 8}}}})
	if kept.MemoryPeakBytes == nil || *kept.MemoryPeakBytes != 9 || len(kept.Missing) != 0 {
		t.Errorf("got %+v", kept)
	}
	none := sample.Reading{Err: errors.New("no memory.peak")}
	seen := recorded(t, &scripted{channels: channels, passes: [][]sample.Reading{{{Value: 5}, none}, {{Value: 7}, none}, {{Value: 6}, none}}})
	if seen.MemoryPeakBytes == nil || *seen.MemoryPeakBytes != 7 || seen.Missing[sample.MemoryPeak] != "no memory.peak: the largest sample stands in" {
		t.Errorf("got %v, %v", seen.MemoryPeakBytes, seen.Missing)
	}
}

func TestSamplerReadsAtStartAndStop(t *testing.T) {
	source := &scripted{channels: []sample.Channel{{Name: "x", Scale: 1}}, passes: values(1, 2)}
	sampler := sample.NewSampler(sample.Config{Sources: []sample.Source{source}, Interval: time.Hour, Clock: clock(second)})
	sampler.Start(t.Context())
	if source.count() != 1 {
		t.Errorf("%d readings when Start is back", source.count())
	}
	first, again := sampler.Stop(), sampler.Stop()
	if diff := cmp.Diff([]float64{1, 2}, first.Series[0].Values); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(first, again); diff != "" || source.count() != 2 || source.closed != 1 {
		t.Errorf("the second Stop: %d readings, closed %d times, %s", source.count(), source.closed, diff)
	}
}

func TestSamplerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	source := &scripted{channels: []sample.Channel{{Name: "x", Scale: 1}}, passes: values(1)}
	sampler := sample.NewSampler(sample.Config{Sources: []sample.Source{source}, Interval: time.Hour})
	sampler.Start(ctx)
	cancel()
	if got := sampler.Stop(); len(got.Series) != 1 || source.closed != 1 {
		t.Errorf("got %+v, closed %d times", got, source.closed)
	}
}

// paced is read every second pass at most.
type paced struct{ scripted }

func (*paced) Pace() time.Duration { return 2 * time.Second }

func TestPacedSourcesAreNotReadFaster(t *testing.T) {
	slow := &paced{scripted{channels: []sample.Channel{{Name: "slow", Scale: 1}}, passes: values(1, 2, 3)}}
	sampler := sample.NewSampler(sample.Config{Sources: []sample.Source{slow}, Interval: time.Millisecond, Clock: clock(second)})
	sampler.Start(t.Context())
	eventually(t, "enough readings", func() bool { return slow.count() >= 3 })
	times := sampler.Stop().Series[0].TimeNS
	for i := 1; i < len(times)-1; i++ { // the last pass reads what is not due, too
		if times[i]-times[i-1] != 2*second {
			t.Fatalf("read at %v", times)
		}
	}
}

// A ticker's passes are late by a little more or less each time. A source whose
// pace is the interval is read by each.
func TestPacedSourcesAreReadByAJitteringTicker(t *testing.T) {
	const pace, jitter = 2 * second, second / 100
	passes := 0
	late := func() int64 {
		passes++
		if passes > 6 {
			return 6*pace + jitter // the last one
		}
		return int64(passes-1)*pace + int64((passes+1)%2)*jitter
	}
	slow := &paced{scripted{channels: []sample.Channel{{Name: "slow", Scale: 1}}, passes: values(1, 2, 3, 4, 5, 6, 7)}}
	sampler := sample.NewSampler(sample.Config{Sources: []sample.Source{slow}, Interval: time.Millisecond, Clock: late})
	sampler.Start(t.Context())
	eventually(t, "enough readings", func() bool { return slow.count() >= 6 })
	if times := sampler.Stop().Series[0].TimeNS; len(times) < 6 || times[5] > 5*pace+jitter {
		t.Errorf("read at %v", times)
	}
}

// A counter that is renewed in steps has no rate over a shorter time.
func TestARateIsMadeOverAShortTimeOnly(t *testing.T) {
	at := []int64{0, 200, 400, 600, 800, 1000, 1200, 1237}
	for name, tt := range map[string]struct {
		least time.Duration
		times []int64
		rates []float64
	}{
		"as it is read": {0, at, []float64{0, 0, 1500, 0, 1500, 0, 0, 0}},
		"over 500 ms":   {500 * time.Millisecond, []int64{0, 600, 1237}, []float64{500, 500, 300 / 0.637}},
	} {
		pass := -1
		now := func() int64 { pass++; return at[min(pass, len(at)-1)] * 1e6 }
		counter := &scripted{channels: []sample.Channel{{Name: "power", Kind: sample.Rate, Scale: 1e9, Least: tt.least}}, passes: values(0, 0, 300, 300, 600, 600, 600, 600)}
		s := sample.NewSampler(sample.Config{Sources: []sample.Source{counter}, Interval: time.Millisecond, Clock: now})
		s.Start(t.Context())
		eventually(t, "enough readings", func() bool { return counter.count() >= len(at) })
		got := s.Stop().Series[0]
		for i, v := range got.Values {
			if len(got.Values) != len(tt.rates) || math.Abs(v-tt.rates[i]) > 1e-6 || got.TimeNS[i] != tt.times[i]*1e6 {
				t.Errorf("%s: rates %v at %v, want %v at %v", name, got.Values, got.TimeNS, tt.rates, tt.times)
				break
			}
		}
	}
}

func TestSamplerRunsOnItsCPUs(t *testing.T) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		t.Fatal(err)
	}
	var all []int
	for cpu := 0; len(all) < allowed.Count(); cpu++ {
		if allowed.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	last := all[len(all)-1]
	var seen unix.CPUSet
	source := &scripted{channels: []sample.Channel{{Name: "x", Scale: 1}}, passes: values(1)}
	source.onRead = func() { _ = unix.SchedGetaffinity(0, &seen) }
	sampler := sample.NewSampler(sample.Config{Sources: []sample.Source{source}, Interval: time.Hour, CPUs: []int{last}})
	sampler.Start(t.Context())
	got := sampler.Stop()
	if seen.Count() != 1 || !seen.IsSet(last) || len(got.Missing) != 0 {
		t.Errorf("ran on %d CPUs, CPU %d among them: %v; %v", seen.Count(), last, seen.IsSet(last), got.Missing)
	}

	if spare := sample.SpareCPUs(all); len(spare) != 0 {
		t.Errorf("spare of all: %v", spare)
	}
	if spare := sample.SpareCPUs(nil); len(spare) != 0 {
		t.Errorf("spare of a runner that runs anywhere: %v", spare)
	}
	if spare := sample.SpareCPUs(all[:1]); !slices.Equal(spare, all[1:]) {
		t.Errorf("spare of %v without the first: %v", all, spare)
	}
	far := sample.NewSampler(sample.Config{Sources: []sample.Source{source}, Interval: time.Hour, CPUs: []int{1000}})
	far.Start(t.Context())
	if reason := far.Stop().Missing["sampler"]; reason == "" {
		t.Error("a CPU that is not there was taken without a word")
	}
}

func TestRecordingIsAddedToAProcess(t *testing.T) {
	peak := int64(7)
	p := record.Process{Series: []record.Series{{Name: "old"}}}
	sample.Recording{Series: []record.Series{{Name: "new"}}, MemoryPeakBytes: &peak, Missing: map[string]string{"a": "b"}}.AddTo(&p)
	if len(p.Series) != 2 || *p.MemoryPeakBytes != 7 || p.Missing["a"] != "b" {
		t.Errorf("got %+v", p)
	}
	bare := record.Process{}
	sample.Recording{Missing: map[string]string{}}.AddTo(&bare)
	if bare.Missing != nil || bare.MemoryPeakBytes != nil {
		t.Errorf("got %+v", bare)
	}
}

func TestMonotonicRunsForward(t *testing.T) {
	first := sample.Monotonic()
	time.Sleep(time.Millisecond)
	if later := sample.Monotonic(); first <= 0 || later <= first {
		t.Errorf("%d, then %d", first, later)
	}
}

// BenchmarkPass is what one pass over the sources of a CPU run costs: the
// machine, and this process as the runner.
func BenchmarkPass(b *testing.B) {
	host, err := sample.NewHost("/")
	if err != nil {
		b.Fatal(err)
	}
	root := tree(b, hierarchies["v2"].files)
	group := sample.Runner(root, sample.Target{Cgroup: "/box/a"})
	processes := sample.Runner("/", sample.Target{PID: unix.Getpid()})
	for name, source := range map[string]sample.Source{"host": host, "cgroup": group, "processes": processes} {
		into := make([]sample.Reading, len(source.Channels()))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				source.Read(into)
			}
		})
	}
}
