// Package tensors makes, writes and reads the numbers that every runner gets.
package tensors

import (
	"hash/fnv"
	"runtime"
	"sync"
)

// Stream is a counter-based generator: element i is a function of the seed, the
// stream's name and i only, so any part can be made by itself, in any order,
// with the same bytes on every machine.
//
// The mixing function is SplitMix64's (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014).
type Stream struct{ key uint64 }

const golden = 0x9e3779b97f4a7c15

// NewStream names a stream of numbers.
func NewStream(seed uint64, name string) Stream {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return Stream{key: mix(mix(seed+golden) ^ h.Sum64())}
}

func mix(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// Bits is element i as 64 random bits.
func (s Stream) Bits(i uint64) uint64 { return mix(s.key + (i+1)*golden) }

// Below is element i as an integer from 0 to n-1.
func (s Stream) Below(i uint64, n int) int64 {
	return int64((s.Bits(i) >> 32) * uint64(n) >> 32)
}

// Uniform is element i, uniform in [low, high), from 24 bits.
func (s Stream) Uniform(i uint64, low, high float64) float32 {
	u := float64(s.Bits(i)>>40) / (1 << 24)
	return float32(low + float64(u*(high-low)))
}

// irwinHallStd is the standard deviation of a sum of four 16-bit integers.
// The sum of the four lanes has mean 131070 and variance 4·(65536²−1)/12.
const (
	irwinHallMean = 2 * 65535
	irwinHallStd  = 37837.22723720648
)

// Normal is element i, of a bell-shaped distribution (Irwin–Hall of order 4,
// cut at 3.46 standard deviations). It takes no logarithm and no cosine, whose
// last bits differ between processors; the explicit conversion keeps a compiler
// from fusing the multiplication and the addition, which would too.
func (s Stream) Normal(i uint64, mean, std float64) float32 {
	b := s.Bits(i)
	sum := int64(b&0xffff) + int64(b>>16&0xffff) + int64(b>>32&0xffff) + int64(b>>48)
	z := float64(sum-irwinHallMean) / irwinHallStd
	return float32(mean + float64(z*std))
}

// Fill computes n elements on every CPU.
func Fill(n int, element func(i uint64) float32) []float32 {
	out := make([]float32, n)
	FillFrom(0, out, element)
	return out
}

// FillFrom computes the elements from the first on, on every CPU.
func FillFrom(first int, out []float32, element func(i uint64) float32) {
	n := len(out)
	workers := runtime.GOMAXPROCS(0)
	size := (n + workers - 1) / workers
	var wg sync.WaitGroup
	for low := 0; low < n; low += size {
		wg.Go(func() {
			for i := low; i < min(low+size, n); i++ {
				out[i] = element(uint64(first + i))
			}
		})
	}
	wg.Wait()
}
