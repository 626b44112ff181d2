package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"
)

const nightlyFiles = "../../docs/nightly/"

func readNightly(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(nightlyFiles + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestNightlyUnits has systemd read the units, if it is installed.
func TestNightlyUnits(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd is not installed")
	}
	dir := t.TempDir()
	for _, name := range []string{"dlbench-nightly.service", "dlbench-nightly.timer"} {
		text := bytes.ReplaceAll(readNightly(t, name), []byte("/usr/local/bin/dlbench "), []byte("/bin/true "))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("systemd-analyze", "verify", "--man=no", filepath.Join(dir, name)).CombinedOutput(); err != nil || bytes.Contains(out, []byte(name)) {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

func TestNightlyYAML(t *testing.T) {
	for name, path := range map[string][]string{"github-actions.yml": {"jobs", "nightly", "steps"}, "gitlab-ci.yml": {"dlbench-nightly", "script"}} {
		var at any
		if err := yaml.Unmarshal(readNightly(t, name), &at); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, key := range path {
			m, _ := at.(map[string]any)
			at = m[key]
		}
		if steps, _ := at.([]any); len(steps) == 0 {
			t.Errorf("%s has no %s", name, strings.Join(path, "."))
		}
	}
}

// TestNightlyNotification runs the script with a logger of its own.
func TestNightlyNotification(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "logger"), []byte("#!/bin/sh\nprintf '%s\\n' \"$*\" > "+dir+"/logged\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("sh", nightlyFiles+"dlbench-notify")
	command.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "DLBENCH_EXIT=3", "DLBENCH_HEADLINE=SLOWER: 1", "DLBENCH_NIGHT=/nights/x", "DLBENCH_SUMMARY="+dir+"/summary")
	command.Stdin = strings.NewReader("the summary")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	logged, _ := os.ReadFile(filepath.Join(dir, "logged"))
	summary, _ := os.ReadFile(filepath.Join(dir, "summary"))
	if !strings.Contains(string(logged), "exit 3: SLOWER: 1 (files in /nights/x)") || string(summary) != "the summary" {
		t.Errorf("logged %q, summary %q", logged, summary)
	}
}

// TestNightlyCommandLines parses every command line of the files and of the
// page with dlbench's own flags.
func TestNightlyCommandLines(t *testing.T) {
	p := &program{stdout: io.Discard, stderr: io.Discard, getenv: os.Getenv, environ: os.Environ}
	var nightly, check *cli.Command
	for _, c := range p.app().Commands {
		switch c.Name {
		case "nightly":
			nightly = c
		case "check":
			check = c
		}
	}
	lines := 0
	for _, name := range []string{"dlbench-nightly.service", "crontab", "github-actions.yml", "gitlab-ci.yml", "../nightly.md"} {
		text := regexp.MustCompile(`\n\s+--`).ReplaceAllString(string(readNightly(t, name)), " --") // YAML's folded lines
		for _, found := range regexp.MustCompile(`(?m)(?:^|[ /])dlbench (nightly|check) ([^\n#`+"`"+`]*)`).FindAllStringSubmatch(text, -1) {
			command := nightly
			if found[1] == "check" {
				command = check
			}
			set := flag.NewFlagSet(found[0], flag.ContinueOnError)
			set.SetOutput(io.Discard)
			for _, f := range command.Flags {
				if err := f.Apply(set); err != nil {
					t.Fatal(err)
				}
			}
			words := strings.Fields(strings.ReplaceAll(found[2], `"`, ""))
			if !strings.HasPrefix(found[2], "--") && found[1] == "nightly" {
				continue // a sentence
			}
			if found[1] == "check" {
				words = words[1:]
			}
			lines++
			if err := set.Parse(words); err != nil {
				t.Errorf("%s: %q: %v", name, strings.TrimSpace(found[0]), err)
			}
		}
	}
	if lines < 9 {
		t.Errorf("only %d command lines were found", lines)
	}
}
