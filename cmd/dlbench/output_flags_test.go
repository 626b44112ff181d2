package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/history"
)

// output is a flag that names what a command writes.
type output struct {
	command []string // with what it needs besides; RESULT, HISTORY are made
	dir     bool     // it names a directory, which is made if its parent can be written
	holds   bool     // that directory holds an interrupted run
	code    int      // of one that cannot be written, other than of a full disk
}

const someCell = "--runner=reference --engine=local --workload=lenet/infer/b1/fp32"

// outputs are all of them: a new flag is to be added here or to inputs.
var outputs = map[string]output{
	"run --out":              {words("run", someCell), true, false, 5},
	"run --resume":           {words("run --no-verify"), true, true, 5},
	"check --out":            {words("check RESULT --baseline RESULT --rerun"), true, false, 5},
	"check --markdown":       {words("check RESULT --baseline RESULT"), false, false, 2},
	"check --junit":          {words("check RESULT --baseline RESULT"), false, false, 2},
	"nightly --dir":          {words("nightly --history HISTORY", someCell), true, false, 5},
	"nightly --history":      {words("nightly --dir NIGHTS", someCell), true, false, 5},
	"report --o":             {words("report RESULT"), false, false, 2},
	"compare --html":         {words("compare RESULT RESULT"), false, false, 2},
	"nodes --html":           {words("nodes RESULT"), false, false, 2},
	"export --o":             {words("export RESULT"), false, false, 2},
	"fidelity --o":           {words("fidelity", someCell), false, false, 2},
	"doctor --bundle":        {words("doctor"), false, false, 2},
	"history add --dir":      {words("history add RESULT"), true, false, 2},
	"history trend --o":      {words("history trend net0/infer/b4/fp32 a --dir HISTORY"), false, false, 2},
	"images push --digests":  {words("images push registry.example/prefix"), false, false, 2},
	"timeline --o":           {words("timeline RESULT"), false, false, 2},
	"workload export --out":  {words("workload export lenet/infer/b1/fp32"), true, false, 5},
	"workload export --onnx": {words("workload export lenet/infer/b1/fp32"), false, false, 2},
}

// inputs are flags that name what a command reads, or where it looks things up.
var inputs = regexp.MustCompile(`(--suite|^(run|nightly) --images|^images pull --digests|--data|--network|--runner-dir|^check --history|^history (list|show|trend|baseline|reindex) --dir)$`)

func words(lines ...string) (all []string) {
	for _, line := range lines {
		all = append(all, strings.Fields(line)...)
	}
	return all
}

// TestEveryFlagThatNamesAFileIsKnown keeps the table complete.
func TestEveryFlagThatNamesAFileIsKnown(t *testing.T) {
	p := &program{getenv: os.Getenv}
	var found []string
	var look func(string, []*cli.Command)
	look = func(parent string, commands []*cli.Command) {
		for _, c := range commands {
			name := strings.TrimSpace(parent + " " + c.Name)
			for _, f := range c.Flags {
				usage := f.(cli.DocGenerationFlag).GetUsage()
				if strings.Contains(usage, "`DIR`") || strings.Contains(usage, "`FILE") {
					found = append(found, name+" --"+f.Names()[0])
				}
			}
			look(name, c.Subcommands)
		}
	}
	look("", p.app().Commands)
	for _, flag := range found {
		if _, known := outputs[flag]; !known && !inputs.MatchString(flag) {
			t.Errorf("%s is neither among the outputs nor among the inputs", flag)
		}
	}
	for flag := range outputs {
		if !slices.Contains(found, flag) {
			t.Errorf("%s is no flag that names a FILE or a DIR", flag)
		}
	}
}

// barrier makes a directory one that nothing can be written into, for the thread
// that calls it. What is given lies in it before.
type barrier func(dir, file string, content []byte) error

var barriers = map[string]barrier{
	"unwritable directory": func(dir, file string, content []byte) error {
		err := errors.Join(os.WriteFile(filepath.Join(dir, file), content, 0o644), os.Chmod(dir, 0o555))
		if os.Getuid() == 0 && err == nil { // whom no mode keeps out
			_, err = unix.SetfsuidRetUid(65534)
		}
		return err
	},
	"read-only file system": func(dir, file string, content []byte) error {
		return errors.Join(mounted(dir, "1m"), os.WriteFile(filepath.Join(dir, file), content, 0o644),
			unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	},
	"full disk": func(dir, file string, content []byte) error {
		err := errors.Join(mounted(dir, "256k"), os.WriteFile(filepath.Join(dir, file), content, 0o644))
		if full := os.WriteFile(filepath.Join(dir, "rest"), make([]byte, 1<<20), 0o644); err == nil && !errors.Is(full, unix.ENOSPC) {
			err = fmt.Errorf("the disk is not full: %w", cmp.Or(full, errors.ErrUnsupported))
		}
		return err
	},
}

// mounted puts a small disk on a directory, which only the calling thread sees.
func mounted(dir, size string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	return errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("none", dir, "tmpfs", 0, "size="+size))
}

// scene are the files that commands read.
type scene struct{ root, result, history string }

