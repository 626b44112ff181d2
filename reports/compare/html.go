package compare

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"math"

	"github.com/dlbench/dlbench/reports/ranking"
)

//go:embed assets/compare.html.tmpl assets/compare.css
var assets embed.FS

// page is what the template shows. It has no script, and its policy allows
// none: what a record says is text.
type page struct {
	*Comparison
	Style template.CSS
	Rows  []htmlRow
	Lists []ranking.Sheet
}

// htmlRow is a row of the table.
type htmlRow struct {
	Cells []string
	Class string // of the verdict
	Strip *strip // nil if the ratio or an end of its interval is missing
}

// strip is a ratio with its interval on a scale that all rows share, in per cent
// of its width.
type strip struct{ Low, Mid, High float64 }

// HTML writes the comparison as one self-contained page.
func (c *Comparison) HTML(w io.Writer) error {
	style, err := assets.ReadFile("assets/compare.css")
	if err != nil {
		return err
	}
	t, err := template.ParseFS(assets, "assets/compare.html.tmpl")
	if err != nil {
		return fmt.Errorf("read the template of comparisons: %w", err)
	}
	return t.Execute(w, page{Comparison: c, Style: template.CSS(style), Rows: c.htmlRows(), Lists: c.lists()})
}

// htmlRows place every ratio on one logarithmic scale with 1 in its middle.
func (c *Comparison) htmlRows() []htmlRow {
	reach := 0.01
	for _, cell := range c.Cells {
		if cell.drawable() {
			reach = max(reach, -math.Log(cell.CILow), math.Log(cell.CIHigh))
		}
	}
	at := func(ratio float64) float64 { return 50 + 50*math.Log(ratio)/reach }
	rows := make([]htmlRow, len(c.Cells))
	for i, cell := range c.Cells {
		rows[i] = htmlRow{Cells: cell.row(), Class: verdictClass(cell.Verdict)}
		if cell.drawable() {
			rows[i].Strip = &strip{Low: at(cell.CILow), Mid: at(cell.Ratio), High: at(cell.CIHigh)}
		}
	}
	return rows
}

// drawable says whether a logarithmic scale has room for the ratio.
func (c Cell) drawable() bool {
	for _, v := range []float64{c.CILow, c.Ratio, c.CIHigh} {
		if !(v > 0) || math.IsInf(v, 1) { // NaN is not above 0 either
			return false
		}
	}
	return true
}

func verdictClass(verdict string) string {
	switch verdict {
	case "faster", "slower":
		return verdict
	default:
		return "undecided"
	}
}

// MeanRows are the table's last rows, one a mode.
func (p page) MeanRows() [][]string {
	var rows [][]string
	for _, m := range p.Means {
		rows = append(rows, m.row())
	}
	return rows
}
