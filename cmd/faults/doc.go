// Package faults is the campaign of faults: the real program meets what ends,
// fills, removes or holds up things where people run it, with real engines, and
// every case asserts what has to be left. `make faults` runs it and writes the
// table of docs/faults.md.
package faults