func newScene(t *testing.T) scene {
	t.Helper()
	s := scene{root: t.TempDir()}
	s.result, s.history = filepath.Join(s.root, "in", "result.json"), filepath.Join(s.root, "history")
	rec := recordtest.Simulation{Seed: 1, Modes: []string{"infer"}, Workloads: 1, Runners: 2, Rounds: 6, Noise: 0.001}.Record()
	summary.Summarize(rec)
	h, err := history.At(s.history)
	if err == nil {
		err = errors.Join(os.Chmod(filepath.Dir(s.root), 0o755), os.Mkdir(filepath.Dir(s.result), 0o755), record.Write(s.result, rec))
	}
	if err == nil {
		_, err = h.Add(t.Context(), s.result)
	}
	if nights := filepath.Join(s.root, "nights"); err == nil { // for whoever the test becomes
		err = errors.Join(os.Mkdir(nights, 0o755), os.Chmod(nights, 0o777))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs a command of the table with its flag, on a thread that is given up
// afterwards.
func (s scene) run(ctx context.Context, o output, flag, path string, before func() error) (code int, stdout, stderr string, err error) {
	args := []string{"dlbench"}
	for _, word := range o.command {
		args = append(args, strings.NewReplacer("RESULT", s.result, "HISTORY", s.history, "NIGHTS", filepath.Join(s.root, "nights")).Replace(word))
	}
	name := flag[strings.LastIndex(flag, "--"):]
	args = append(args, name, path)
	var out, log bytes.Buffer
	environment := map[string]string{"XDG_CACHE_HOME": filepath.Join(s.root, "cache"), "PATH": os.Getenv("PATH")}
	p := withoutCards(&out, &log, func(k string) string { return environment[k] })
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with what was done to it
		if err = before(); err == nil {
			code = p.run(ctx, args)
		}
	}()
	<-done
	return code, out.String(), log.String(), err
}

// withoutCards is the program on a machine without a driver of GPUs.
func withoutCards(stdout, stderr io.Writer, getenv func(string) string) *program {
	return &program{stdout: stdout, stderr: stderr, getenv: getenv, environ: os.Environ, now: time.Now,
		openGPU: func() (sample.GPU, error) { return nil, errors.New("no driver") }, columns: func() int { return 80 }, width: 200}
}

// refused checks that a command said what cannot be written before it did
// anything.
func (s scene) refused(t *testing.T, flag, path string, want int, before func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	code, stdout, stderr, err := s.run(ctx, outputs[flag], flag, path, before)
	if errors.Is(err, unix.EPERM) {
		t.Skip("no right to mount a small disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	if code != want || stdout != "" || !strings.HasPrefix(stderr, "dlbench: ") || !strings.Contains(stderr, filepath.Dir(path)) {
		t.Errorf("exits with %d, want %d and a line that names %s; it printed %q and said %q", code, want, path, stdout, stderr)
	}
	name := strings.TrimPrefix(flag[strings.LastIndex(flag, "--"):], "-")
	if len(name) > 2 {
		name = "-" + name
	}
	if asked := "dlbench: " + name + " " + path + ": "; !outputs[flag].dir && !strings.HasPrefix(stderr, asked) { // what fails late says what it wrote
		t.Errorf("it said %q, want it to begin with %q: the file was not tried first", stderr, asked)
	}
	if strings.Contains(stderr, "engine:") {
		t.Errorf("it was found only after something was begun: %s", stderr)
	}
}

func TestOutputsThatCannotBeWrittenAreRefusedFirst(t *testing.T) {
	partial := recordtest.Simulation{Seed: 1, Modes: []string{"infer"}, Workloads: 1, Runners: 1, Rounds: 1}.Record()
	partial.Status = record.Interrupted
	interrupted, err := record.Encode(partial)
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range slices.Sorted(maps.Keys(outputs)) {
		o := outputs[flag]
		for kind, raise := range barriers {
			t.Run(flag+"/"+kind, func(t *testing.T) {
				s := newScene(t)
				dir := filepath.Join(s.root, "barred")
				if err := os.Mkdir(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = os.Chmod(dir, 0o755) }) // for its removal
				path := filepath.Join(dir, "name")
				if o.holds {
					path = dir
				}
				want := o.code
				if kind == "full disk" {
					want = exitEnvironment
				}
				s.refused(t, flag, path, want, func() error { return raise(dir, "result.json", interrupted) })
			})
		}
	}
}

func TestOutputsWhoseNameIsTakenAreRefusedFirst(t *testing.T) {
	for _, flag := range slices.Sorted(maps.Keys(outputs)) {
		o := outputs[flag]
		if o.holds {
			continue
		}
		nothing := func() error { return nil }
		t.Run(flag, func(t *testing.T) {
			s := newScene(t)
			file := filepath.Join(s.root, "file")
			if err := os.WriteFile(file, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			s.refused(t, flag, filepath.Join(file, "below"), o.code, nothing)
			if o.dir {
				s.refused(t, flag, file, o.code, nothing)
				return
			}
			s.refused(t, flag, s.root, o.code, nothing)
			if flag != "fidelity --o" { // which makes the directories of its page
				s.refused(t, flag, filepath.Join(s.root, "none", "name"), o.code, nothing)
			}
			s.refused(t, flag, filepath.Join(s.root, "none")+"/", o.code, nothing)
		})
	}
}

// TestAnAnswerIsPrintedThoughItsFileCannotBeWritten fails as late as can be.
func TestAnAnswerIsPrintedThoughItsFileCannotBeWritten(t *testing.T) {
	for flag, answer := range map[string]string{"compare --html": "net0/infer/b4/fp32", "history trend --o": `"lines"`, "doctor --bundle": "processor", "export --o": "", "report --o": ""} {
		t.Run(flag, func(t *testing.T) {
			s := newScene(t)
			o := outputs[flag]
			if flag == "history trend --o" {
				o.command = append(slices.Clone(o.command), "--json")
			}
			code, stdout, stderr, err := s.run(t.Context(), o, flag, "/dev/full", func() error { return nil })
			if err != nil || code != exitEnvironment || !strings.Contains(stdout, answer) {
				t.Errorf("exits with %d, %v and prints %q, want %d and %q", code, err, stdout, exitEnvironment, answer)
			}
			if !strings.Contains(stderr, "no space left on device\nhint: make room") {
				t.Errorf("it said %q", stderr)
			}
		})
	}
}

// TestAStageThatCannotBeKeptIsJudgedAllTheSame: both sides were measured again,
// and only their records are lost.
func TestAStageThatCannotBeKeptIsJudgedAllTheSame(t *testing.T) {
	root := t.TempDir()
	rec := recordtest.Simulation{Seed: 1, Modes: []string{"infer"}, Workloads: 1, Runners: 1, Rounds: 1}.Record()
	files := stageFiles{}
	if err := errors.Join(os.WriteFile(filepath.Join(root, "file"), nil, 0o644), files.save(filepath.Join(root, "stage1"), rec), files.lost()); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Read(filepath.Join(root, "stage1", "result.json")); err != nil {
		t.Error(err)
	}
	lost := filepath.Join(root, "file", "stage2")
	if err := files.save(lost, rec); err != nil {
		t.Errorf("the stage ends with %v", err)
	}
	if err := files.lost(); err == nil || !strings.Contains(err.Error(), "keep what was measured again in "+lost) || exitCode(err) != exitEnvironment {
		t.Errorf("told is %v", err)
	}
}
