package main

import (
	"fmt"
	"os"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// paced is a command of the scripts: `paced result.json 1ms` gives every
// iteration of a record that duration, a tenth of a per cent apart from process
// to process. What a check says then does not hang on how busy the test's
// machine was.
func paced() {
	if err := pace(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "paced:", err)
		os.Exit(1)
	}
}

func pace(path, iteration string) error {
	each, err := time.ParseDuration(iteration)
	if err != nil {
		return err
	}
	r, err := record.Read(path)
	if err != nil {
		return err
	}
	for i := range r.Cells {
		for j := range r.Cells[i].Processes {
			p := &r.Cells[i].Processes[j]
			ns := each.Nanoseconds() * int64(1000+j) / 1000
			for k := range p.Blocks {
				b := &p.Blocks[k]
				if k > 0 {
					b.StartNS = p.Blocks[k-1].EndNS
				}
				b.EndNS = b.StartNS + ns*int64(b.Iterations)
				for n := range b.IterationNS {
					b.IterationNS[n] = ns
				}
			}
		}
	}
	summary.Summarize(r)
	return record.Write(path, r)
}
