package nights_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/reports/nights"
)

var update = flag.Bool("update", false, "write the golden files")

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// night is a night of January.
func night(day, exit int, headline string) nights.Night {
	began := epoch.AddDate(0, 0, day-2)
	return nights.Night{Name: began.Format("20060102-150405") + "-smoke", Suite: "smoke", Began: began, Ended: began.Add(90 * time.Minute), Exit: exit, Headline: headline, Record: "0123456789ab"}
}

// kept is a directory with these nights, and the files of each.
func kept(t *testing.T, all []nights.Night, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range all {
		own := filepath.Join(dir, n.Name)
		if err := os.MkdirAll(own, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if err := os.WriteFile(filepath.Join(own, file), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := nights.Write(own, n); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func names(all []nights.Night) (found []string) {
	for _, n := range all {
		found = append(found, n.Name)
	}
	return found
}

func TestNightsAreReadNewestFirstWithTheirFiles(t *testing.T) {
	older, newer := night(2, 0, "nothing got slower"), night(3, 3, "pytorch is slower")
	dir := kept(t, []nights.Night{older, newer}, "report.html", "night.log", "result.json")
	for _, other := range []string{"under-way", "not-ours"} {
		if err := os.MkdirAll(filepath.Join(dir, other), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := nights.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	newer.Files, older.Files = []string{"report.html", "night.log"}, []string{"report.html", "night.log"}
	if diff := cmp.Diff([]nights.Night{newer, older}, all); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestABrokenNightIsNamed(t *testing.T) {
	n := night(2, 0, "")
	dir := kept(t, []nights.Night{n})
	if err := os.WriteFile(filepath.Join(dir, n.Name, "night.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := nights.Read(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(n.Name, "night.json")) {
		t.Errorf("got %v", err)
	}
	if _, err := nights.Read(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that is not there was read")
	}
}

// Rotation keeps the newest, never all but none, and leaves what is not its own.
func TestOldNightsAreRemoved(t *testing.T) {
	all := []nights.Night{night(2, 0, ""), night(3, 0, ""), night(4, 0, ""), night(5, 0, "")}
	dir := kept(t, all)
	if err := os.MkdirAll(filepath.Join(dir, "not-ours"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ keep, left int }{{9, 4}, {3, 3}, {2, 2}, {0, 1}, {1, 1}} {
		if err := nights.Keep(dir, step.keep); err != nil {
			t.Fatal(err)
		}
		left, err := nights.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) != step.left || left[0].Name != all[3].Name {
			t.Errorf("of 4 nights %v are left, expected the newest %d", names(left), step.left)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "not-ours")); err != nil {
		t.Errorf("somebody else's directory: %v", err)
	}
}

// style is the page's style sheet, which the golden file leaves out.
var style = regexp.MustCompile(`(?s)<style>.*?</style>`)

func page(t *testing.T, all []nights.Night, trends bool) string {
	t.Helper()
	var b strings.Builder
	if err := nights.Page(&b, all, trends); err != nil {
		t.Fatal(err)
	}
	if len(style.FindString(b.String())) < 1000 {
		t.Error("the page has no style")
	}
	return style.ReplaceAllString(b.String(), "<style></style>")
}

func TestThePage(t *testing.T) {
	good, slower, failed := night(2, 0, "nothing got slower"), night(3, 3, "pytorch on lenet/infer/b8/fp32 (-2.1 %)"), night(4, 5, "no engine")
	good.Files, slower.Files, failed.Record = []string{"report.html", "check.html", "night.log"}, []string{"report.html"}, ""
	got := page(t, []nights.Night{failed, slower, good}, true)
	if *update {
		if err := os.WriteFile("testdata/nights.html", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/nights.html")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAPageOfNoNight(t *testing.T) {
	got := page(t, nil, false)
	if !strings.Contains(got, "No night yet.") || strings.Contains(got, "<table") || strings.Contains(got, "trends.html") {
		t.Errorf("got %s", got)
	}
}

// A headline is made of a framework's error: it stays text, and no link leads
// out of the directory by a script.
func TestNoTextBecomesMarkup(t *testing.T) {
	const attack = `</td><script>alert(1)</script><img src=x onerror=alert(1)>"'&`
	n := night(2, 4, attack)
	n.Name, n.Suite, n.Record, n.Files = attack, attack, attack, []string{attack, "javascript:alert(1)"}
	got := page(t, []nights.Night{n}, false)
	for _, markup := range []string{"<script", "<img", `"javascript:`, "ZgotmplZ"} {
		if strings.Contains(got, markup) {
			t.Errorf("the page holds %q", markup)
		}
	}
	if !strings.Contains(got, "&lt;script&gt;alert(1)") {
		t.Error("the headline is not there as text")
	}
	if !strings.Contains(got, "Content-Security-Policy") {
		t.Error("the page has no policy")
	}
}
