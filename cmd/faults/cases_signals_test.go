package faults

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// signals are the ways in which a run is asked to end, or ended.
func signals() []fault {
	var faults []fault
	for _, s := range []struct {
		name   string
		signal syscall.Signal
	}{{"SIGINT", syscall.SIGINT}, {"SIGTERM", syscall.SIGTERM}, {"SIGHUP", syscall.SIGHUP}} {
		faults = append(faults, fault{"measure", s.name, "", func(x *trial) { x.interruptedBy(s.signal) }})
	}
	return append(faults,
		fault{"measure", "SIGHUP under nohup", "podman local", hungUpUnderNohup},
		fault{"measure", "SIGINT, and SIGTERM 0.2 s later", "", twice},
		fault{"measure", "three signals, then the next start", "", thrice},
		fault{"measure", "SIGKILL, then `--resume`", "", killed},
		fault{"measure", "SIGSTOP for 3 s, while another run begins", "", suspended},
		fault{"measure", "who reads the output dies", "", readerDies},
		fault{"print", "`dlbench run \\| head -1`", "podman local", readerLeaves},
		fault{"prepare", "SIGTERM at once", "", atOnce},
		fault{"verify", "SIGTERM", "", func(x *trial) { x.whileVerifying(syscall.SIGTERM) }},
		fault{"verify", "SIGHUP", "podman", func(x *trial) { x.whileVerifying(syscall.SIGHUP) }},
		fault{"build images", "SIGTERM", "podman", func(x *trial) { x.whileBuilding(syscall.SIGTERM) }},
		fault{"build images", "SIGHUP", "podman", func(x *trial) { x.whileBuilding(syscall.SIGHUP) }},
		fault{"check --rerun", "SIGTERM", "podman docker", whileMeasuringAgain},
		fault{"nightly --notify", "SIGHUP", "", nightHungUp},
	)
}

func (x *trial) interruptedBy(s syscall.Signal) {
	x.runner("bad", image, "measure:hang")
	p := x.start(x.measure("good,bad")...)
	p.reached("bad", "measure")
	p.signal(s)
	p.ends(130, `interrupted; go on with dlbench run --resume out`)
	x.record("out", record.Interrupted, x.asked("out", "good", "bye"))
	x.runner("bad", image, "")
	x.nothingLeft()
	x.resume("out", "good,bad")
}

func hungUpUnderNohup(x *trial) {
	x.runner("slow", image, "load:pause")
	p := x.startBy([]string{"nohup"}, x.measure("slow")...)
	p.reached("slow", "load")
	p.signal(syscall.SIGHUP)
	p.ends(0, `record +out`)
	x.record("out", record.Complete, 2)
}

func twice(x *trial) {
	x.runner("bad", image, "measure:hang")
	p := x.start(x.measure("good,bad")...)
	p.reached("bad", "measure")
	p.signal(syscall.SIGINT)
	time.Sleep(200 * time.Millisecond)
	p.signal(syscall.SIGTERM)
	p.ends(130, `another signal ends dlbench at once`)
	x.record("out", record.Interrupted, x.asked("out", "good", "bye"))
}

func thrice(x *trial) {
	x.runner("bad", image, "measure:hang")
	p := x.start(x.measure("bad")...)
	p.reached("bad", "measure")
	p.signal(syscall.SIGINT)
	for p.command.ProcessState == nil && !strings.Contains(p.said.String(), "another signal") {
		time.Sleep(20 * time.Millisecond)
		p.signal(syscall.SIGTERM)
	}
	time.Sleep(20 * time.Millisecond)
	_ = p.command.Process.Signal(syscall.SIGTERM)
	p.ends(143, ``)
	x.left()
}

// left asserts that the next start removes what an ended one could not.
func (x *trial) left() {
	x.t.Helper()
	next := x.start(x.measure("good", "--out", "next")...)
	next.ends(0, `record +next`)
	x.record("next", record.Complete, 2)
	x.killProcesses() // nobody may end plain processes that ignore the end of their input
	x.cleanWork()
}

// cleanWork removes files of work of killed processes, which are kept for a
// minute, so that a lock that is about to be taken is not removed.
func (x *trial) cleanWork() {
	locks, _ := filepath.Glob(filepath.Join(x.cache, "dlbench", "processes", "*"))
	for _, path := range append(locks, x.path("out/"+lockOfOutput)) {
		_ = os.RemoveAll(path)
	}
}

func killed(x *trial) {
	x.runner("bad", image, "measure:hang")
	p := x.start(x.measure("good,bad")...)
	p.reached("bad", "measure")
	p.signal(syscall.SIGKILL)
	p.ends(137, ``)
	x.record("out", "running", 0)
	x.runner("bad", image, "")
	x.resume("out", "good,bad")
	x.killProcesses()
	x.cleanWork()
}

// suspended is a laptop that was closed: a run that begins meanwhile leaves its
// containers alone.
func suspended(x *trial) {
	x.runner("slow", image, "load:pause")
	p := x.start(x.measure("slow")...)
	p.reached("slow", "load")
	p.signal(syscall.SIGSTOP)
	next := x.start(x.measure("good", "--out", "next", "--strict", "other_dlbench")...)
	next.ends(5, `--strict: other_dlbench`)
	time.Sleep(3 * time.Second)
	p.signal(syscall.SIGCONT)
	p.ends(0, `record +out`)
	x.record("out", record.Complete, 2)
}

// readerDies is `dlbench run 2>&1 | head -1`: the run goes on and writes its
// record.
func readerDies(x *trial) {
	x.runner("slow", image, "load:pause")
	read, write, err := os.Pipe()
	if err != nil {
		x.t.Fatal(err)
	}
	p := x.startInto(write, nil, x.measure("slow")...)
	_ = write.Close()
	if _, err := io.ReadFull(read, make([]byte, 1)); err != nil {
		x.t.Fatal(err)
	}
	_ = read.Close()
	p.ends(0, ``)
	x.record("out", record.Complete, 2)
}

func readerLeaves(x *trial) {
	p := x.startBy([]string{"bash", "-c", `set -o pipefail; "$0" "$@" 2>log | head -1 >first`}, x.measure("good")...)
	p.ends(0, ``)
	x.record("out", record.Complete, 2)
}

func atOnce(x *trial) {
	p := x.start(x.measure("good")...)
	p.until("the engine is picked", func() bool { return strings.Contains(p.said.String(), "engine: ") })
	p.signal(syscall.SIGTERM)
	p.ends(130, `interrupted`)
	if _, err := os.Stat(x.path("out/result.json")); err == nil {
		x.record("out", record.Interrupted, 0)
	} else {
		x.tell("no record")
	}
}

func (x *trial) whileVerifying(s syscall.Signal) {
	x.runner("bad", image, "load:hang")
	p := x.start(without(x.measure("good,bad"), "--no-verify")...)
	p.reached("bad", "load")
	p.signal(s)
	p.ends(130, `interrupted; go on with dlbench run --resume out`)
	x.record("out", record.Interrupted, 0)
}

// whileBuilding has an adapter's image missing: a cache of another version of the
// adapters would.
func (x *trial) whileBuilding(s syscall.Signal) {
	x.t.Helper()
	podman := x.storage(fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", x.path("store"), x.path("run")))
	x.cache = x.path("cache")
	p := x.start("images", "build", "--engine", x.r.name, "reference")
	p.until("a builder", func() bool {
		logs, _ := filepath.Glob(filepath.Join(x.cache, "dlbench", "images", "logs", "*.log"))
		return len(logs) > 0
	})
	time.Sleep(2 * time.Second) // it is at work
	p.signal(s)
	p.ends(130, `interrupted`)
	if left, _ := filepath.Glob(filepath.Join(x.cache, "dlbench", "images", "context-*")); len(left) > 0 {
		x.t.Errorf("contexts are left: %v", left)
	}
	if out, err := podman.call("ps", "--all", "--external", "--quiet"); err != nil || strings.TrimSpace(out) != "" {
		x.t.Errorf("containers of the builder are left: %s, %v", out, err)
	}
}

func whileMeasuringAgain(x *trial) {
	p := x.start(x.measure("good", "--rounds", "6")...)
	p.ends(0, `record +out`)
	x.outcome = ""
	id, err := x.r.call("image", "inspect", "--format", "{{.Id}}", second)
	if err != nil {
		x.t.Fatal(err)
	}
	x.passed("out/result.json", "out/result.json", "")
	x.passed("out/result.json", "before.json", strings.TrimPrefix(strings.TrimSpace(id), "sha256:"))
	x.runner("good", image, "load:hang") // what is measured again is verified first
	check := x.start("check", "out/result.json", "--baseline", "before.json", "--rerun", "--engine", x.r.name, "--runner-dir", "runners", "--min-change", "0.0001%")
	check.until("a stage", func() bool {
		return x.asked("out/check", "good", "load") > 0 || x.asked("out/check", "good@baseline", "load") > 0
	})
	check.signal(syscall.SIGTERM)
	check.ends(130, `interrupted`)
	x.record("out", record.Complete, 6)
}

// passed writes a record again, with a verdict that lets a check judge it, and its
// runner's image.
func (x *trial) passed(from, to, image string) {
	x.t.Helper()
	rec, err := record.Read(x.path(from))
	if err != nil {
		x.t.Fatal(err)
	}
	for i := range rec.Cells {
		rec.Cells[i].Status, rec.Cells[i].Reason = record.Measured, ""
		rec.Cells[i].Parity = record.Parity{Status: record.ParityPassed, Checks: []record.Check{}}
	}
	if image != "" { // the baseline, twice as fast: only what seems slower is measured again
		rec.Runner("good").ImageID = image
		for _, c := range rec.Cells {
			for _, p := range c.Processes {
				for i, b := range p.Blocks {
					p.Blocks[i].EndNS = b.StartNS + (b.EndNS-b.StartNS)/2
				}
			}
		}
	}
	summary.Summarize(rec)
	if err := record.Write(x.path(to), rec); err != nil {
		x.t.Fatal(err)
	}
}

func nightHungUp(x *trial) {
	x.runner("bad", image, "measure:hang")
	words := []string{"nightly", "--engine", x.r.name, "--runner-dir", "runners", "--runner", "bad", "--workload", workload, "--profile", "quick", "--rounds", "1",
		"--history", "history", "--dir", "nights", "--notify", "cat > told"}
	p := x.start(words...)
	night := ""
	p.until("a night measures", func() bool {
		logs, _ := filepath.Glob(x.path("nights/nights/*/logs/bad.log"))
		if len(logs) == 0 {
			return false
		}
		night, _ = filepath.Rel(x.dir, filepath.Dir(filepath.Dir(logs[0])))
		return x.asked(night, "bad", "load") > 0
	})
	p.signal(syscall.SIGHUP)
	p.ends(130, ``)
	told, err := os.ReadFile(x.path("told"))
	if err != nil || !strings.Contains(string(told), "exit 130") {
		x.t.Errorf("the notification is %q, %v", told, err)
	}
	x.tell("notified")
	x.record(night, record.Interrupted, 0)
}
