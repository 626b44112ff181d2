package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/nights"
	"github.com/dlbench/dlbench/runners/cluster"
)

// clusterNights are nights on a Slurm of shell scripts, whose jobs leave records that
// were made before: two shards, each with a workload of its own and two runners.
type clusterNights struct {
	t         *testing.T
	dir, left string // of the nights, and of what the jobs leave
	spread    string
	night     int
	length    [2]float64 // of an iteration of runner b, by shard
	down      bool       // the second shard's node
}

func newClusterNights(t *testing.T, spread string) *clusterNights {
	t.Helper()
	bin := t.TempDir()
	s := &clusterNights{t: t, dir: t.TempDir(), left: filepath.Join(bin, "left"), spread: spread, length: [2]float64{1, 1}}
	for command, does := range map[string]string{
		"sbatch":  fmt.Sprintf(`for word; do script=$word; done; cp -r %s/* "$(dirname "$script")/shards/"; echo 12`, s.left),
		"squeue":  "cat " + bin + "/left.queue",
		"scancel": "", "sinfo": "", "scontrol": "", "sacct": "exit 1",
	} {
		s.put(filepath.Join(bin, command), []byte("#!/bin/sh\n"+does+"\n"))
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return s
}

func (s *clusterNights) put(path string, data []byte) {
	s.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o755)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *clusterNights) now() time.Time {
	return time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC).AddDate(0, 0, s.night)
}

// node is where a shard is tonight: Slurm has them change places.
func (s *clusterNights) node(shard int) string { return fmt.Sprintf("n%d", (shard+s.night)%2) }

// record is what a shard leaves tonight.
func (s *clusterNights) record(shard int) *record.Record {
	rec := recordtest.Simulation{Seed: uint64(10*s.night + shard), Modes: []string{"infer"}, Workloads: 2, Runners: 2, Rounds: 12, Noise: 0.002}.Record()
	rec.Created = s.now().Add(time.Duration(shard) * time.Second)
	rec.Updated = rec.Created
	rec.Environment.Host = s.node(shard)
	if s.spread == record.ByWorkloads {
		rec.Environment.Machine = "pool"
		rec.Workloads = rec.Workloads[shard : shard+1]
		rec.Cells = slices.DeleteFunc(rec.Cells, func(c record.Cell) bool { return c.Workload != rec.Workloads[0].ID })
	} else {
		rec.Environment.Machine = s.node(shard)
	}
	for i := range rec.Cells {
		for j := range rec.Cells[i].Processes {
			if b := &rec.Cells[i].Processes[j].Blocks[0]; rec.Cells[i].Runner == "b" {
				b.EndNS = b.StartNS + int64(s.length[shard]*float64(b.EndNS-b.StartNS))
			}
		}
	}
	summary.Summarize(rec)
	return rec
}

