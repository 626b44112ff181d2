package record_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/fuzztest"
)

func encoded(t *testing.T, r *record.Record) string {
	t.Helper()
	data, err := record.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	if err := record.Write(file, small()); err != nil {
		t.Fatal(err)
	}
	got, err := record.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(small(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("written and read (-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	tests := map[string]struct {
		old, new string // replaced in a valid record
		want     string // the error's start and, after …, a part
	}{
		"broken JSON":         {`"suite": "smoke"`, `"suite": smoke`, `f.json:4:11: broken JSON: invalid character 's'`},
		"a later schema":      {`"schema_version": 1`, `"schema_version": 2`, `f.json:2:20: schema_version 2 was written by a later dlbench…use the later one`},
		"an unknown schema":   {`"schema_version": 1`, `"schema_version": 0`, `f.json:2:20: schema_version 0 is unknown: expected 1`},
		"no schema":           {`"schema_version": 1,`, ``, `f.json:…this is not a result.json of dlbench`},
		"a missing field":     {`"suite": "smoke",`, ``, `f.json:1:1: missing property 'suite'`},
		"a wrong type":        {`"rounds": 1`, `"rounds": "1"`, `f.json:11:12: rounds: got string, want integer`},
		"a fraction":          {`"rounds": 1`, `"rounds": 1.5`, `f.json:11:12: rounds: got number, want integer`},
		"a wrong value":       {`"status": "complete"`, `"status": "done"`, `f.json:10:12: status: value must be one of 'complete', 'interrupted', 'running'`},
		"a wrong time":        {`"created": "2026-01-02T03:04:05Z"`, `"created": "yesterday"`, `f.json:6:13: created: 'yesterday' is not valid date-time`},
		"a number too large":  {`"rounds": 1`, `"rounds": 1e400`, `f.json:11:…expected a value that fits float64, got number 1e400`},
		"an integer too wide": {`"macs": 416520`, `"macs": 99999999999999999999`, `f.json:…workloads.macs: expected a value that fits int64, got number 99999999999999999999`},
		"a later item":        {`"runner": "caffe"`, `"runner": 7`, `f.json:262:14: cells[1].runner: got number, want string`},
		"deep inside":         {`"layout": "NCHW"`, `"layout": 3`, `f.json:96:53: runners[0].terms.layout: got number, want string`},
		"trailing text":       {"\n}\n", "\n} x", `f.json:…: broken JSON: invalid character 'x' after top-level value`},
		"an unknown runner":   {`"a": "torch"`, `"a": "other"`, `f.json:275:9: comparisons[0].a: runner "other" is not among the record's runners`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			data := spaced(encoded(t, small()))
			if !strings.Contains(data, tt.old) {
				t.Fatalf("the record has no %s:\n%s", tt.old, data)
			}
			_, err := record.Decode("f.json", []byte(strings.Replace(data, tt.old, tt.new, 1)))
			refused(t, err, tt.want)
		})
	}
}

// spaced has one field of the top object a line and a blank after each colon
// and comma, so that places are easy to read in the table above.
func spaced(data string) string {
	return strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(data)
}

// refused checks for an InvalidError of one line that begins with what stands
// before … and holds what stands after it.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	var invalid *record.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v, expected an InvalidError", err)
	}
	begin, part, _ := strings.Cut(want, "…")
	if text := err.Error(); !strings.HasPrefix(text, begin) || !strings.Contains(text, part) || strings.Contains(text, "\n") {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	data := encoded(t, small())
	end := len(strings.TrimSpace(data))
	for n := range end {
		if _, err := record.Decode("f.json", []byte(data[:n])); err == nil {
			t.Fatalf("the first %d of %d bytes were read", n, end)
		}
	}
	_, err := record.Decode("f.json", []byte(data[:end/2]))
	refused(t, err, "f.json:…the JSON ends in the middle: the file was cut short")
	_, err = record.Decode("f.json", nil)
	refused(t, err, "f.json: is empty")
	_, err = record.Decode("f.json", []byte("\xff\xfe{"))
	refused(t, err, "f.json: is not UTF-8")
	_, err = record.Decode("f.json", []byte("[1]"))
	refused(t, err, "f.json:1:1: expected a JSON object")
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	data := strings.Replace(encoded(t, small()), `"suite"`, `"later":{"a":[1,2]},"suite"`, 1)
	if _, err := record.Decode("f.json", []byte(data)); err != nil {
		t.Error(err)
	}
}

