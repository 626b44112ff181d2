package main

import (
	"encoding/json"

	"github.com/dlbench/dlbench/reports/table"
)

// print answers in JSON if that is asked for, else by a table.
func (p *program) print(asJSON bool, value any, t *table.Table) error {
	if asJSON {
		return p.printJSON(value)
	}
	return t.Write(p.stdout, p.width)
}

func (p *program) printJSON(value any) error {
	encoder := json.NewEncoder(p.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
