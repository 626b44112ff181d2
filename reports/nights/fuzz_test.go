package nights_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/reports/nights"
	"github.com/dlbench/dlbench/workloads/fuzztest"
)

// FuzzRead: whatever a night.json holds, the nights are listed and drawn, or the
// file is named in one line.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"name":"20260102-030405-smoke","suite":"smoke","began":"2026-01-02T03:04:05Z","ended":"2026-01-02T04:04:05Z","exit":3,"headline":"h","record":"0123456789ab","files":["report.html"]}`))
	f.Add([]byte(`{"files":[""],"headline":"<script>"}`))
	f.Add([]byte(`{"began":"0000-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		night := filepath.Join(dir, "night")
		if err := os.Mkdir(night, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(night, "night.json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		fuzztest.Bounded(t, len(data), func() {
			all, err := nights.Read(dir)
			if err != nil {
				if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "night.json") {
					t.Errorf("%q: not one line that names the file", err)
				}
				return
			}
			var page bytes.Buffer
			if err := nights.Page(&page, all, true); err != nil {
				t.Errorf("it cannot be drawn: %v", err)
			}
			if strings.Contains(page.String(), "<script>") {
				t.Error("a text of a night became a part of the page")
			}
		})
	})
}
