package campaign

import "runtime/debug"

// Settle gives the system back what the harness needed before: verdicts, reports
// and records of earlier rounds leave many times of what sampling takes. It is
// done before a process is sampled, so that no collection of garbage falls into a
// timed block.
func Settle() { debug.FreeOSMemory() }
