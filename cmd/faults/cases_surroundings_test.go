package faults

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
)

// surroundings are what schedulers, shells and administrators give.
func surroundings() []fault {
	return []fault{
		{"measure", "standard input, output and error are closed", "podman local", func(x *trial) {
			p := x.startBy([]string{"sh", "-c", `exec "$@" <&- >&- 2>&-`, "sh"}, x.measure("good")...)
			p.ends(0, ``)
			x.record("out", record.Complete, 2)
		}},
		{"measure", "32 open files at most", "podman local", func(x *trial) {
			p := x.startBy([]string{"sh", "-c", `ulimit -n 32; exec "$@"`, "sh"}, x.measure("good")...)
			p.ends(0, ``)
			x.record("out", record.Complete, 2)
		}},
		{"measure", "TMPDIR that is not there", "docker local", func(x *trial) {
			x.env = append(x.env, "TMPDIR=/no/such/directory")
			x.start(x.measure("good")...).ends(0, `record +out`)
			x.record("out", record.Complete, 2)
		}},
		{"prepare", "TMPDIR that is not there", "podman", func(x *trial) {
			x.env = append(x.env, "TMPDIR=/no/such/directory")
			x.start(x.measure("good")...).ends(5, `TMPDIR=/no/such/directory is no directory`)
			x.none("out")
		}},
		{"measure", "working directory that was removed", "podman local", func(x *trial) {
			args := append(x.measure("good"), "--out", x.path("out"), "--runner-dir", x.path("runners"))
			p := x.startBy([]string{"sh", "-c", `mkdir cwd; cd cwd; rmdir ../cwd; exec "$@"`, "sh"}, args...)
			p.ends(0, `record +/`)
			x.record("out", record.Complete, 2)
		}},
		{"prepare", "CPU quota of one CPU", "podman local", quota},
	}
}

// quota runs dlbench in a control group that allows one CPU.
func quota(x *trial) {
	inGroup := x.group("cpu", "cpu.cfs_quota_us=100000", "cpu.max=100000 100000")
	x.startBy(inGroup, x.measure("good", "--out", "strict", "--strict", "cpu_quota")...).ends(5, `--strict: cpu_quota`)
	x.none("strict")
	x.startBy(inGroup, x.measure("good")...).ends(0, `cpu_quota: the control group allows 1.00 of`)
	rec := x.record("out", record.Complete, 2)
	if rec.Terms.Threads != 1 || !slices.ContainsFunc(rec.Warnings, func(w record.Warning) bool { return w.Code == record.CPUQuota }) {
		x.t.Errorf("%d threads, warnings %v", rec.Terms.Threads, rec.Warnings)
	}
}

// group makes a control group with a limit, FILE=VALUE by the version of control
// groups, and is what starts a program in it.
func (x *trial) group(controller, v1, v2 string) (starter []string) {
	x.t.Helper()
	root, limit := filepath.Join("/sys/fs/cgroup", controller), v1
	if sample.CgroupKind("/") == sample.CgroupV2 {
		root, limit = "/sys/fs/cgroup", v2
	}
	group := filepath.Join(root, filepath.Base(x.c.dir)+"-"+x.r.name)
	if err := os.Mkdir(group, 0o755); err != nil {
		x.t.Skipf("no right to make a control group: %v", err)
	}
	x.t.Cleanup(func() { _ = os.Remove(group) })
	file, value, _ := strings.Cut(limit, "=")
	if err := os.WriteFile(filepath.Join(group, file), []byte(value), 0o644); err != nil {
		x.t.Skipf("no %s controller: %v", controller, err)
	}
	return []string{"sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, group}
}
