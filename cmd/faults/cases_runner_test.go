package faults

import (
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

// runnerFaults are what a runner does, or what is done to it. The others are
// measured all the same.
func runnerFaults() []fault {
	var faults []fault
	for _, b := range []struct{ name, fault, reason string }{
		{"exits in `hello`", "hello:exit", "exit status 7"},
		{"exits in `load`", "load:exit", "exit status 7"},
		{"exits in `measure`", "measure:exit", "exit status 7"},
		{"refuses `load`", "load:refuse", "the fault that was asked for"},
		{"breaks the protocol", "measure:garbage", "not a line of JSON"},
	} {
		faults = append(faults, fault{"measure", "runner " + b.name, "", func(x *trial) { x.broken(b.fault, b.reason) }})
	}
	return append(faults,
		// In a container the engine holds the output open: it ends at the deadline of a request.
		fault{"measure", "runner closes its output and goes on", "local", func(x *trial) { x.broken("measure:close", "closed its output") }},
		fault{"measure", "runner fills its /tmp", "podman docker", func(x *trial) { x.broken("measure:fill", "no space left on device") }},
		fault{"measure", "runner leaves a helper behind", "", func(x *trial) {
			x.runner("bad", image, "hello:helper")
			x.start(x.measure("good,bad")...).ends(0, `record +out`)
			x.record("out", record.Complete, 4)
		}},
		fault{"verify", "runner exits", "podman local", func(x *trial) {
			x.runner("bad", image, "verify:exit")
			p := x.start(without(x.measure("bad"), "--no-verify")...)
			p.ends(4, `did not pass parity`)
			x.cell(x.record("out", record.Complete, 0), "bad", record.Failed, "exit status 7")
		}},
		fault{"measure", "runner takes more memory than the control group allows", "podman docker", outOfMemory},
		fault{"measure", "runner is ended by SIGKILL from outside", "", killedRunner},
	)
}

func without(words []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(each string) bool { return each == word })
}

// broken asserts that a runner's fault is its own.
func (x *trial) broken(fault, reason string) {
	x.runner("bad", image, fault)
	x.start(x.measure("good,bad")...).ends(4, `1 of 2 cells failed`)
	rec := x.record("out", record.Complete, 2)
	x.cell(rec, "good", record.NotRanked, "parity")
	x.cell(rec, "bad", record.Failed, reason)
}

// outOfMemory runs dlbench in a control group of 600 MB; containers get their
// share of that.
func outOfMemory(x *trial) {
	inGroup := x.group("memory", "memory.limit_in_bytes=600000000", "memory.max=600000000")
	x.runner("bad", image, "measure:memory")
	p := x.startBy(inGroup, x.measure("good,bad")...)
	p.ends(4, `1 of 2 cells failed`)
	rec := x.record("out", record.Complete, 2)
	x.cell(rec, "bad", record.Failed, "killed by its memory limit of 0.5 GiB")
}

func killedRunner(x *trial) {
	x.runner("bad", image, "measure:hang")
	p := x.start(x.measure("good,bad")...)
	p.reached("bad", "measure")
	x.killRunner()
	p.ends(4, `1 of 2 cells failed`)
	rec := x.record("out", record.Complete, 2)
	x.cell(rec, "bad", record.Failed, "SIGKILL")
}

// killRunner kills the runner that hangs.
func (x *trial) killRunner() {
	x.t.Helper()
	if x.r.name == "local" {
		x.killProcesses()
		return
	}
	if _, err := x.r.call("kill", "--signal", "KILL", x.container()); err != nil {
		x.t.Fatal(err)
	}
}

// container is the one that runs.
func (x *trial) container() (id string) {
	x.t.Helper()
	ids, err := x.r.containers()
	if err != nil || len(ids) != 1 {
		x.t.Fatalf("containers are %v, %v, expected one", ids, err)
	}
	return ids[0]
}
