package manifest_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/workloads/fuzztest"
)

// FuzzDecode: whatever the bytes, a manifest is refused in one line, or all that
// dlbench asks of it has an answer.
func FuzzDecode(f *testing.F) {
	paths, err := fs.Glob(runners.Manifests, "frameworks/*/runner*.json")
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	for _, path := range paths {
		data, err := fs.ReadFile(runners.Manifests, path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"schema_version":1,"name":"a","framework":"A","local":{"command":["x"]},"devices":["cpu"],"variants":{"b":{"description":"c"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m manifest.Manifest
		var err error
		fuzztest.Bounded(t, len(data), func() { m, err = manifest.Decode(data) })
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is not one line", err)
			}
			return
		}
		for _, name := range m.Names() {
			if _, variant, has := strings.Cut(name, "+"); has && !strings.Contains(m.Name, "+") {
				if _, ok := m.As(variant); !ok {
					t.Errorf("%s is listed and is not there", name)
				}
			}
		}
		m.EnvironmentFor(2, "")
		if m.GPU != nil {
			m.OnGPU()
		}
	})
}
