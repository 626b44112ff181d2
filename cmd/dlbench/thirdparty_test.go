package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/licensecheck"
)

var update = flag.Bool("update", false, "write THIRD_PARTY.md's tables from the modules")

// THIRD_PARTY.md is what a distributor of the binary goes by: it names every
// module that is in it, with the licence that lies in the module.
func TestThirdPartyNamesEveryModule(t *testing.T) {
	path := filepath.Join("..", "..", "THIRD_PARTY.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	linked := modules(t, "-deps", "./cmd/dlbench")
	tested := modules(t, "-deps", "-test", "./...")
	for name := range linked {
		delete(tested, name)
	}
	want := string(data)
	for mark, found := range map[string]map[string]string{"linked": linked, "tests": tested} {
		want = between(t, want, mark, licenceTable(t, found))
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("THIRD_PARTY.md is not what the modules say; go test ./cmd/dlbench -run ThirdParty -update writes it (-want +got):\n%s", diff)
	}
}

// TestThirdPartyNamesFilesThatExist follows every path in backticks.
func TestThirdPartyNamesFilesThatExist(t *testing.T) {
	root := filepath.Join("..", "..")
	data, err := os.ReadFile(filepath.Join(root, "THIRD_PARTY.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, m := range regexp.MustCompile("`((?:cmd|workloads|runners|metrics|reports|docker)/[^` ]+)`").FindAllStringSubmatch(string(data), -1) {
		found++
		if files, err := filepath.Glob(filepath.Join(root, m[1])); err != nil || len(files) == 0 {
			t.Errorf("%s: no such file (%v)", m[1], err)
		}
	}
	if found < 5 {
		t.Errorf("only %d paths were seen: the test looks at the wrong place", found)
	}
}

// modules are the directories, by path, of the modules that the packages need
// on the platform that is released, whichever this one is.
func modules(t *testing.T, args ...string) map[string]string {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}"}, args...)...)
	list.Dir = filepath.Join("..", "..")
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list the modules: %v", err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			found[path] = dir
		}
	}
	return found
}

func licenceTable(t *testing.T, modules map[string]string) string {
	t.Helper()
	var paths []string
	for path := range modules {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	var table strings.Builder
	table.WriteString("| Module | Licence |\n|---|---|\n")
	for _, path := range paths {
		fmt.Fprintf(&table, "| %s | %s |\n", path, licence(t, path, modules[path]))
	}
	return table.String()
}

// licence reads what a module's licence file is.
func licence(t *testing.T, path, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "LICEN[CS]E*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no licence in %s (%v)", path, dir, err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range licensecheck.Scan(text).Match {
			if !m.IsURL && !slices.Contains(names, m.ID) {
				names = append(names, m.ID)
			}
		}
	}
	if len(names) == 0 {
		t.Fatalf("%s: nobody knows the licence in %v", path, files)
	}
	return strings.Join(names, ", ")
}

// between replaces what stands between two marks.
func between(t *testing.T, text, mark, content string) string {
	t.Helper()
	head, rest, opened := strings.Cut(text, "<!-- "+mark+" -->\n")
	_, tail, closed := strings.Cut(rest, "<!-- /"+mark+" -->\n")
	if !opened || !closed {
		t.Fatalf("THIRD_PARTY.md has no place between the marks %q", mark)
	}
	return head + "<!-- " + mark + " -->\n" + content + "<!-- /" + mark + " -->\n" + tail
}
