package html

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every runner has a colour in the charts and the same one in the tables, on
// light and on dark paper, and there are enough for all that dlbench comes with.
func TestMarksAreTheSameInChartsAndTables(t *testing.T) {
	css, err := os.ReadFile("assets/report.css")
	if err != nil {
		t.Fatal(err)
	}
	runners, err := filepath.Glob("../../runners/frameworks/*/runner*.json")
	if err != nil || len(runners) == 0 {
		t.Fatalf("%d manifests, %v", len(runners), err)
	}
	if markCount < len(runners) {
		t.Errorf("%d marks for %d runners", markCount, len(runners))
	}
	seen := map[string]int{}
	for i := range markCount {
		name := colour(i)
		if n := strings.Count(string(css), name+":#"); n != 3 {
			t.Errorf("report.css gives %s %d colours, expected one for light paper and the same dark one twice", name, n)
		}
		if want := fmt.Sprintf(".dot.m%d{background:var(%s)}", i, name); !strings.Contains(string(css), want) {
			t.Errorf("report.css lacks %s", want)
		}
		if other, taken := seen[symbol(i)+dash(i)]; taken {
			t.Errorf("runners %d and %d share symbol %s and dash %s", other, i, symbol(i), dash(i))
		}
		seen[symbol(i)+dash(i)] = i
	}
}

// Each mark can be told from the paper: contrast of 3 to 1 or more, as WCAG 2.2
// asks of graphics.
func TestMarksStandOutFromThePaper(t *testing.T) {
	css, err := os.ReadFile("assets/report.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(css), "--ink:")
	for _, block := range blocks[1:4] { // light; dark by the system; dark by the button
		paper := luminance(t, value(t, block, "--paper"))
		for i := range markCount {
			mark := luminance(t, value(t, block, colour(i)))
			if contrast := (max(paper, mark) + 0.05) / (min(paper, mark) + 0.05); contrast < 3 {
				t.Errorf("%s %s has a contrast of %.2f", colour(i), value(t, block, colour(i)), contrast)
			}
		}
	}
}

func value(t *testing.T, block, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(block, name+":#")
	if !found || len(rest) < 6 {
		t.Fatalf("no %s", name)
	}
	return rest[:6]
}

// luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	var rgb [3]int
	if _, err := fmt.Sscanf(hex, "%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		total += weight * linear(float64(rgb[i])/255)
	}
	return total
}

func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}
