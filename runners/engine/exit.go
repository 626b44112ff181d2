package engine

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// exitOf reads how a waited-for process ended.
func exitOf(err error) Exit {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return Exit{}
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Exit{Code: 128 + int(status.Signal()), Signal: unix.SignalName(status.Signal())}
	}
	return Exit{Code: exit.ExitCode(), Signal: signalOf(exit.ExitCode())}
}

// signalOf names the signal in a shell's or an engine's exit code.
func signalOf(code int) string {
	if code > 128 && code < 128+65 {
		return unix.SignalName(unix.Signal(code - 128))
	}
	return ""
}
