package main

import (
	"syscall"
	"testing"
	"time"
)

func TestOnlyAnInsistentSignalCutsTheCleaningOff(t *testing.T) {
	type arrival struct {
		after  time.Duration // the first signal
		signal syscall.Signal
		ends   bool
	}
	for name, arrivals := range map[string][]arrival{
		"another kind at once, then late":   {{200 * time.Millisecond, syscall.SIGTERM, false}, {time.Minute, syscall.SIGTERM, true}},
		"another kind late":                 {{time.Minute, syscall.SIGTERM, false}},
		"the same at once, then once again": {{time.Second, syscall.SIGINT, false}, {2 * time.Second, syscall.SIGINT, true}},
		"the same late":                     {{10 * time.Second, syscall.SIGINT, true}},
		"three kinds":                       {{time.Second, syscall.SIGTERM, false}, {2 * time.Second, syscall.SIGHUP, true}},
	} {
		began := time.Now()
		i := interruption{first: syscall.SIGINT, began: began}
		for n, a := range arrivals {
			if got := i.insists(a.signal, began.Add(a.after)); got != a.ends {
				t.Errorf("%s: signal %d ends the program: %v, want %v", name, n+2, got, a.ends)
			}
		}
	}
}
