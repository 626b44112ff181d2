// Package nights keeps the directory of a nightly job: one directory a night,
// and a page that lists them.
package nights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// Night is what is kept of one night beside its record: DIR/nights/NAME/night.json.
type Night struct {
	Name     string    `json:"name"` // of its directory
	Suite    string    `json:"suite"`
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended"`
	Exit     int       `json:"exit"`     // of the command
	Headline string    `json:"headline"` // in one line
	Record   string    `json:"record"`   // its ID in the history; empty when there is none, or one for each part
	Files    []string  `json:"files"`    // that were written, for links

	Parts []Outcome `json:"parts,omitempty"` // of a night that several machines measured
}

// Minutes is how long the night took.
func (n Night) Minutes() float64 { return n.Ended.Sub(n.Began).Minutes() }

// fileName is where a night is kept in its directory.
const fileName = "night.json"

// pages are the files of a night that a list of nights links, if they are
// there.
var pages = []string{"report.html", "check.html", "night.log"}

// Write keeps a night in its directory, with the files that are there.
func Write(dir string, n Night) error {
	n.Files = present(dir)
	data, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	return record.Replace(filepath.Join(dir, fileName), append(data, '\n'))
}

// present are the pages that are there.
func present(dir string) []string {
	files := []string{}
	for _, name := range pages {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			files = append(files, name)
		}
	}
	return files
}

// Read lists the nights below a directory, newest first. Directories without a
// night.json are somebody else's, or of a night that is under way or was killed.
func Read(dir string) ([]Night, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []Night
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name(), fileName))
		if errors.Is(err, fs.ErrNotExist) || !e.IsDir() {
			continue
		}
		if err != nil {
			return nil, err
		}
		var n Night
		if err := json.Unmarshal(data, &n); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name(), fileName), err)
		}
		n.Name = e.Name()
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b Night) int { return b.Began.Compare(a.Began) })
	return all, nil
}

// Keep removes the directories of all but the newest nights.
func Keep(dir string, newest int) error {
	all, err := Read(dir)
	if err != nil {
		return err
	}
	var faults []error
	for _, n := range all[min(len(all), max(1, newest)):] {
		faults = append(faults, os.RemoveAll(filepath.Join(dir, n.Name)))
	}
	return errors.Join(faults...)
}
