package table

import (
	"fmt"
	"strings"
)

// Bytes writes a size as people read it, in binary units.
func Bytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n)/1024, 0
	for size >= 1024 && unit < 3 {
		size, unit = size/1024, unit+1
	}
	return fmt.Sprintf("%.3g %s", size, []string{"KiB", "MiB", "GiB", "TiB"}[unit])
}

// Thousands writes 25557032 as 25,557,032.
func Thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Dimensions writes a shape as 8×3×224×224.
func Dimensions(shape []int) string {
	parts := make([]string, len(shape))
	for i, extent := range shape {
		parts[i] = fmt.Sprint(extent)
	}
	return strings.Join(parts, "×")
}
