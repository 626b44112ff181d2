package faults

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/dlbench/dlbench/metrics/record"
)

// engineFaults are what happens to an engine, and to what it keeps.
func engineFaults() []fault {
	return []fault{
		{"prepare", "engine is not installed", "podman docker", func(x *trial) {
			x.ownPath("")
			x.start(x.measure("good")...).ends(5, `engine `+x.r.name+` is undetected(.|\n)*hint: apt-get install`)
			x.none("out")
		}},
		{"prepare", "daemon does not answer", "docker", func(x *trial) {
			x.env = append(x.env, "DOCKER_HOST=unix:///nowhere/docker.sock")
			x.start(x.measure("good")...).ends(5, `engine docker is unhealthy: .*(daemon|docker API)`)
			x.none("out")
		}},
		{"prepare", "image of a runner is missing", "podman docker", func(x *trial) {
			x.runner("bad", "dlbench-faults/absent:1", "")
			x.start(x.measure("good,bad")...).ends(5, `there is no image dlbench-faults/absent:1`)
			x.cell(x.record("out", record.Complete, 2), "bad", record.Unsupported, "there is no image")
		}},
		{"measure", "image is removed after it was prepared", "podman docker", imageRemoved},
		{"measure", "container is removed by somebody", "podman docker", containerRemoved},
		{"measure", "engine's program vanishes, then the next start", "podman docker", engineVanishes},
		{"measure", "daemon dies, then the next start", "docker", daemonDies},
		{"measure", "engine hangs, SIGTERM", "podman docker", engineHangs},
		{"measure", "engine's disk is full", "podman", storeFull},
		{"prepare", "leftovers of a killed run, seen from another PID namespace", "podman docker", leftovers},
		{"measure", "another run begins in another PID namespace", "podman docker", otherNamespace},
	}
}

// ownPath makes the engine's program one of the trial's: a script, or nothing.
func (x *trial) ownPath(script string) string {
	x.t.Helper()
	bin := x.path("bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		x.t.Fatal(err)
	}
	for _, tool := range []string{"sh", "env", "sleep", "cat", "runc", "conmon", "podman", "docker", "python3", "nohup", "unshare"} {
		if path, err := exec.LookPath(tool); err == nil && tool != x.r.name {
			if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil && !os.IsExist(err) {
				x.t.Fatal(err)
			}
		}
	}
	program := filepath.Join(bin, x.r.name)
	if script != "" {
		if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
			x.t.Fatal(err)
		}
	}
	x.env = append(x.env, "PATH="+bin+":/usr/sbin:/sbin")
	return program
}

// passOn is a script that calls the engine.
func (x *trial) passOn(before string) string {
	path, err := exec.LookPath(x.r.name)
	if err != nil {
		x.t.Fatal(err)
	}
	return fmt.Sprintf("#!/bin/sh\n%s\nPATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin exec %s \"$@\"\n", before, path)
}

func imageRemoved(x *trial) {
	x.t.Helper()
	x.runner("slow", image, "load:pause")
	x.runner("bad", second, "")
	p := x.start(x.measure("bad,slow", "--seed", badLast)...)
	p.reached("slow", "load")
	if _, err := x.r.call("rmi", second); err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _, _ = x.r.call("tag", image, second) })
	p.ends(4, `1 of 2 cells failed`)
	rec := x.record("out", record.Complete, 2)
	x.cell(rec, "bad", record.Failed, "create a container for bad")
}

// badLast is a seed with which "bad" is measured after "slow".
const badLast = "2"

func containerRemoved(x *trial) {
	x.runner("bad", image, "measure:hang")
	p := x.start(x.measure("good,bad")...)
	p.reached("bad", "measure")
	if _, err := x.r.call("rm", "--force", x.container()); err != nil {
		x.t.Fatal(err)
	}
	p.ends(4, `1 of 2 cells failed`)
	rec := x.record("out", record.Complete, 2)
	x.cell(rec, "bad", record.Failed, "")
}

// engineVanishes is a package that is upgraded meanwhile. What runs cannot be
// removed then; the next start does it.
func engineVanishes(x *trial) {
	program := x.ownPath(x.passOn(""))
	x.runner("slow", image, "load:pause")
	p := x.start(x.measure("slow")...)
	p.reached("slow", "load")
	if err := os.Rename(program, program+".gone"); err != nil {
		x.t.Fatal(err)
	}
	p.ends(4, `cells failed`)
	x.record("out", record.Complete, 0)
	if err := os.Rename(program+".gone", program); err != nil {
		x.t.Fatal(err)
	}
	x.left()
}

