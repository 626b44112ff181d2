package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// insistence is how long the first signal is given before the same one again
// means more than an impatient finger.
const insistence = 10 * time.Second

// interruptible is a context that the first signal of those that end programs
// cancels. What runs then cleans up, and a scheduler's second signal, which
// often follows at once, must not cut that off: only a third one ends the
// program, or the first one again after a while.
func interruptible(stderr io.Writer) context.Context {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, ending()...)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		first := <-signals
		cancel()
		i := interruption{first: first, began: time.Now()}
		for next := range signals {
			if i.insists(next, time.Now()) {
				endBy(next)
				return
			}
			fmt.Fprintln(stderr, "dlbench: stopping what runs; another signal ends dlbench at once, and may leave containers behind")
		}
	}()
	return ctx
}

// ending are the signals that ask for an end. One that hangs up is ignored
// if the program was started to outlive its terminal, like by nohup.
func ending() []os.Signal {
	asked := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		asked = append(asked, syscall.SIGHUP)
	}
	return asked
}

// interruption is what has happened since the first signal.
type interruption struct {
	first   os.Signal
	began   time.Time
	ignored bool // one signal after the first
}

// insists says whether the next signal is meant to end the program at once.
func (i *interruption) insists(next os.Signal, at time.Time) bool {
	if i.ignored || next == i.first && at.Sub(i.began) >= insistence {
		return true
	}
	i.ignored = true
	return false
}

// endBy lets a signal do what it does to a program that does not heed it.
func endBy(s os.Signal) {
	signal.Reset(s)
	_ = syscall.Kill(os.Getpid(), s.(syscall.Signal)) // a process may signal itself
}