// run is one night; it returns the exit code, what was said, and what was told.
func (s *clusterNights) run(more ...string) (code int, said, told string) {
	s.t.Helper()
	s.night++
	if err := errors.Join(os.RemoveAll(s.left), os.RemoveAll(filepath.Join(s.dir, "told"))); err != nil {
		s.t.Fatal(err)
	}
	var queue []string
	for shard := range 2 {
		if s.down && shard == 1 {
			queue = append(queue, "12|1|NODE_FAIL|"+s.node(1)+"|None")
			continue
		}
		queue = append(queue, fmt.Sprintf("12|%d|COMPLETED|%s|None", shard, s.node(shard)))
		place := filepath.Join(s.left, filepath.Base(cluster.ShardDir("", shard)))
		s.put(filepath.Join(place, "node.json"), fmt.Appendf(nil, `{"node": %q, "ended": %q}`, s.node(shard), s.now().Format(time.RFC3339)))
		if err := record.Write(filepath.Join(place, "result.json"), s.record(shard)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.put(s.left+".queue", []byte(strings.Join(queue, "\n")+"\n"))
	var out, log bytes.Buffer
	p := withoutCards(&out, &log, func(name string) string { return map[string]string{"HOME": s.dir}[name] })
	p.now = s.now
	p.environ = os.Environ
	code = p.run(s.t.Context(), append([]string{"dlbench", "nightly", "--cluster", "slurm", "--nodes", "2", "--spread", s.spread, "--suite", "smoke", "--runner", "reference",
		"--dir", filepath.Join(s.dir, "nights"), "--history", filepath.Join(s.dir, "history"), "--notify", "cat > " + filepath.Join(s.dir, "told")}, more...))
	text, _ := os.ReadFile(filepath.Join(s.dir, "told"))
	return code, out.String() + log.String(), string(text)
}

// last is the directory of tonight.
func (s *clusterNights) last() (string, nights.Night) {
	s.t.Helper()
	all, err := nights.Read(filepath.Join(s.dir, "nights", "nights"))
	if err != nil || len(all) != s.night {
		s.t.Fatalf("%d nights are listed, expected %d: %v", len(all), s.night, err)
	}
	return filepath.Join(s.dir, "nights", "nights", all[0].Name), all[0]
}

// TestNightsOnAClusterFindASlowdownAndAreSilentWithoutOne is the promise of the nightly
// job, on nodes that change places every night or that each have a history.
func TestNightsOnAClusterFindASlowdownAndAreSilentWithoutOne(t *testing.T) {
	for spread, flags := range map[string][]string{record.ByWorkloads: {"--machine", "pool"}, record.ByNodes: nil} {
		t.Run(spread, func(t *testing.T) {
			s := newClusterNights(t, spread)
			code, said, told := s.run(flags...)
			if code != exitEnvironment || !strings.Contains(said, "dlbench: shard 0 on n1: NOTHING JUDGED: this is the first whole record") ||
				!strings.Contains(said, "\nshard 1 on n0: NOTHING JUDGED") || !strings.Contains(told, "shard 1 on n0") {
				t.Fatalf("the first night exits with %d and says %s, told %s", code, said, told)
			}
			for range 6 {
				if code, said, told = s.run(flags...); code != exitDone || said+told != "" {
					t.Errorf("night %d without a change exits with %d and says %s, told %s", s.night, code, said, told)
				}
			}
			dir, night := s.last()
			if cells := 4 + 4*slices.Index(record.Spreads(), spread); night.Headline != fmt.Sprintf("nothing got slower in 2 parts, cells judged: %d", cells) {
				t.Errorf("the headline is %q", night.Headline)
			}
			if _, err := os.Stat(filepath.Join(dir, "dlbench")); err == nil {
				t.Error("the night keeps its program")
			}
			s.length[1] = 2
			code, said, told = s.run(flags...)
			want := fmt.Sprintf("dlbench: shard 1 on %s: SLOWER: b on net", s.node(1))
			if code != exitRegressed || !strings.HasPrefix(said, want) || strings.Contains(said, "shard 0") || !strings.Contains(told, "SLOWER: b on net") {
				t.Errorf("a half exits with %d and says %s, told %s", code, said, told)
			}
		})
	}
}

func TestANightOnAClusterThatLacksAShardIsNotFine(t *testing.T) {
	s := newClusterNights(t, record.ByWorkloads)
	s.run("--machine", "pool")
	s.down = true
	code, said, told := s.run("--machine", "pool")
	if why := "shard 1 on n1: the node went down (NODE_FAIL)"; code != exitEnvironment || !strings.Contains(said, why) || !strings.Contains(told, why) || strings.Contains(said, "shard 0") {
		t.Errorf("it exits with %d and says %s, told %s", code, said, told)
	}
	dir, night := s.last()
	if len(night.Parts) != 2 || night.Parts[0].Exit != exitDone || night.Parts[1].Exit != exitEnvironment {
		t.Errorf("the parts are %+v", night.Parts)
	}
	if _, err := os.Stat(filepath.Join(dir, "dlbench")); err != nil {
		t.Errorf("--resume has no program: %v", err)
	}
	s.length[0] = 2
	if code, said, _ = s.run("--machine", "pool"); code != exitRegressed || !strings.HasPrefix(said, "dlbench: shard 0 on n1: SLOWER: ") || !strings.Contains(said, "the node went down") {
		t.Errorf("with a half beside it exits with %d and says %s", code, said)
	}
}

// TestWhatTheShardsOfANightAreAsked reads the plan that is submitted.
func TestWhatTheShardsOfANightAreAsked(t *testing.T) {
	for spread, flags := range map[string][]string{record.ByWorkloads: {"--machine", "pool", "--branch", "main", "--baseline", "x", "--min-change", "3%", "--rounds", "7"}, record.ByNodes: {"--branch", "main", "--rounds", "7"}} {
		s := newClusterNights(t, spread)
		s.run(flags...)
		dir, _ := s.last()
		var plan cluster.Plan
		data, err := os.ReadFile(filepath.Join(dir, "cluster.json"))
		if err = errors.Join(err, json.Unmarshal(data, &plan)); err != nil {
			t.Fatal(err)
		}
		want := []string{"--suite=smoke", "--runner=reference", "--branch=main", "--rounds=7"}
		if spread == record.ByWorkloads {
			want = slices.Insert(want, 2, "--machine=pool")
		}
		if !slices.Equal(plan.Arguments, want) || plan.NameNodes != (spread == record.ByNodes) || plan.Spread != spread {
			t.Errorf("spread %s: the shards are asked %q, nodes named %t", spread, plan.Arguments, plan.NameNodes)
		}
	}
}
