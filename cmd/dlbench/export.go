package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/export"
)

func formatNames() []string {
	var names []string
	for _, f := range export.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func (p *program) exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a result for other programs",
		ArgsUsage: "RESULT",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "csv", Usage: fmt.Sprintf("`FORMAT` to write: %v", formatNames())},
			&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Usage: "`FILE` to write (default: standard output)"},
		},
		Action: p.export,
	}
}

func (p *program) export(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage(fmt.Errorf("export: got %d arguments, expected one result.json", c.NArg()))
	}
	formats := export.Formats()
	i := slices.IndexFunc(formats, func(f export.Format) bool { return f.Name == c.String("format") })
	if i < 0 {
		return unknown("format", c.String("format"), formatNames())
	}
	if err := tryFiles(c, "o"); err != nil {
		return err
	}
	rec, err := summary.Read(c.Args().First())
	if err != nil {
		return usage(err)
	}
	path := c.String("o")
	if path == "" {
		return formats[i].Write(p.stdout, rec)
	}
	if err := reports.WriteFile(path, func(w io.Writer) error { return formats[i].Write(w, rec) }); err != nil {
		return unwritten(fmt.Errorf("write the export: %w", err))
	}
	return nil
}
