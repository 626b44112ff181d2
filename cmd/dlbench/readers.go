package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// heedless is a stream whose reader may leave before its end, like head(1). That
// ends neither a run nor what it writes to files: the rest is not read.
type heedless struct{ w io.Writer }

func (h heedless) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return len(p), nil
	}
	return n, err
}

// outliveReaders makes a write that nobody reads an error, and no longer the end
// of the program. It is not ignored, which the programs that are started would
// inherit.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }
