package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/nodes"
)

// writeNode writes the record of a node that needs so many times as long.
func writeNode(t *testing.T, path string, number int, slower float64) {
	t.Helper()
	rec := recordtest.Simulation{Seed: uint64(number), Modes: []string{"infer"}, Workloads: 4, Runners: 2, Rounds: 6, Noise: 0.002}.Record()
	rec.Environment.Host = fmt.Sprintf("n%d", number)
	for i := range rec.Cells {
		for j := range rec.Cells[i].Processes {
			b := &rec.Cells[i].Processes[j].Blocks[0]
			b.EndNS = b.StartNS + int64(slower*float64(b.EndNS-b.StartNS))
		}
	}
	summary.Summarize(rec)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), record.Write(path, rec)); err != nil {
		t.Fatal(err)
	}
}

// answer is what the program says to a command line.
func answer(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	p := withoutCards(&out, &log, func(string) string { return "" })
	code = p.run(t.Context(), append([]string{"dlbench"}, args...))
	return code, out.String(), log.String()
}

func TestNodesTellsTheSlowOneByItsExitCode(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i := range 6 {
		path := filepath.Join(dir, fmt.Sprint(i), "result.json")
		slower := 1.0
		if i == 4 {
			slower = 1.2
		}
		writeNode(t, path, i, slower)
		files = append(files, path)
	}
	files[2] = filepath.Dir(files[2]) // a run's directory stands for its record
	page := filepath.Join(dir, "page.html")
	code, stdout, stderr := answer(t, append([]string{"nodes", "--html", page}, files...)...)
	if code != exitRegressed || !strings.HasPrefix(stdout, "SLOW: n4 (") || !strings.HasPrefix(stderr, "dlbench: SLOW: n4 (") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exits with %d, prints %.200q and says %q", code, stdout, stderr)
	}
	if html, err := os.ReadFile(page); err != nil || !bytes.Contains(html, []byte("SLOW: n4")) {
		t.Errorf("the page: %v", err)
	}
	code, stdout, _ = answer(t, append([]string{"nodes", "--json"}, append(files[:4:4], files[5])...)...)
	var f nodes.Fleet
	if err := json.Unmarshal([]byte(stdout), &f); err != nil || code != exitDone || f.Counts.Judged != 5 || f.Counts.Slow != 0 {
		t.Errorf("without the slow one it exits with %d: %v, %+v", code, err, f.Counts)
	}
	if code, _, stderr := answer(t, "nodes", files[0]); code != exitEnvironment || !strings.Contains(stderr, "NOTHING JUDGED: n0: it is the only one of its kind") {
		t.Errorf("of one node it exits with %d and says %q", code, stderr)
	}
	if code, stdout, _ := answer(t, "nodes", "--spread", "workloads", files[0], files[1]); code != exitDone || !strings.HasPrefix(stdout, "8 workloads on 2 nodes") {
		t.Errorf("of spread workloads it exits with %d and prints %q", code, stdout)
	}
}

func TestNodesReadsTheDirectoryOfACluster(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	put("cluster.json", `{"schema_version": 1, "spread": "nodes", "suite": "smoke", "shards": [`+
		`{"index": 0, "node": "a", "workloads": ["w"]}, {"index": 1, "node": "", "workloads": ["w"]}, {"index": 2, "node": "c", "workloads": ["w"]}, `+
		`{"index": 3, "node": "d", "workloads": ["w"]}, {"index": 4, "node": "e", "workloads": ["w"]}, {"index": 5, "node": "", "workloads": ["w"]}, `+
		`{"index": 6, "node": "f", "workloads": ["w"]}]}`)
	for i := range 3 {
		writeNode(t, filepath.Join(dir, "shards", fmt.Sprintf("%04d", i), "result.json"), i, 1)
	}
	put("shards/0001/node.json", `{"node": "b"}`)
	put("shards/0003/result.json", `{"schema_version": 1, "suite": "smo`)
	put("shards/0004/node.json", `{"node": "e2", "trouble": "no engine answers", "ended": "2026-11-26T16:54:31Z"}`)
	put("nodes.json", `{"missing": [{"shard": 5, "why": "the node went down (NODE_FAIL)"}]}`)
	code, stdout, stderr := answer(t, "nodes", "--json", dir)
	var f nodes.Fleet
	if err := json.Unmarshal([]byte(stdout), &f); err != nil || code != exitDone {
		t.Fatalf("exits with %d: %v, %s", code, err, stderr)
	}
	names := map[string]bool{}
	for _, n := range f.Nodes {
		names[n.Node] = true
	}
	if len(names) != 3 || !names["a"] || !names["b"] || !names["c"] || f.Counts.Shards != 7 {
		t.Errorf("nodes %v, counts %+v", names, f.Counts)
	}
	why := map[string]string{}
	for _, g := range f.Missing {
		why[g.Node] = g.Why
	}
	for node, want := range map[string]string{"d": "the JSON ends in the middle", "e2": "no engine answers", "": "the node went down (NODE_FAIL)", "f": "it has no record: it waits, runs, or ended without one"} {
		if !strings.Contains(why[node], want) {
			t.Errorf("of %q is said %q, want %q", node, why[node], want)
		}
	}
	put("shards/0000/report.html", "")
	elsewhere := filepath.Join(t.TempDir(), "page.html")
	if code, _, stderr := answer(t, "nodes", "--html", elsewhere, dir); code != exitDone {
		t.Fatalf("exits with %d: %s", code, stderr)
	}
	written, err := os.ReadFile(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`<a href="([^"]*/shards/0000/report.html)">`).FindSubmatch(written)
	if link == nil || filepath.Join(filepath.Dir(elsewhere), string(link[1])) != filepath.Join(dir, "shards/0000/report.html") {
		t.Errorf("the page links %q, expected what leads to %s", link, dir)
	}
	if code, _, stderr := answer(t, "nodes", dir, dir); code != exitUsage || !strings.Contains(stderr, "name it and nothing else") {
		t.Errorf("two of them: %d, %q", code, stderr)
	}
	put("cluster.json", `{"schema_version": 1, "spread": "cells", "shards": [{"index": 0, "workloads": ["w"]}]}`)
	if code, _, stderr := answer(t, "nodes", dir); code != exitUsage || !strings.Contains(stderr, `cluster.json: unknown spread "cells"; there are "workloads", "nodes"`) || strings.Count(stderr, "\n") != 1 {
		t.Errorf("a plan of another spread: %d, %q", code, stderr)
	}
}

func TestNodesRefusesBadInputInOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	if err := os.WriteFile(file, []byte(`{"schema_version": 99}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"name the directory of a campaign":               {"nodes"},
		"was written by a later dlbench":                 {"nodes", file},
		"no such file":                                   {"nodes", file + "x"},
		`spread is "cells", expected workloads or nodes`: {"nodes", "--spread", "cells", file},
	} {
		code, stdout, stderr := answer(t, args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exits with %d, prints %q and says %q", args, code, stdout, stderr)
		}
	}
}
