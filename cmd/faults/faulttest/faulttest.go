// Package faulttest is what the campaigns of faults share, that on one machine and
// that on a cluster: the real program, watched while it runs, the manifest of a
// runner that meets a fault, and the page that tells what became of it.
package faulttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Output is what a program prints, also while it does.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps what is printed.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is what was printed until now.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Start starts a program, which is killed if the test ends before it. The channel
// is closed when it has ended.
func Start(t *testing.T, command *exec.Cmd) (ended chan struct{}) {
	t.Helper()
	ended = make(chan struct{})
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		select {
		case <-ended:
		default:
			_ = command.Process.Kill()
			<-ended
		}
	})
	return ended
}

// Runner puts the manifest of a runner into a directory of runners: of a program
// that stands in an image as /runner, and meets a fault.
func Runner(t *testing.T, runners, name, image, program, fault string) {
	t.Helper()
	m := map[string]any{"schema_version": 1, "name": name, "framework": name, "version": "1", "description": "meets a fault", "homepage": "", "maintained": true,
		"image": map[string]string{"name": image}, "command": []string{"/runner"}, "devices": []string{"cpu"},
		"local": map[string]any{"command": []string{program}, "requires": []string{}}, "environment": map[string]string{"DLBENCH_FAULT": fault}}
	text, err := json.Marshal(m)
	if err == nil {
		err = os.MkdirAll(filepath.Join(runners, name), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(runners, name, "runner.json"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Rewrite replaces what a page has between <!-- NAME: begin --> and <!-- NAME: end
// --> by what is made of it.
func Rewrite(path, name string, made func(old string) string) error {
	begin, end := fmt.Sprintf("<!-- %s: begin -->\n", name), fmt.Sprintf("<!-- %s: end -->\n", name)
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(page), begin)
	old, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return errors.New(path + " has no markers for the table")
	}
	return os.WriteFile(path, []byte(before+begin+made(old)+end+after), 0o644)
}
