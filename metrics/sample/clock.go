package sample

import "golang.org/x/sys/unix"

// Monotonic is CLOCK_MONOTONIC in nanoseconds: the clock of Python's
// time.monotonic_ns and of Java's System.nanoTime on Linux, shared by the host
// and its containers, so that samples and blocks can be laid over each other.
func Monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic("sample: CLOCK_MONOTONIC: " + err.Error()) // every Linux has it
	}
	return t.Nano()
}
