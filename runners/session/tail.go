package session

import (
	"io"
	"sync"
)

// tail passes a runner's log on to a sink and remembers its end, so that an
// error can show what the runner said last.
type tail struct {
	mu   sync.Mutex
	sink io.Writer
	end  []byte
}

const tailBytes = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	if extra := len(t.end) - tailBytes; extra > 0 {
		t.end = append(t.end[:0], t.end[extra:]...)
	}
	if t.sink != nil {
		// A full disk must not stop the reading: a runner whose log is not
		// drained blocks for ever.
		_, _ = t.sink.Write(p)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}
