package launch_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/runners/session"
)

// full is a runner whose outputs cannot be written.
var full = enginetest.Runner{Hello: protocol.HelloResult{Device: protocol.DeviceSeen{Kind: "cpu"}}, Fault: func(request string) *protocol.Error {
	if request == protocol.Hello || request == protocol.Bye {
		return nil
	}
	return &protocol.Error{Code: protocol.DiskFull, Message: "No space left on device"}
}}

// TestWhoseDiskIsFull: a runner's own /tmp is its fault, the harness's disk is the
// machine's.
func TestWhoseDiskIsFull(t *testing.T) {
	for name, filled := range map[string]bool{"its own": false, "the harness's": true} {
		t.Run(name, func(t *testing.T) {
			work := t.TempDir()
			if filled {
				if err := unix.Mount("none", work, "tmpfs", 0, "size=1m"); err != nil {
					t.Skipf("no right to mount a small disk: %v", err)
				}
				t.Cleanup(func() {
					if err := unix.Unmount(work, unix.MNT_DETACH); err != nil {
						t.Error(err)
					}
				})
				if err := os.WriteFile(filepath.Join(work, "filler"), make([]byte, 2<<20), 0o600); err == nil {
					t.Fatal("the small disk does not fill")
				}
				if err := os.Truncate(filepath.Join(work, "filler"), 900<<10); err != nil { // room for a directory
					t.Fatal(err)
				}
			}
			l := &launch.Launcher{Engine: &enginetest.Fake{Scripts: map[string]enginetest.Script{"x": full.Script}}, Threads: 1, Inputs: t.TempDir(), Work: work,
				Deadlines: session.Deadlines{Hello: 10 * time.Second, Close: time.Second}}
			r, err := l.Open(t.Context(), manifest.Manifest{Name: "x", Local: &manifest.Local{Command: []string{"x"}}}, "", device.CPU)
			if err != nil {
				t.Fatal(err)
			}
			_, _, verified := r.Verify(t.Context(), protocol.VerifyParams{})
			_, _, measured := r.Measure(t.Context(), protocol.MeasureParams{}, true)
			for request, err := range map[string]error{"verify": verified, "measure": measured} {
				var missing *engine.EnvironmentError
				if environment := errors.As(err, &missing); err == nil || environment != filled || record.Full(err) != filled {
					t.Errorf("%s: %v, an error of the environment: %t, of a full disk: %t", request, err, environment, record.Full(err))
				}
			}
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
