package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/reports/table"
)

// The README promises what a first run needs; doctor warns by the same figure.
func TestTheReadmeAndDoctorAskForTheSameDisk(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "needs " + table.Bytes(leastDisk) + " of disk"; !strings.Contains(string(readme), want) {
		t.Errorf("README.md does not say %q", want)
	}
}
