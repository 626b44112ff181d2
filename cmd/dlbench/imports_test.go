package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Imports follow the data's way: workloads → runners → metrics → reports, with
// docker below all. A room may import its own rank and those it may see, and
// nobody imports cmd.
var mayImport = map[string][]string{
	"cmd":       {"workloads", "runners", "metrics", "reports", "docker"},
	"reports":   {"metrics", "workloads", "reports"},
	"runners":   {"workloads", "metrics", "docker", "runners"},
	"metrics":   {"metrics"},
	"workloads": {"workloads"},
	"docker":    {},
}

func TestImportsFollowTheWayOfTheData(t *testing.T) {
	const module = "github.com/dlbench/dlbench/"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		room, _, _ := strings.Cut(strings.TrimPrefix(words[0], module), "/")
		allowed, known := mayImport[room]
		if !known {
			t.Errorf("%s lies in none of the known folders", words[0])
		}
		for _, imported := range words[1:] {
			inside, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			seen++
			target, _, _ := strings.Cut(inside, "/")
			if !slices.Contains(allowed, target) {
				t.Errorf("%s imports %s: %s may import only %v", words[0], imported, room, allowed)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d imports were seen: the test looks at the wrong place", seen)
	}
}