// daemonDies has dlbench speak to the daemon through a socket that stops
// answering.
func daemonDies(x *trial) {
	real := strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if real == "" {
		real = "/var/run/docker.sock"
	}
	between := x.path("s") // a socket's path has to be short
	stop := x.forward(between, real)
	x.env = append(x.env, "DOCKER_HOST=unix://"+between)
	x.runner("slow", image, "load:pause")
	p := x.start(x.measure("slow")...)
	p.reached("slow", "load")
	stop()
	p.ends(4, `1 of 1 cells failed`)
	rec := x.record("out", record.Complete, 0)
	x.cell(rec, "slow", record.Failed, "")
	again := x.forward(between, real)
	defer again()
	x.left()
}

// forward passes connections on until it is stopped, which cuts those that there
// are.
func (x *trial) forward(from, to string) (stop func()) {
	x.t.Helper()
	_ = os.Remove(from)
	listener, err := net.Listen("unix", from)
	if err != nil {
		x.t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	keep := func(c net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		open = append(open, c)
	}
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("unix", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			keep(in)
			keep(out)
			pass := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				_ = to.(*net.UnixConn).CloseWrite()
			}
			go pass(out, in)
			go pass(in, out)
		}
	}()
	return func() {
		_ = listener.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
	}
}

func engineHangs(x *trial) {
	x.ownPath(x.passOn(`if [ "$1" = create ]; then : > hangs; while :; do sleep 1; done; fi`))
	p := x.start(x.measure("good")...)
	p.until("the engine hangs", func() bool { _, err := os.Stat(x.path("hangs")); return err == nil })
	p.signal(syscall.SIGTERM)
	p.ends(130, `interrupted`)
	x.record("out", record.Interrupted, 0)
}

// storeFull is a podman whose images and containers lie on a small disk.
func storeFull(x *trial) {
	x.mount("small", "size=24m")
	small := x.path("small")
	text, err := os.ReadFile(filepath.Join(x.c.dir, "podman", "storage.conf"))
	if err != nil {
		x.t.Fatal(err)
	}
	lines := strings.Replace(string(text), fmt.Sprintf("graphroot = %q", x.r.store), fmt.Sprintf("graphroot = %q", small+"/store"), 1)
	lines = strings.Replace(lines, "additionalimagestores = [", fmt.Sprintf("additionalimagestores = [%q, ", x.r.store), 1)
	lines = strings.Replace(lines, "/podman/run", "/podman/run-small", 1)
	podman := x.storage(lines)
	x.runner("slow", image, "load:pause")
	p := x.start(x.measure("slow")...)
	p.until("a process is in the record", func() bool {
		rec, err := record.Read(x.path("out/result.json"))
		return err == nil && rec.Rounds == 1
	})
	if out, err := exec.Command("dd", "if=/dev/zero", "of="+small+"/filler", "bs=64k").CombinedOutput(); err == nil {
		x.t.Fatalf("the small disk does not fill: %s", out)
	}
	p.ends(5, `no space left on device(.|\n)*hint: make room where podman keeps images`)
	x.record("out", record.Interrupted, 1)
	_ = os.Remove(small + "/filler")
	x.resume("out", "slow")
	x.left()
	if out, err := podman.call("ps", "--all", "--quiet"); err != nil || strings.TrimSpace(out) != "" {
		x.t.Errorf("containers are left on the small disk: %s, %v", out, err)
	}
}

// storage gives the trial's podman a configuration of where it stores, and is that
// podman.
func (x *trial) storage(text string) *rig {
	x.t.Helper()
	x.file("storage.conf", text)
	variable := "CONTAINERS_STORAGE_CONF=" + x.path("storage.conf")
	x.env = append(x.env, variable)
	return &rig{name: "podman", env: []string{variable}}
}

// inNamespace starts dlbench where no process of this namespace is seen.
func (x *trial) inNamespace(args ...string) *program {
	return x.startBy([]string{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"}, args...)
}

func leftovers(x *trial) {
	x.runner("bad", image, "measure:hang")
	p := x.start(x.measure("bad")...)
	p.reached("bad", "measure")
	p.signal(syscall.SIGKILL)
	p.wait()
	next := x.inNamespace(x.measure("good", "--out", "next")...)
	next.ends(0, `removed 1 containers that an earlier dlbench left behind`)
	x.record("next", record.Complete, 2)
	x.cleanWork()
}

func otherNamespace(x *trial) {
	x.runner("slow", image, "load:pause")
	p := x.start(x.measure("slow")...)
	p.reached("slow", "load")
	next := x.inNamespace(x.measure("good", "--out", "next")...)
	next.ends(0, `other_dlbench: another dlbench is at work`)
	p.ends(0, `other_dlbench`)
	x.record("out", record.Complete, 2)
	x.record("next", record.Complete, 2)
}
