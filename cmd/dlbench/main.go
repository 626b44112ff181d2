// Command dlbench measures how fast deep-learning frameworks run the same
// convolutional networks, after it has proved that they are the same.
package main

import (
	"os"
	"time"

	"golang.org/x/term"

	"github.com/dlbench/dlbench/metrics/sample"
)

func main() { os.Exit(mainCode(sample.OpenGPU, 0)) }

// mainCode is the program in this process's world, with its GPUs. Tests have it
// hasten.
func mainCode(openGPU func() (sample.GPU, error), haste int) int {
	outliveReaders()
	p := &program{
		stdout: heedless{os.Stdout}, stderr: heedless{os.Stderr},
		getenv:   os.Getenv,
		environ:  os.Environ,
		now:      time.Now,
		openGPU:  openGPU,
		haste:    haste,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
		columns:  func() int { return columnsOf(os.Stderr, 80) },
		width:    columnsOf(os.Stdout, 120),
	}
	return p.run(interruptible(p.stderr), os.Args)
}

// columnsOf is how wide a stream's terminal is now, or what is taken if it is
// none.
func columnsOf(stream *os.File, otherwise int) int {
	if width, _, err := term.GetSize(int(stream.Fd())); err == nil && width > 0 {
		return width
	}
	return otherwise
}
