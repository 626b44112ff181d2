package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMakeSaysWhatItInstallsBeforeItDoes runs what stands before `make test` on
// a machine that has nothing, whose apt-get only writes down what it is asked.
func TestMakeSaysWhatItInstallsBeforeItDoes(t *testing.T) {
	bin := t.TempDir()
	log := filepath.Join(t.TempDir(), "log")
	for name, body := range map[string]string{
		"id":   "echo 0",
		"sudo": "exit 1",
		"apt-get": `case "$*" in
*assume-no*) echo "Need to get 405 MB of archives."; echo "After this operation, 1,280 MB of additional disk space will be used."; exit 1 ;;
install*) echo "apt-get $*" >&2 ;;
esac`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, tool := range []string{"sh", "grep", "tr", "cat"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command("/bin/sh", filepath.Join("..", "..", ".ci", "host"), "test", "engine", "python", "browser", "maven")
	host.Env = []string{"PATH=" + bin, "HOME=" + t.TempDir()}
	host.Stderr = out
	if err := host.Run(); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	said, done, installed := strings.Cut(string(data), "apt-get install -y")
	if !installed {
		t.Fatalf("nothing is installed:\n%s", data)
	}
	for _, want := range []string{"make test is going to install", "podman", "python3-venv", "chromium", "maven openjdk-17-jdk-headless",
		"Need to get 405 MB", "After this operation, 1,280 MB", "about 4 GB to download, 20 GiB of disk"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said before it is installed:\n%s", want, data)
		}
	}
	if want := "python3-venv chromium maven openjdk-17-jdk-headless"; !strings.Contains(done, want) {
		t.Errorf("installed %q, want %q", done, want)
	}
}