func TestReadOfNoFile(t *testing.T) {
	_, err := record.Read(filepath.Join(t.TempDir(), "none.json"))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "none.json") {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	data, err := record.Encode(small())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(`{"schema_version":1,"cells":[{"status":1e-999999999}]}`))
	f.Add([]byte(strings.Replace(string(data), `"rounds":1`, `"rounds":1e-999999999`, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r *record.Record
		var err error
		fuzztest.Bounded(t, len(data), func() { r, err = record.Decode("f.json", data) })
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line: %q", err)
			}
			return
		}
		again, err := record.Encode(r)
		if err != nil {
			t.Fatalf("read, but cannot be written: %v", err)
		}
		back, err := record.Decode("again.json", again)
		if err != nil {
			t.Fatalf("written, but cannot be read: %v", err)
		}
		if diff := cmp.Diff(r, back, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("changed on the way (-first +second):\n%s", diff)
		}
	})
}

func TestWriteRefusesWhatJSONCannotSay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := small()
	r.Cells[0].Processes[0].Series[0].Values[1] = math.Inf(1)
	err := record.Write(file, r)
	if err == nil || !strings.Contains(err.Error(), "cells[0].processes[0].series[0].values[1] is +Inf") {
		t.Errorf("got %v", err)
	}
	nan := math.NaN()
	r = small()
	r.Cells[0].Processes[0].Blocks[0].CPUPercent = &nan
	if err := record.Write(file, r); err == nil || !strings.Contains(err.Error(), "cells[0].processes[0].blocks[0].cpu_percent is NaN") {
		t.Errorf("got %v", err)
	}
	if data, _ := os.ReadFile(file); string(data) != "old" {
		t.Errorf("the old file was touched: %q", data)
	}
	entries, _ := os.ReadDir(filepath.Dir(file))
	if len(entries) != 1 {
		t.Errorf("something was left behind: %v", entries)
	}
}

func TestWriteThatFailsLeavesNothingBehind(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "result.json")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := record.Write(taken, small()); err == nil || !strings.Contains(err.Error(), "write the record "+taken) {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(taken)); len(entries) != 1 {
		t.Errorf("something was left behind: %v", entries)
	}
}

func TestWriteNamesTheFolderItLacks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no", "result.json")
	if err := record.Write(file, small()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}

func TestEncodeLeavesTheRecordAloneAndIsReadable(t *testing.T) {
	r := &record.Record{SchemaVersion: record.SchemaVersion, Status: record.Running, Created: time.Unix(0, 0), Updated: time.Unix(0, 0)}
	text := encoded(t, r)
	if r.Cells != nil {
		t.Error("the record was changed")
	}
	if _, err := record.Decode("f.json", []byte(text)); err != nil {
		t.Errorf("an empty record: %v", err)
	}
	long := small()
	long.Cells[0].Processes[0].WarmupNS = make([]int64, 500)
	for _, line := range strings.Split(encoded(t, long), "\n") {
		if len(line) > 200 && !strings.Contains(line, `"warmup_ns":[`) {
			t.Errorf("a line of %d characters: %.80s…", len(line), line)
		}
	}
	if !strings.Contains(text, "\n \"suite\":\"\",\n") {
		t.Errorf("not one field a line:\n%s", text)
	}
	if strings.Contains(encoded(t, small()), `\u003c`) {
		t.Error("< is escaped")
	}
}

func TestPeakIsKeptAndMayBeAbsent(t *testing.T) {
	r := small()
	if strings.Contains(encoded(t, r), `"gflops"`) {
		t.Error("a peak that nobody measured is written")
	}
	r.Environment.Peak = &record.Peak{GFLOPS: 250, BandwidthBytesPerSec: 2e10, Source: "sgemm of OpenBLAS 0.3.29, 2 threads"}
	data := encoded(t, r)
	back, err := record.Decode("f.json", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Environment.Peak, back.Environment.Peak); diff != "" {
		t.Errorf("changed on the way (-first +second):\n%s", diff)
	}
	_, err = record.Decode("f.json", []byte(strings.Replace(data, `"gflops":250`, `"gflops":0`, 1)))
	refused(t, err, "f.json:…environment.peak.gflops: ")
}

// A program before modes were apart pooled them; what it said answers no
// question, and is not read.
func TestAnOverallOfAllModesIsNotRead(t *testing.T) {
	old := small()
	apart := old.Overall[0]
	pooled := apart
	pooled.Mode = ""
	old.Overall = []record.Overall{pooled, apart}
	r, err := record.Decode("f.json", []byte(encoded(t, old)))
	if err != nil || len(r.Overall) != 1 || r.Overall[0] != apart {
		t.Errorf("got %+v, %v", r, err)
	}
}
