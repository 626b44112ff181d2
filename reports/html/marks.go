package html

import (
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
)

// markCount is how many runners have a mark of their own. The colours stand in
// report.css, once for light and once for dark paper: charts name them.
const markCount = 16

// A runner is told by colour, symbol and dash, so that those who see no colours
// can tell it too.
var (
	symbols = []string{"circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "emptyTriangle"}
	dashes  = []string{"solid", "dashed", "dotted"}
)

// marks gives every runner of the page its number: the same one in each chart,
// table and record.
type marks struct {
	names []string
}

func newMarks(records []*record.Record) *marks {
	m := &marks{}
	for _, rec := range records {
		for _, r := range rec.Runners {
			if !slices.Contains(m.names, r.Name) {
				m.names = append(m.names, r.Name)
			}
		}
	}
	return m
}

// of is a runner's number, -1 for a name that no record has.
func (m *marks) of(name string) int { return slices.Index(m.names, name) }

func symbol(mark int) string { return symbols[max(0, mark)%len(symbols)] }

// dash changes where the symbols begin anew, so that no two runners share both.
func dash(mark int) string {
	m := max(0, mark) % markCount
	return dashes[(m+m/len(symbols))%len(dashes)]
}

// marked is a series of a runner with its colour, symbol and dash. It bears the
// runner's name: by that the page shows and hides it.
func marked(name string, mark int, data any, dimensions ...string) series {
	return series{Dimensions: dimensions, SingleSeries: charts.SingleSeries{Name: name, Type: "line", Data: data, Symbol: symbol(mark), SymbolSize: 9,
		LineStyle: &opts.LineStyle{Width: 2, Color: Colour(mark), Type: dash(mark)}, ItemStyle: &opts.ItemStyle{Color: Colour(mark)}}}
}
