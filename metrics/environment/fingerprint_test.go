package environment_test

import (
	"maps"
	"testing"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
)

func TestFingerprint(t *testing.T) {
	files := map[string]string{"proc/cpuinfo": cpuinfo, "proc/meminfo": "MemTotal: 16384000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n", "etc/machine-id": "0123456789abcdef\n"}
	card := record.GPU{Name: "NVIDIA H100"}
	print := func(change map[string]string, cards ...record.GPU) string {
		tree := maps.Clone(files)
		maps.Copy(tree, change)
		return environment.Read(t.Context(), environment.Options{Root: machine(t, tree), Cards: func() ([]record.GPU, error) { return cards, nil }}).Fingerprint
	}
	first := print(nil)
	if len(first) != 16 {
		t.Fatalf("fingerprint %q", first)
	}
	if again := print(map[string]string{"proc/meminfo": "MemTotal: 16384900 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n"}); again != first {
		t.Errorf("another kernel's reserve makes it %q, expected %q", again, first)
	}
	for name, other := range map[string]string{
		"machine-id": print(map[string]string{"etc/machine-id": "fedcba\n"}),
		"no ID":      print(map[string]string{"etc/machine-id": ""}),
		"memory":     print(map[string]string{"proc/meminfo": "MemTotal: 32768000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n"}),
		"card":       print(nil, card),
	} {
		if other == first {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
}
