package peak

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sys(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, "sys/devices/system/cpu", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// cache adds a cache of a CPU.
func cache(files map[string]string, at, level, kind, size, shared string) {
	for name, text := range map[string]string{"level": level, "type": kind, "size": size, "shared_cpu_list": shared} {
		files[filepath.Join(at, name)] = text
	}
}

// Two groups of CPUs have a last level each; what CPUs share counts once, and
// what others use does not count.
func TestLastLevelOfTheCPUsThatAreUsed(t *testing.T) {
	files := map[string]string{}
	for cpu, group := range map[string]string{"cpu0": "0-1", "cpu1": "0-1", "cpu2": "2-3", "cpu3": "2-3"} {
		cache(files, cpu+"/cache/index0", "1", "Data", "48K", cpu[3:])
		cache(files, cpu+"/cache/index1", "1", "Instruction", "32K", cpu[3:])
		cache(files, cpu+"/cache/index2", "2", "Unified", "1024K", cpu[3:])
		cache(files, cpu+"/cache/index3", "3", "Unified", "32M", group)
	}
	root := sys(t, files)
	for _, tt := range []struct {
		cpus []int
		want int64
	}{{[]int{0}, 32 << 20}, {[]int{0, 1}, 32 << 20}, {[]int{1, 2}, 64 << 20}, {[]int{0, 1, 2, 3}, 64 << 20}} {
		if got, err := lastLevel(root, tt.cpus); err != nil || got != tt.want {
			t.Errorf("CPUs %v: %d, %v, expected %d", tt.cpus, got, err, tt.want)
		}
	}
}

func TestLastLevelWithoutAThird(t *testing.T) {
	files := map[string]string{}
	for _, cpu := range []string{"cpu0", "cpu1"} {
		cache(files, cpu+"/cache/index0", "1", "Data", "64K", cpu[3:])
		cache(files, cpu+"/cache/index2", "2", "Unified", "512K", cpu[3:])
	}
	if got, err := lastLevel(sys(t, files), []int{0, 1}); err != nil || got != 1<<20 {
		t.Errorf("%d, %v, expected both of the second level", got, err)
	}
}

func TestCachesThatAreNotTold(t *testing.T) {
	broken := map[string]string{}
	cache(broken, "cpu0/cache/index0", "1", "Data", "big", "0")
	for root, part := range map[string]string{t.TempDir(): "does not tell the sizes of the caches", sys(t, broken): `"big" is not a size`} {
		if _, err := lastLevel(root, []int{0}); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %v, expected %q", err, part)
		}
	}
}

// The loop computes every element, in whatever parts.
func TestTriadComputes(t *testing.T) {
	for _, n := range []int{1, 3, 4, 7, 64} {
		a, b, c := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range a {
			b[i], c[i] = float64(i), float64(10*i)
		}
		triad(a, b, c)
		for i, v := range a {
			if v != 31*float64(i) {
				t.Errorf("element %d of %d is %v", i, n, v)
			}
		}
	}
}

func TestTriadMeasures(t *testing.T) {
	rate, err := Triad([]int{0}, 2, 1<<20)
	if err != nil || !(rate > 1e8 && rate < 1e15) {
		t.Errorf("%v bytes a second, %v", rate, err)
	}
	for name, ask := range map[string]func() (float64, error){
		"no CPU":                func() (float64, error) { return Triad(nil, 1, 1<<20) },
		"no thread":             func() (float64, error) { return Triad([]int{0}, 0, 1<<20) },
		"fewer than an element": func() (float64, error) { return Triad([]int{0}, 4, 16) },
		"a CPU that is not":     func() (float64, error) { return Triad([]int{1000}, 1, 1<<20) },
		"more than there is":    func() (float64, error) { return Triad([]int{0}, 1, 1<<50) },
	} {
		if rate, err := ask(); err == nil {
			t.Errorf("%s: %v bytes a second", name, rate)
		}
	}
}
