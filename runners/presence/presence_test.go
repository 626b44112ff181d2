package presence_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/presence"
)

// asHolder makes this test's program one that is present in a directory.
const asHolder = "DLBENCH_TEST_HOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asHolder); dir != "" {
		self, err := presence.Claim(dir, time.Now())
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(presence.Lock(self.Labels()) + "\n")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		os.Exit(0) // without a release, as if it were killed
	}
	os.Exit(m.Run())
}

// holder is another process that is present until the test ends it.
func holder(t *testing.T, dir string, wrapper ...string) (lock string, end func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := slices.Concat(wrapper, []string{self})
	command := exec.Command(args[0], args[1:]...)
	command.Env = append(os.Environ(), asHolder+"="+dir)
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), func() {
		_ = stdin.Close()
		_ = command.Wait()
	}
}

func TestProcessesKnowOfOneAnother(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "processes")
	self, err := presence.Claim(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if others := self.Others(); len(others) != 0 {
		t.Errorf("it sees itself: %v", others)
	}
	lock, end := holder(t, dir)
	if others := self.Others(); len(others) != 1 || others[0].PID <= 1 || !strings.Contains(others[0].String(), "process ") {
		t.Errorf("the others are %v", others)
	}
	if !self.Sees(lock) || self.Sees("/elsewhere/x.lock") {
		t.Error("it is wrong about which locks it looks at")
	}
	end()
	if others := self.Others(); len(others) != 0 {
		t.Errorf("one that has ended is among the others: %v", others)
	}
	if err := os.MkdirAll(self.Work(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := self.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(self.Work()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory of work is left: %v", err)
	}
}

// What a killed process leaves goes with the next claim, once it is old enough
// that nobody is about to lock it.
func TestWhatKilledProcessesLeaveIsRemoved(t *testing.T) {
	dir := t.TempDir()
	left, end := holder(t, dir)
	work := strings.TrimSuffix(left, ".lock")
	if err := os.MkdirAll(filepath.Join(work, "runner-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	end()
	live, stop := holder(t, dir)
	defer stop()
	claim := func(at time.Time) {
		self, err := presence.Claim(dir, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := self.Release(); err != nil {
			t.Fatal(err)
		}
	}
	claim(time.Now())
	if _, err := os.Stat(left); err != nil {
		t.Errorf("what may be locked at any moment was removed: %v", err)
	}
	claim(time.Now().Add(time.Hour))
	for _, path := range []string{left, work} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if _, err := os.Stat(live); err != nil {
		t.Errorf("the lock of one that lives was removed: %v", err)
	}
}

// The kernel's lock is seen from another PID namespace; the number is not.
func TestALockIsSeenAcrossPIDNamespaces(t *testing.T) {
	wrapper := []string{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if exec.Command(wrapper[0], append(wrapper[1:], "true")...).Run() != nil {
		t.Skip("no right to make a PID namespace")
	}
	dir := t.TempDir()
	self, err := presence.Claim(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	lock, end := holder(t, dir, wrapper...)
	labels := map[string]string{"dlbench.owner": "1:1", "dlbench.lock": lock, "dlbench.pidns": "pid:[1]"}
	if others := self.Others(); len(others) != 1 || others[0].PID != 1 || !presence.Alive(labels) {
		t.Errorf("one in another namespace is not seen: %v", others)
	}
	end()
	if presence.Alive(labels) {
		t.Error("one that has ended in another namespace is alive")
	}
	if err := self.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "lock")
	never := func() { t.Error("it waits") }
	first, err := presence.Use(t.Context(), path, never)
	if err != nil {
		t.Fatal(err)
	}
	second, err := presence.Use(t.Context(), path, never)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := presence.Change(path); !errors.Is(err, presence.ErrTaken) {
		t.Errorf("what two use may be changed: %v", err)
	}
	if err := errors.Join(first(), second()); err != nil {
		t.Fatal(err)
	}
	change, err := presence.Change(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := 0
	if _, err := presence.Use(ctx, path, func() { waited++; cancel() }); !errors.Is(err, context.Canceled) || waited != 1 {
		t.Errorf("who is cancelled while it waits gets %v, and was told %d times", err, waited)
	}
	if release, err := presence.Turn(t.Context(), path, func() { _ = change() }); err != nil || release() != nil {
		t.Errorf("after a wait: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a turn that is over is left: %v", err)
	}
}

// One waits while another one's turn ends and removes the file: it has the lock
// that the next one finds.
func TestTurnsFollowOneAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var holding atomic.Int32
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 25 {
				release, err := presence.Turn(t.Context(), path, func() {})
				if err != nil {
					t.Error(err)
					return
				}
				if holding.Add(1) > 1 {
					t.Error("two have it")
				}
				holding.Add(-1)
				if err := release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	held, err := presence.Turn(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := 0
	if _, err := presence.Turn(ctx, path, func() { waited++; cancel() }); !errors.Is(err, context.Canceled) || waited != 1 {
		t.Errorf("who is cancelled while it waits gets %v, and was told %d times", err, waited)
	}
	if err := held(); err != nil {
		t.Error(err)
	}
}

func TestAnExclusiveLockIsOneProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := presence.Exclusive(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := presence.Exclusive(path); !errors.Is(err, presence.ErrTaken) {
		t.Errorf("two have it: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
	if release, err = presence.Exclusive(path); err != nil || release() != nil {
		t.Errorf("it cannot be taken again: %v", err)
	}
}
