package main

import (
	"context"
	"io"
	"os"
	"os/user"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/runners/preflight"
)

// bundle is what a user can attach to an issue.
type bundle struct {
	Version     string             `json:"dlbench_version"`
	Environment record.Environment `json:"environment"`
	Findings    []finding          `json:"findings"`
	Reports     []preflight.Report `json:"reports,omitempty"`
}

func (p *program) writeBundle(ctx context.Context, path string, findings []finding, all []preflight.Report) error {
	here := p.host().Machine(ctx)
	words := map[string]string{here.Host: "HOST"}
	if name, err := os.Hostname(); err == nil {
		words[name] = "HOST"
	}
	for _, name := range []string{p.getenv("USER"), p.getenv("LOGNAME"), currentUser()} {
		if name != "root" {
			words[name] = "USER"
		}
	}
	here.Host = ""
	data, err := preflight.Scrubber{Words: words}.JSON(bundle{version(), here, findings, all})
	if err != nil {
		return err
	}
	return reports.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

func currentUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
