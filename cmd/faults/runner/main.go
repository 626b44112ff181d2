// Command runner is the runner of the campaign of faults: it speaks the protocol
// and computes what the reference does, until it meets the fault that its
// environment names. It links nothing, so that its file is a whole image.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
)

// faultVariable names a request and what happens instead of its answer, like
// "measure:crash". "wrong" is a runner whose numbers are off.
const faultVariable = "DLBENCH_FAULT"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "wait" { // a helper, as frameworks start them
		time.Sleep(time.Hour)
	}
	fault := os.Getenv(faultVariable)
	r := benchtest.Honest()
	if fault == "wrong" {
		r = benchtest.Wrong()
	}
	at, what, _ := strings.Cut(fault, ":")
	if what == "helper" {
		helper := exec.Command(os.Args[0], "wait")
		if err := helper.Start(); err != nil {
			fmt.Fprintln(os.Stderr, "start a helper:", err)
			os.Exit(1)
		}
	}
	r.Exit = func(request string) *engine.Exit {
		fmt.Fprintln(os.Stderr, "reached", request)
		if request != at {
			return nil
		}
		return meet(what)
	}
	r.Fault = func(request string) *protocol.Error {
		if request == at && what == "refuse" {
			return &protocol.Error{Code: protocol.Internal, Message: "the fault that was asked for"}
		}
		if request == at && what == "fill" {
			return fill()
		}
		return nil
	}
	os.Exit(r.Speak())
}

// meet is what happens; nil goes on as if nothing had.
func meet(what string) *engine.Exit {
	switch what {
	case "exit":
		return &engine.Exit{Code: 7}
	case "hang":
		signal.Ignore(syscall.SIGTERM)
		time.Sleep(time.Hour)
	case "pause":
		time.Sleep(3 * time.Second)
	case "garbage":
		fmt.Println("hello, world")
		time.Sleep(time.Minute)
	case "close":
		_ = os.Stdout.Close()
		time.Sleep(time.Hour)
	case "memory":
		var kept [][]byte
		for {
			page := make([]byte, 16<<20)
			for i := range page {
				page[i] = byte(i)
			}
			kept = append(kept, page)
			fmt.Fprintln(os.Stderr, "holds", len(kept)*16, "MiB")
		}
	}
	return nil
}

// fill writes until nothing more can be written, and says what it was told.
func fill() *protocol.Error {
	file, err := os.Create(filepath.Join(os.TempDir(), "full"))
	if err == nil {
		defer func() { _ = os.Remove(file.Name()) }()
		w := bufio.NewWriterSize(file, 1<<20)
		chunk := make([]byte, 1<<20)
		for err == nil {
			_, err = w.Write(chunk)
		}
	}
	return &protocol.Error{Code: protocol.Internal, Message: err.Error()}
}
