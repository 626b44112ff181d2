package record_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

// testdata/version1.json is a record as the first program of schema version 1
// could write it: it has what was required then, and nothing else. It is read as
// long as version 1 is. Whoever makes this test fail needs a new version
// (docs/record.md).
func TestTheFirstRecordOfAVersionIsRead(t *testing.T) {
	r, err := record.Read("testdata/version1.json")
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Cell("lenet/infer/b8/fp32", "torch"); c == nil || !c.Ranked() || c.Throughput.Median != 1600 || len(c.Processes) != 1 {
		t.Errorf("the cell is %+v", c)
	}
	if r.Comparisons[0].Verdict != record.Faster || len(r.Overall) != 0 {
		t.Errorf("comparisons %+v, overall %+v", r.Comparisons, r.Overall)
	}
}

// Every other version is refused before anything else is said of the file, with
// what to do.
func TestOtherVersionsAreRefusedFirst(t *testing.T) {
	data, err := os.ReadFile("testdata/version1.json")
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{
		"2":   "schema_version 2 was written by a later dlbench; this one reads up to 1: use the later one",
		"999": "schema_version 999 was written by a later dlbench",
		"0":   "schema_version 0 is unknown: expected 1",
		"-1":  "schema_version -1 is unknown: expected 1",
		"1.5": "schema_version 1.5 was written by a later dlbench",
		`"1"`: "expected a record with a whole number as schema_version",
	} {
		other := strings.Replace(string(data), `"schema_version": 1`, fmt.Sprintf(`"schema_version": %s`, version), 1)
		other = strings.Replace(other, `"rounds": 1`, `"rounds": "many"`, 1)
		_, err := record.Decode("f.json", []byte(other))
		refused(t, err, "f.json:2:20: "+want)
	}
}
