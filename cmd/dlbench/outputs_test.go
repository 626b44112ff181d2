package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTwoRunsOfOneSecondHaveTwoDirectories(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results", "20260102-030405-zoo")
	seen := map[string]bool{}
	for range 3 {
		d, err := claimNew(name)
		if err != nil {
			t.Fatal(err)
		}
		seen[d.path] = true
	}
	if len(seen) != 3 || !seen[name] || !seen[name+"-2"] || !seen[name+"-3"] {
		t.Errorf("they got %v", seen)
	}
}

func TestADirectoryThatStayedEmptyIsReleased(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "results", "deep", "run")
	d, err := claimDir(path)
	if err != nil {
		t.Fatal(err)
	}
	d.release()
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	if d, err = claimDir(path); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(path, "log")
	if err := os.WriteFile(log, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d.release()
	if _, err := os.Stat(log); err != nil {
		t.Error(err)
	}
}

func TestADirectoryIsOneRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	first, err := claimDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.lock(); err != nil {
		t.Fatal(err)
	}
	second, err := claimDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.lock(); err == nil || exitCode(err) != exitEnvironment || hintOf(err) == "" {
		t.Errorf("two runs have it: %v", err)
	}
	second.release()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("who was refused removed the other's directory: %v", err)
	}
	first.release()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("an empty directory is left: %v", err)
	}
}
