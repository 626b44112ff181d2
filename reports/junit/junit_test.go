package junit_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/reports/junit"
)

var update = flag.Bool("update", false, "write the golden files")

var suite = junit.Suite{Name: "dlbench smoke", Time: time.Date(2026, 1, 2, 4, 4, 5, 0, time.FixedZone("CET", 3600)), Host: "bench1", Cases: []junit.Case{
	{Class: "lenet/infer/b8/fp32", Name: "pytorch", Seconds: "1.500", Output: "267 images/s"},
	{Class: "lenet/infer/b8/fp32", Name: "caffe", Failure: &junit.Reason{Message: "gradients are off", Type: "not_ranked"}},
	{Class: "lenet/infer/b8/fp32", Name: "onnxruntime", Skipped: &junit.Reason{Message: "no training"}}}}

func written(t *testing.T, s junit.Suite) string {
	t.Helper()
	var b strings.Builder
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestADocument(t *testing.T) {
	got := written(t, suite)
	if *update {
		if err := os.WriteFile("testdata/suite.xml", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/suite.xml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// read is what a server reads from the document.
type read struct {
	Name      string `xml:"name,attr"`
	Tests     int    `xml:"tests,attr"`
	Failures  int    `xml:"failures,attr"`
	Skipped   int    `xml:"skipped,attr"`
	Timestamp string `xml:"timestamp,attr"`
	Cases     []struct {
		Class   string `xml:"classname,attr"`
		Name    string `xml:"name,attr"`
		Failure *struct {
			Message string `xml:"message,attr"`
		} `xml:"failure"`
		Skipped *struct{} `xml:"skipped"`
		Output  string    `xml:"system-out"`
		Other   []struct {
			XMLName xml.Name
		} `xml:",any"`
	} `xml:"testcase"`
}

func parsed(t *testing.T, s junit.Suite) read {
	t.Helper()
	var r read
	if err := xml.Unmarshal([]byte(written(t, s)), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCasesAreCounted(t *testing.T) {
	r := parsed(t, suite)
	if r.Tests != 3 || r.Failures != 1 || r.Skipped != 1 || r.Timestamp != "2026-01-02T03:04:05" {
		t.Errorf("got %+v", r)
	}
	if r := parsed(t, junit.Suite{Name: "nothing"}); r.Tests != 0 || len(r.Cases) != 0 {
		t.Errorf("an empty suite is %+v", r)
	}
}

// A framework's message is text: it comes back as it was, or, where XML cannot
// say a sign, with a replacement; it adds no element.
func TestNoTextBecomesMarkup(t *testing.T) {
	for attack, want := range map[string]string{
		`"/><failure message="x"/><!--`:  `"/><failure message="x"/><!--`,
		`]]></system-out><system-out>`:   `]]></system-out><system-out>`,
		"a & b &amp; <c>":                "a & b &amp; <c>",
		"bell \a, nothing \x00 and \xff": "bell \uFFFD, nothing \uFFFD and \uFFFD",
		"two\nlines":                     "two\nlines",
	} {
		r := parsed(t, junit.Suite{Name: attack, Host: attack, Cases: []junit.Case{{Class: attack, Name: attack, Output: attack, Failure: &junit.Reason{Message: attack, Type: attack}}}})
		c := r.Cases[0]
		if r.Name != want || c.Class != want || c.Name != want || c.Output != want || c.Failure.Message != want {
			t.Errorf("%q came back as %+v", attack, r)
		}
		if len(r.Cases) != 1 || c.Skipped != nil || len(c.Other) != 0 {
			t.Errorf("%q added an element: %+v", attack, r)
		}
	}
}

type full struct{}

var errFull = errors.New("the disk is full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAnErrorOfTheWriterIsReturned(t *testing.T) {
	if err := suite.Write(full{}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}
