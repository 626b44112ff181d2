package nights_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/nights"
)

// onNodes has the night measured by shards of a cluster: each takes longer by a
// share, or is missing for a reason. told is where the user's command writes.
func onNodes(t *testing.T, slower []float64, missing map[int]string, ends error) (s *simulated, told string) {
	t.Helper()
	s = newSimulated(t)
	told = filepath.Join(t.TempDir(), "told")
	s.Notification = fmt.Sprintf("cat > %q", told)
	s.Measure = func(_ context.Context, dir string, _ io.Writer) (parts []nights.Part, err error) {
		for i, share := range slower {
			p := nights.Part{Name: fmt.Sprintf("shard %d on n%d", i, i), Dir: filepath.Join(dir, "shards", fmt.Sprintf("%04d", i)), Missing: missing[i]}
			if err := os.MkdirAll(p.Dir, 0o755); err != nil {
				return nil, err
			}
			if p.Missing == "" {
				rec := s.record(share)
				rec.Environment.Host = fmt.Sprintf("n%d", i)
				if err := record.Write(filepath.Join(p.Dir, "result.json"), rec); err != nil {
					return nil, err
				}
			}
			parts = append(parts, p)
		}
		return parts, ends
	}
	judge := s.Judge
	s.Judge = func(ctx context.Context, result string, of int, log io.Writer) (*gate.Report, error) {
		r, err := record.Read(result)
		if err != nil {
			return nil, err
		}
		s.baseline.Environment = r.Environment // each is held against its own machine's
		return judge(ctx, result, of, log)
	}
	return s, told
}

// kept is the night.json of a night.
func (s *simulated) kept(t *testing.T, n nights.Night) (kept nights.Night) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.read(t, "nights", n.Name, "night.json")), &kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestAGoodNightOfSeveralParts(t *testing.T) {
	s, told := onNodes(t, []float64{0, 0, 0}, nil, nil)
	var of []int
	judge := s.Judge
	s.Judge = func(ctx context.Context, result string, parts int, log io.Writer) (*gate.Report, error) {
		of = append(of, parts)
		return judge(ctx, result, parts, log)
	}
	n, err := s.run(t)
	if err != nil || n.Exit != 0 || n.Headline != "nothing got slower in 3 parts, cells judged: 6" || s.inHistory(t) != 3 {
		t.Fatalf("%+v, %v", n, err)
	}
	if !slices.Equal(of, []int{3, 3, 3}) {
		t.Errorf("judged as parts of %v", of)
	}
	if _, err := os.Stat(told); err == nil {
		t.Error("a good night was told")
	}
	kept := s.kept(t, n)
	if len(kept.Parts) != 3 || kept.Parts[1].Name != "shard 1 on n1" || kept.Parts[1].Dir != "shards/0001" || kept.Parts[1].Record == "" || kept.Record != "" {
		t.Errorf("night.json has %+v", kept)
	}
	if check := s.read(t, "nights", n.Name, "check.html"); !strings.Contains(check, `href="shards/0002/check.html"`) || !strings.Contains(check, "shard 2 on n2") {
		t.Errorf("the list of parts is\n%s", check)
	}
	for _, file := range []string{"check.md", "check.xml", "check.json"} {
		s.read(t, "nights", n.Name, "shards", "0001", file)
	}
	if index := s.read(t, "index.html"); !strings.Contains(index, n.Name+"/check.html") || !strings.Contains(index, "3 records") {
		t.Errorf("the list of nights is\n%s", index)
	}
	if trends := s.read(t, "trends.html"); strings.Count(trends, "<h2>b on net0/infer/b4/fp32</h2>") != 3 {
		t.Error("trends.html lacks cells of some parts")
	}
}

func TestOnePartThatGotSlowerIsTold(t *testing.T) {
	s, told := onNodes(t, []float64{0, 0.1, 0}, nil, nil)
	n, err := s.run(t)
	if !errors.Is(err, errSlower) || n.Exit != 3 || n.Headline != "shard 1 on n1: something got slower" {
		t.Fatalf("%+v, %v", n, err)
	}
	text, err := os.ReadFile(told)
	if err != nil || strings.Count(string(text), "# dlbench check") != 1 || !strings.Contains(string(text), "shards/0001/result.json") {
		t.Errorf("told was\n%s%v", text, err)
	}
	exits := map[string]int{}
	for _, p := range s.kept(t, n).Parts {
		exits[p.Name] = p.Exit
	}
	if exits["shard 0 on n0"] != 0 || exits["shard 1 on n1"] != 3 || exits["shard 2 on n2"] != 0 {
		t.Errorf("the parts' exit codes are %v", exits)
	}
}

// TestAMissingPartIsNotFine: what is not there may be what got slower.
func TestAMissingPartIsNotFine(t *testing.T) {
	const why = "the node went down (NODE_FAIL)"
	for name, tt := range map[string]struct {
		slower float64
		ends   error
		exit   int
	}{
		"said by what measures":         {0, errNoEngine, 5},
		"said by nobody else":           {0, nil, 5},
		"and another one became slower": {0.1, errNoEngine, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := onNodes(t, []float64{tt.slower, 0}, map[int]string{1: why}, tt.ends)
			n, err := s.run(t)
			if err == nil || n.Exit != tt.exit || s.inHistory(t) != 1 {
				t.Fatalf("%+v, %v", n, err)
			}
			if tt.ends == nil && !strings.Contains(n.Headline, "shard 1 on n1: "+why) || tt.ends != nil && !errors.Is(err, tt.ends) {
				t.Errorf("it ends with %v", err)
			}
			parts := s.kept(t, n).Parts
			if len(parts) != 2 || parts[1].Exit != 5 || parts[1].Headline != why || parts[0].Record == "" {
				t.Errorf("the parts are %+v", parts)
			}
			if check := s.read(t, "nights", n.Name, "check.html"); !strings.Contains(check, why) {
				t.Errorf("the list of parts is\n%s", check)
			}
		})
	}
}

func TestNothingThatWasMeasuredIsNotFine(t *testing.T) {
	s, _ := onNodes(t, nil, nil, nil)
	if n, err := s.run(t); err == nil || n.Headline != "nothing was measured" {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestOfManyPartsSomeAreNamed(t *testing.T) {
	slower := slices.Repeat([]float64{0.1}, 15)
	slower[0] = 0
	s, told := onNodes(t, slower, nil, nil)
	n, err := s.run(t)
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 11 || lines[10] != "and 4 more of 15 parts, which check.html and night.json name" {
		t.Errorf("it ends with %v", err)
	}
	if text, err := os.ReadFile(told); err != nil || strings.Count(string(text), "# dlbench check") != 10 {
		t.Errorf("told was\n%s%v", text, err)
	}
	if parts := s.kept(t, n).Parts; len(parts) != 15 || parts[14].Exit != 3 {
		t.Errorf("night.json has %d parts", len(parts))
	}
}
