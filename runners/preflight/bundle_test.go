package preflight_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/preflight"
)

func TestABundleTellsNeitherWhoNorWhere(t *testing.T) {
	s := preflight.Scrubber{Words: map[string]string{"gpu-box-7": "HOST", "alice": "USER", "": "NOBODY"}}
	for text, want := range map[string]string{
		"Debian GNU/Linux 12":                            "Debian GNU/Linux 12",
		"0.5 images/s, and/or both":                      "0.5 images/s, and/or both",
		"no module torch in /home/alice/venv/bin/python": "no module torch in PATH/python",
		"~/.nv/ComputeCache, 1.0 MiB":                    "PATH/ComputeCache, 1.0 MiB",
		"/dev/nvidia0 0666, /dev/nvidia-uvm 0660":        "/dev/nvidia0 0666, /dev/nvidia-uvm 0660",
		"lies in /etc/cdi or /var/run/cdi":               "lies in /etc/cdi or /var/run/cdi",
		`open "/opt/secret/x.py": denied`:                `open "PATH/x.py": denied`,
		"ssh alice@gpu-box-7 failed":                     "ssh USER@HOST failed",
		"malice is no user":                              "malice is no user",
		"PYTHONPATH=/srv/a:/srv/b":                       "PYTHONPATH=PATH/a:PATH/b",
		"/dev/shm/../home/alice":                         "/dev/shm/../home/USER",
		"64.0 GiB in /tmp, /tmp/x":                       "64.0 GiB in /tmp, PATH/x",
		"unix:///var/run/docker.sock":                    "unix://PATH/docker.sock",
	} {
		if got := s.Text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	data, err := s.JSON(preflight.Report{Findings: []preflight.Finding{{What: "x", Text: "in /home/alice on gpu-box-7"}}})
	if err != nil || !json.Valid(data) || strings.Contains(string(data), "alice") || strings.Contains(string(data), "gpu-box") || !strings.Contains(string(data), "in PATH/USER on HOST") {
		t.Errorf("the document is %s, %v", data, err)
	}
}
