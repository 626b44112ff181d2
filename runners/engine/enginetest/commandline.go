package enginetest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// doubleState names the double's directory to the programs that play it.
const doubleState = "DLBENCH_TEST_ENGINE"

// CommandLine is podman or docker without containers: a program of that name on
// PATH, whose containers are plain processes. It keeps what it was asked, and
// fails or answers as a test says.
type CommandLine struct {
	t   *testing.T
	dir string
}

// rule is an answer to calls that begin with some words.
type rule struct {
	Words  string `json:"words"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	Code   int    `json:"code"`
}

// NewCommandLine puts an engine of that name on PATH. The program is the test's
// own, so TestMain has to begin with Play.
func NewCommandLine(t *testing.T, name string) *CommandLine {
	t.Helper()
	bin, dir := t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(doubleState, dir)
	return &CommandLine{t: t, dir: dir}
}

// Answer makes calls that begin with these words print a text and succeed.
func (c *CommandLine) Answer(words, stdout string) { c.rule(rule{Words: words, Stdout: stdout}) }

// Fail makes calls that begin with these words fail and say why.
func (c *CommandLine) Fail(words, stderr string) {
	c.rule(rule{Words: words, Stderr: stderr, Code: 125})
}

func (c *CommandLine) rule(r rule) {
	c.t.Helper()
	rules := readRules(c.dir)
	data, err := json.Marshal(append([]rule{r}, rules...)) // the newest first
	if err == nil {
		err = os.WriteFile(filepath.Join(c.dir, "rules"), data, 0o644)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// Calls are the arguments of every call so far that begins with these words.
func (c *CommandLine) Calls(words string) [][]string {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, "calls"))
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	var calls [][]string
	for line := range strings.Lines(string(data)) {
		var args []string
		if err := json.Unmarshal([]byte(line), &args); err != nil {
			c.t.Fatal(err)
		}
		if begins(args, words) {
			calls = append(calls, args)
		}
	}
	return calls
}

// Leave makes a container as an ended harness would have left it; labels are
// NAME=VALUE.
func (c *CommandLine) Leave(labels ...string) (id string) {
	c.t.Helper()
	id, err := newDouble(c.dir).add(doubled{Image: "left", Command: []string{"true"}, Labels: labels})
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// Containers are the identifiers of those that nobody has removed.
func (c *CommandLine) Containers() []string {
	c.t.Helper()
	ids, err := newDouble(c.dir).ids()
	if err != nil {
		c.t.Fatal(err)
	}
	return ids
}

func readRules(dir string) (rules []rule) {
	data, err := os.ReadFile(filepath.Join(dir, "rules"))
	if err == nil {
		err = json.Unmarshal(data, &rules)
	}
	if err != nil {
		return nil
	}
	return rules
}

func begins(args []string, words string) bool {
	return strings.HasPrefix(strings.Join(args, " ")+" ", words+" ")
}
