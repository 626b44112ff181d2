package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dlbench/dlbench/metrics/record"
)

// outputFaults are of the places that dlbench writes to.
func outputFaults() []fault {
	return []fault{
		{"prepare", "`--out` below a file", "", func(x *trial) {
			x.file("taken", "")
			x.start(x.measure("good", "--out", "taken/run")...).ends(5, `output directory taken/run: .*not a directory(.|\n)*hint: give an --out`)
		}},
		{"prepare", "`--out` on a disk that is read-only", "", func(x *trial) {
			x.mount("fixed", "ro")
			x.start(x.measure("good", "--out", "fixed/run")...).ends(5, `output directory fixed/run: .*read-only file system`)
		}},
		{"prepare", "`--out` that holds a result", "local", func(x *trial) {
			x.file("out/result.json", "{}")
			x.start(x.measure("good")...).ends(2, `holds a result already`)
		}},
		{"measure", "disk of `--out` fills, then room and `--resume`", "", diskFills},
		{"measure", "`--out` is removed", "podman local", func(x *trial) {
			x.runner("slow", image, "load:pause")
			p := x.start(x.measure("slow")...)
			p.reached("slow", "load")
			if err := os.RemoveAll(x.path("out")); err != nil {
				x.t.Fatal(err)
			}
			p.ends(0, `record +out`)
			x.record("out", record.Complete, 2)
		}},
		{"prepare", "cache on a disk that is read-only", "", func(x *trial) {
			x.mount("fixed", "ro")
			x.cache = x.path("fixed")
			x.start(x.measure("good")...).ends(5, `cache directory(.|\n)*hint: set XDG_CACHE_HOME`)
			x.none("out")
		}},
		{"prepare", "cache on a disk that is full", "podman local", func(x *trial) {
			x.mount("tiny", "size=256k")
			x.cache = x.path("tiny")
			x.start(x.measure("good")...).ends(5, `(no space left|need|room)`)
		}},
		{"measure", "cache is removed", "podman local", cacheRemoved},
		{"prepare", "neither HOME nor XDG_CACHE_HOME", "podman local", func(x *trial) {
			x.env = append(x.env, "HOME=", "XDG_CACHE_HOME=")
			x.start(x.measure("good")...).ends(5, `hint: set XDG_CACHE_HOME`)
			x.none("out")
		}},
		{"measure", "colon, comma, quote and blank in cache and `--out`", "", func(x *trial) {
			x.cache = x.path(`a:b, "c" 'd'`)
			out := `r:s, "t" 'u'`
			x.start(x.measure("good", "--out", out)...).ends(0, `record +r:s`)
			x.record(out, record.Complete, 2)
		}},
		{"resume", "record is cut off", "local", func(x *trial) {
			x.file("out/result.json", `{"schema_version": 1, "status": "interr`)
			x.start("run", "--resume", "out").ends(2, `out/result.json`)
		}},
		{"resume", "another number of threads", "podman local", func(x *trial) {
			x.runner("bad", image, "measure:hang")
			p := x.start(x.measure("good,bad")...)
			p.reached("bad", "measure")
			p.signal(syscall.SIGINT)
			p.ends(130, ``)
			again := x.start("run", "--runner-dir", "runners", "--resume", "out", "--threads", "1", "--no-verify")
			again.ends(2, `give --threads and --cpus again`)
			x.record("out", record.Interrupted, 0)
		}},
		{"check", "`--junit` that cannot be written", "local", func(x *trial) {
			x.start(x.measure("good")...).ends(0, ``)
			x.outcome = ""
			x.start("check", "out/result.json", "--baseline", "out/result.json", "--junit", "/no/such/dir/x").ends(2, `--junit /no/such/dir/x`)
		}},
	}
}

func (x *trial) file(name, text string) {
	x.t.Helper()
	path := x.path(name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

// mount mounts a small disk in the trial's directory.
func (x *trial) mount(name, options string) {
	x.t.Helper()
	path := x.path(name)
	if err := os.Mkdir(path, 0o755); err != nil {
		x.t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "none", path).CombinedOutput(); err != nil {
		x.t.Skipf("no right to mount a small disk: %s", out)
	}
}

func diskFills(x *trial) {
	x.mount("small", "size=4m")
	x.runner("slow", image, "load:pause")
	p := x.start(x.measure("slow", "--out", "small/run")...)
	p.until("slow measure", func() bool { return x.asked("small/run", "slow", "load") > 0 })
	_ = exec.Command("dd", "if=/dev/zero", "of="+x.path("small/filler"), "bs=4k").Run()
	p.ends(5, `keep the run in small/run: .*no space left on device(.|\n)*hint: make room`)
	rec := x.record("small/run", record.Interrupted, 0)
	if strings.Contains(p.said.String(), "budget") || rec == nil {
		x.t.Errorf("it speaks of a budget:\n%s", p.said)
	}
	if err := os.Remove(x.path("small/filler")); err != nil {
		x.t.Fatal(err)
	}
	x.resume("small/run", "slow")
}

// cacheRemoved: it may be deleted at any time. What is measured then fails, or
// does not; nothing is left.
func cacheRemoved(x *trial) {
	x.cache = x.path("cache")
	x.runner("slow", image, "load:pause")
	p := x.start(x.measure("slow")...)
	p.reached("slow", "load")
	if err := os.RemoveAll(x.cache); err != nil {
		x.t.Fatal(err)
	}
	p.ends(4, `cells failed`)
	x.record("out", record.Complete, 0)
}
