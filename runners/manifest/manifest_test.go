package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/manifest"
)

const good = `{"schema_version": 1, "name": "mine", "framework": "Mine", "version": "1", "description": "", "homepage": "",
 "maintained": true, "image": {"name": "mine:1"}, "command": ["run"], "environment": {"N": "{threads}"}, "devices": ["cpu"]}`

func TestBuiltinIsTheReferenceFirst(t *testing.T) {
	all, err := manifest.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 3 || !all[0].Reference || all[1].Reference {
		t.Errorf("runners are %v", all)
	}
}

func TestDecode(t *testing.T) {
	if _, err := manifest.Decode([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ from, to, says string }{
		"later schema":    {`"schema_version": 1`, `"schema_version": 2`, "schema_version is 2"},
		"bad name":        {`"mine"`, `"My Runner"`, `name "My Runner"`},
		"no framework":    {`"Mine"`, `""`, "framework is empty"},
		"no start":        {`["run"]`, `[]`, "neither command nor local"},
		"no image":        {`"mine:1"`, `""`, "needs an image"},
		"other device":    {`["cpu"]`, `["tpu"]`, `device "tpu"`},
		"other mode":      {`"devices"`, `"modes": ["eval"], "devices"`, `modes: "eval"`},
		"no device":       {`["cpu"]`, `[]`, "devices is empty"},
		"unknown field":   {`"homepage"`, `"home"`, `unknown field "home"`},
		"wrong type":      {`true`, `"yes"`, "line 2"},
		"not JSON at all": {`{"schema`, `schema`, "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Decode([]byte(strings.Replace(good, test.from, test.to, 1)))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error is %v, want %q", err, test.says)
			}
		})
	}
}

func TestDirNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := manifest.Dir(dir); err == nil {
		t.Error("an empty directory is accepted")
	}
	path := filepath.Join(dir, "mine", "runner.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	for text, says := range map[string]string{good: "", "{": path + ": line 1"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		all, err := manifest.Dir(dir)
		if says == "" && (err != nil || len(all) != 1 || all[0].Source != path) {
			t.Errorf("%v, %v", all, err)
		}
		if says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("error is %v, want %q", err, says)
		}
	}
}

func TestEnvironmentCarriesTheBudget(t *testing.T) {
	m, err := manifest.Decode([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	env := m.EnvironmentFor(3, "")
	for _, name := range []string{"N", "DLBENCH_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} {
		if env[name] != "3" {
			t.Errorf("%s is %q", name, env[name])
		}
	}
}

func TestExtractPythonIsDoneOnce(t *testing.T) {
	dir := t.TempDir()
	first, err := manifest.ExtractPython(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(first, "dlbench_sdk", "server.py")); err != nil {
		t.Error(err)
	}
	all, err := manifest.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Local == nil {
			continue
		}
		if file := m.At(first, m.Local.Command)[3]; !filepath.IsAbs(file) || filepath.Base(file) != "adapter.py" {
			t.Errorf("%s is started by %s", m.Name, file)
		} else if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	again, err := manifest.ExtractPython(dir)
	if err != nil || again != first {
		t.Errorf("%s and %s, %v", first, again, err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "adapters"))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d entries are left, %v", len(entries), err)
	}
}
