package faults

import (
	"strings"
	"syscall"

	"github.com/dlbench/dlbench/metrics/record"
)

// together are several dlbench at once.
func together() []fault {
	return []fault{
		{"prepare", "two runs with one `--out`", "", func(x *trial) {
			x.beside(func() {
				x.start(x.measure("good")...).ends(5, `output directory out: another dlbench writes to it(.|\n)*hint: give another --out`)
			})
		}},
		{"resume", "`--resume` of a run that is under way", "podman local", func(x *trial) {
			x.beside(func() {
				x.start("run", "--runner-dir", "runners", "--resume", "out").ends(5, `another dlbench writes to it`)
			})
		}},
		{"measure", "two runs in two directories", "", func(x *trial) {
			x.beside(func() {
				x.start(x.measure("good", "--out", "next")...).ends(0, `other_dlbench: another dlbench is at work`)
				x.record("next", record.Complete, 2)
			})
		}},
		{"prepare", "`--strict other_dlbench` beside another run", "", func(x *trial) {
			x.beside(func() {
				x.start(x.measure("good", "--out", "next", "--strict", "other_dlbench")...).ends(5, `--strict: other_dlbench`)
			})
		}},
		{"images prune", "while a run uses the images", "podman docker", func(x *trial) {
			x.beside(func() {
				x.start("images", "prune", "--engine", x.r.name).ends(5, `another dlbench uses the images; process \d+`)
			})
		}},
		{"nightly", "two nights in one `--dir`", "local", twoNights},
	}
}

// beside does something while a run measures, which has to become complete.
func (x *trial) beside(do func()) {
	x.t.Helper()
	x.runner("slow", image, "load:pause")
	p := x.start(x.measure("slow")...)
	p.reached("slow", "load")
	do()
	told := x.outcome
	p.ends(0, `record +out`)
	x.outcome = told
	if rec := x.record("out", record.Complete, 2); rec != nil {
		x.outcome = told + "; the first complete"
	}
}

func twoNights(x *trial) {
	x.runner("bad", image, "load:hang")
	words := []string{"nightly", "--engine", x.r.name, "--runner-dir", "runners", "--runner", "bad", "--workload", workload, "--rounds", "1", "--history", "history", "--dir", "nights"}
	p := x.start(words...)
	p.until("bad runs", func() bool { return len(x.processes()) > 0 })
	x.start(words...).ends(5, `another nightly is under way`)
	told := x.outcome
	p.signal(syscall.SIGTERM)
	p.ends(130, ``)
	if x.outcome = told; !strings.HasPrefix(told, "exit 5") {
		x.t.Errorf("the second: %s", told)
	}
}
