package peak

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

var errNoCaches = errors.New("the kernel does not tell the sizes of the caches here (no /sys/devices/system/cpu/cpu*/cache)")

// lastLevel is the bytes of the last-level caches that these CPUs reach, each
// counted once, on the machine whose /sys lies under root.
func lastLevel(root string, cpus []int) (int64, error) {
	deepest, sizes := 0, map[string]int64{} // of a level, by the CPUs that share one
	for _, cpu := range cpus {
		caches, err := filepath.Glob(filepath.Join(root, fmt.Sprintf("sys/devices/system/cpu/cpu%d/cache/index[0-9]*", cpu)))
		if err != nil {
			return 0, err
		}
		for _, dir := range caches {
			level, err := strconv.Atoi(told(dir, "level"))
			if err != nil || level < deepest || told(dir, "type") == "Instruction" {
				continue
			}
			bytes, err := size(told(dir, "size"))
			if err != nil {
				return 0, fmt.Errorf("%s/size: %w", dir, err)
			}
			if level > deepest {
				deepest = level
				clear(sizes)
			}
			sizes[told(dir, "shared_cpu_list")] = bytes
		}
	}
	var total int64
	for _, bytes := range sizes {
		total += bytes
	}
	if total == 0 {
		return 0, errNoCaches
	}
	return total, nil
}

// size reads the kernel's "32768K".
func size(text string) (int64, error) {
	digits := strings.TrimRight(text, "KMG")
	n, err := strconv.ParseInt(digits, 10, 64)
	unit, known := map[string]int64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[text[len(digits):]]
	if err != nil || !known || n <= 0 {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	return n * unit, nil
}

func told(dir, file string) string {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
