package enginetest

import (
	"os"
	"strings"
)

// doubleMounts tells a program in a played container what it sees of the host:
// a mount a line, HOST, a tab, INSIDE. Its paths are not mounted, so it looks there.
const doubleMounts = "DLBENCH_TEST_MOUNTS"

// Speak plays the runner on the standard streams of a program that a played
// engine started, and returns its exit code.
func (r Runner) Speak() int {
	return r.Script(&Streams{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}).Code
}

// onHost is where a path of the container lies; elsewhere it is the path.
func onHost(path string) string {
	for line := range strings.Lines(os.Getenv(doubleMounts)) {
		host, inside, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if rest, found := strings.CutPrefix(path, inside+"/"); found {
			return host + "/" + rest
		}
	}
	return path
}
