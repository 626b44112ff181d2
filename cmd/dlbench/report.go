package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/html"
)

func (p *program) reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "draw the HTML report of one or more results",
		ArgsUsage: "RESULT…",
		Flags:     []cli.Flag{&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Value: "report.html", Usage: "`FILE` to write"}},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usage(errors.New("report: name at least one result.json"))
			}
			if err := tryFiles(c, "o"); err != nil {
				return err
			}
			var records []*record.Record
			for _, path := range c.Args().Slice() {
				rec, err := summary.Read(path)
				if err != nil {
					return usage(err)
				}
				records = append(records, rec)
			}
			path := c.String("o")
			if err := reports.WriteFile(path, func(w io.Writer) error { return html.Render(w, records) }); err != nil {
				return unwritten(fmt.Errorf("write the report: %w", err))
			}
			_, err := fmt.Fprintln(p.stdout, path)
			return err
		},
	}
}
