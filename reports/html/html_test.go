package html_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	stdhtml "html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/html"
)

func render(t testing.TB, records ...*record.Record) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Render(&b, records); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// drawing is what the page's script draws.
type drawing struct {
	Charts  map[string]figure `json:"charts"`
	Tables  map[string]lazy   `json:"tables"`
	Runners []string          `json:"runners"`
}

// figure is a chart with the runners whose series and rows it has.
type figure struct {
	Option        options
	Runners, Rows []int
}

type options struct {
	Series  []series `json:"series"`
	XAxis   []axis   `json:"xAxis"`
	YAxis   []axis   `json:"yAxis"`
	Grid    []any    `json:"grid"`
	Dataset datasets `json:"dataset"`
}

// UnmarshalJSON looks into what ECharts calls the base, and gives series their
// points from the tables that they point to.
func (o *options) UnmarshalJSON(text []byte) error {
	var based struct{ BaseOption json.RawMessage }
	if err := json.Unmarshal(text, &based); err != nil {
		return err
	}
	if based.BaseOption != nil {
		text = based.BaseOption
	}
	type plain options
	if err := json.Unmarshal(text, (*plain)(o)); err != nil {
		return err
	}
	for i, s := range o.Series {
		if s.Data == nil && s.DatasetIndex < len(o.Dataset) {
			source := o.Dataset[s.DatasetIndex].Source
			for k, x := range source.S {
				o.Series[i].Data = append(o.Series[i].Data, []any{x, source.V[k]})
			}
		}
	}
	return nil
}

// datasets are a table or several.
type datasets []struct{ Source struct{ S, V []any } }

func (d *datasets) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]struct{ Source struct{ S, V []any } })(d))
	}
	*d = make(datasets, 1)
	return json.Unmarshal(text, &(*d)[0])
}

type axis struct {
	Type, Name string
	Data       []string
}

type series struct {
	Name, Type   string
	Data         []any
	DatasetIndex int
	MarkArea     struct {
		Data [][2]struct{ XAxis float64 } `json:"data"`
	} `json:"markArea"`
	MarkLine struct {
		Data []struct{ XAxis float64 } `json:"data"`
	} `json:"markLine"`
}

// lazy is a table that the script makes when somebody opens it.
type lazy struct {
	Caption string
	Columns []string
	Numeric []int
	Rows    [][]any // the runner's number, then cells
}

// drawn unpacks the page's data.
func drawn(t *testing.T, page string) drawing {
	t.Helper()
	_, rest, found := strings.Cut(page, `id="data">"`)
	packed, _, ended := strings.Cut(rest, `"</script>`)
	if !found || !ended {
		t.Fatal("the page has no data")
	}
	compressed, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	var d drawing
	if err := json.NewDecoder(r).Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// chart is one chart of the page.
func (d drawing) chart(t *testing.T, id string) options {
	t.Helper()
	c, ok := d.Charts[id]
	if !ok {
		t.Fatalf("there is no chart %s", id)
	}
	return c.Option
}

// of are the series of that name.
func (o options) of(name string) []series {
	var found []series
	for _, s := range o.Series {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// pair is a point of a series: two values, however it is written.
func pair(point any) (x, y any) {
	if m, ok := point.(map[string]any); ok {
		point = m["value"]
	}
	list := point.([]any)
	return list[0], list[1]
}

// cellText is the text of a lazy table's cell.
func cellText(cell any) string {
	if list, ok := cell.([]any); ok {
		cell = list[0]
	}
	return cell.(string)
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plain is what a person reads of markup.
func plain(markup string) string {
	return strings.Join(strings.Fields(stdhtml.UnescapeString(tags.ReplaceAllString(markup, " "))), " ")
}

// rows are the texts of a table that stands in the page's markup, header first.
func rows(t *testing.T, page, id string) [][]string {
	t.Helper()
	_, rest, found := strings.Cut(page, `<table class="grid" id="`+id+`">`)
	if !found {
		t.Fatalf("the page has no table %s", id)
	}
	table, _, _ := strings.Cut(rest, "</table>")
	var all [][]string
	for _, line := range strings.Split(table, "<tr")[1:] {
		var cells []string
		for _, cell := range regexp.MustCompile(`(?s)<t[hd][ >].*?</t[hd]>`).FindAllString(line, -1) {
			cells = append(cells, plain(cell))
		}
		all = append(all, cells)
	}
	return all
}

// cellOf is the cell of the row that begins with a text, under a header.
func cellOf(t *testing.T, table [][]string, begins, header string) string {
	t.Helper()
	column := slices.Index(table[0], header)
	if column < 0 {
		t.Fatalf("no column %q among %q", header, table[0])
	}
	for _, line := range table[1:] {
		if strings.HasPrefix(line[0], begins) {
			return line[column]
		}
	}
	t.Fatalf("no row %q", begins)
	return ""
}

// figureOf is the markup of a figure.
func figureOf(t *testing.T, page, id string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, `<figure id="`+id+`"`)
	if !found {
		t.Fatalf("the page has no figure %s", id)
	}
	figure, _, _ := strings.Cut(rest, "</figure>")
	return figure
}
