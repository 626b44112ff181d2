package engine

import "testing"

func TestAKillIsForMemoryIfTheKernelCountsOne(t *testing.T) {
	now := memoryKills()
	if now < 0 {
		t.Skip("this kernel does not count")
	}
	killed := Exit{Code: 137, Signal: "SIGKILL"}
	for name, tt := range map[string]struct {
		before int64
		exit   Exit
		want   bool
	}{
		"one more":             {now - 1, killed, now > 0},
		"none since":           {now + 1<<40, killed, false},
		"not counted":          {-1, killed, false},
		"ended by itself":      {now - 1, Exit{Code: 1}, false},
		"ended by another one": {now - 1, Exit{Code: 143, Signal: "SIGTERM"}, false},
	} {
		if got := (outOfMemory{tt.before}).explains(tt.exit); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
