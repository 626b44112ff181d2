package html

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
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
		if n := strings.Count(string(css), fmt.Sprintf("--c%d:light-dark(#", i)); n != 1 {
			t.Errorf("report.css defines the colour of mark %d %d times, expected once, for light paper and dark", i, n)
		}
		if want := fmt.Sprintf(".dot.m%d{background:%s}", i, Colour(i)); !strings.Contains(string(css), want) {
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
	papers := tones(t, css, "paper")
	for i := range markCount {
		for k, hex := range tones(t, css, fmt.Sprintf("c%d", i)) {
			paper, mark := luminance(t, papers[k]), luminance(t, hex)
			if contrast := (max(paper, mark) + 0.05) / (min(paper, mark) + 0.05); contrast < 3 {
				t.Errorf("mark %d, %s on %s, has a contrast of %.2f", i, hex, papers[k], contrast)
			}
		}
	}
}

// Charts name only colours that the page's style has, and its font.
func TestTheThemeNamesTheStyle(t *testing.T) {
	css, err := os.ReadFile("assets/report.css")
	if err != nil {
		t.Fatal(err)
	}
	theme, err := json.Marshal(Theme())
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`var\(--([a-z0-9]+)\)`).FindAllSubmatch(theme, -1)
	if len(named) < 10 {
		t.Fatalf("the theme names %d colours", len(named))
	}
	for _, name := range named {
		tones(t, css, string(name[1]))
	}
	if !strings.Contains(string(css), fontFamily) {
		t.Errorf("the page's font is not %s", fontFamily)
	}
}

// tones are a colour on light and on dark paper.
func tones(t *testing.T, css []byte, name string) [2]string {
	t.Helper()
	found := regexp.MustCompile(`--` + name + `:light-dark\(#([0-9a-f]{6}),#([0-9a-f]{6})\)`).FindSubmatch(css)
	if found == nil {
		t.Fatalf("the style has no colour %s", name)
	}
	return [2]string{string(found[1]), string(found[2])}
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
