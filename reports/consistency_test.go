package reports_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	stdhtml "html"
	"io"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/export"
	"github.com/dlbench/dlbench/reports/html"
	"github.com/dlbench/dlbench/reports/ranking"
)

// One question has one answer. Many simulated campaigns are told in every
// format, and no figure and no verdict may differ from one to another.
func TestEveryFormatTellsTheSame(t *testing.T) {
	records := 300
	if testing.Short() {
		records = 60
	}
	rng := rand.New(rand.NewPCG(15, 1))
	counts := map[string]int{}
	before := simulated(rng, 0)
	for i := range records {
		rec := simulated(rng, i)
		said := statements{}
		said.terminal(t, rec)
		for _, tell := range []func(*testing.T, *record.Record){said.markdown, said.page, said.csv, said.prometheus, said.junit} {
			tell(t, rec)
		}
		said.comparison(t, before, rec)
		said.judge(t, fmt.Sprintf("record %d", i), counts)
		before = rec
		if t.Failed() {
			return
		}
	}
	// A format whose answers are not found would agree with all others.
	for what, want := range map[string]int{"overall ratio": 6, "overall interval": 6, "overall verdict": 6, "median": 6, "interval": 6, "against fastest": 3, "pair ratio": 4, "pair interval": 4, "pair verdict": 4} {
		if counts[what] < want {
			t.Errorf("%q was found in %d formats, expected %d", what, counts[what], want)
		}
	}
}

// simulated is a campaign of one or two modes, with some or no processes
// missing, with ties or without, of few or many rounds.
func simulated(rng *rand.Rand, i int) *record.Record {
	s := recordtest.Simulation{Seed: uint64(i), Modes: [][]string{{"infer"}, {"train"}, {"infer", "train"}}[rng.IntN(3)], Workloads: 1 + rng.IntN(3), Runners: 2 + rng.IntN(4),
		Rounds: 1 + rng.IntN(12), Missing: []float64{0, 0, 0.2, 0.6}[rng.IntN(4)], Ties: rng.IntN(3) == 0, Noise: []float64{0, 0.002, 0.02}[rng.IntN(3)]}
	rec := s.Record()
	summary.Summarize(rec)
	return rec
}

// statements are what formats say: what it is about → the words → who says so.
type statements map[string]map[string][]string

func (s statements) add(format, about, words string) {
	if words = strings.Join(strings.Fields(words), " "); words == "–" {
		words = "" // nothing is told either way
	}
	if s[about] == nil {
		s[about] = map[string][]string{}
	}
	s[about][words] = append(s[about][words], format)
}

// judge finds what is told in two ways, and counts the formats that told a kind
// of figure at once.
func (s statements) judge(t *testing.T, name string, counts map[string]int) {
	t.Helper()
	for about, said := range s {
		if len(said) > 1 {
			t.Errorf("%s: %s: %v", name, about, said)
		}
		for _, formats := range said {
			kind, _, _ := strings.Cut(about, ":")
			counts[kind] = max(counts[kind], len(formats))
		}
	}
}

// sheet adds what a table says; columns is its header.
func (s statements) sheet(format, workload string, columns []string, rows [][]string) {
	at := map[string]int{}
	for i, name := range columns {
		at[name] = i
	}
	if _, overall := at["geometric mean"]; overall {
		for _, row := range rows {
			about := row[at["mode"]] + " " + row[at["runner"]]
			s.add(format, "overall ratio: "+about, row[at["geometric mean"]])
			s.add(format, "overall interval: "+about, row[at["95 % interval"]])
			s.add(format, "overall verdict: "+about, row[at["verdict"]])
			s.add(format, "overall against: "+about, row[at["against"]])
			s.add(format, "overall workloads: "+about, row[at["workloads"]])
		}
		return
	}
	if _, ranked := at["against fastest"]; ranked {
		for _, row := range rows {
			about := workload + " " + strings.Fields(row[0])[0]
			s.add(format, "median: "+about, row[at["images/s"]])
			s.add(format, "interval: "+about, row[at["interval"]])
			s.add(format, "against fastest: "+about, row[at["against fastest"]])
		}
	}
}

// named calls the column of intervals by one name, whatever it holds.
func named(header []string) []string {
	out := append([]string{}, header...)
	for i, name := range out {
		if out[0] != "mode" && (name == "range" || strings.HasSuffix(name, " % interval")) {
			out[i] = "interval"
		}
	}
	return out
}

func (s statements) markdown(t *testing.T, rec *record.Record) {
	s.markdownOf(told(t, func(w io.Writer) error { return reports.Markdown(w, rec) }))
}

func (s statements) markdownOf(text string) {
	heading := ""
	var header []string
	var rows [][]string
	end := func() {
		if header != nil {
			s.sheet("markdown", heading, named(header), rows)
		}
		header, rows = nil, nil
	}
	for _, line := range strings.Split(text, "\n") {
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
		switch {
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimLeft(line, "# ")
		case !strings.HasPrefix(line, "|"):
			end()
		case header == nil:
			header = cells
		case !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, cells)
		}
	}
	end()
}

func (s statements) terminal(t *testing.T, rec *record.Record) {
	text := told(t, func(w io.Writer) error { return reports.Table(w, rec, 500) })
	blocks := strings.Split(text, "\n\n")
	for i, block := range blocks {
		lines := strings.Split(block, "\n")
		title := strings.TrimSpace(lines[0])
		if i == 0 || len(lines) < 3 {
			continue
		}
		rows := aligned(lines[1:])
		s.sheet("terminal", title, named(rows[0]), rows[1:])
	}
}

// aligned are the rows of a table of aligned columns.
func aligned(lines []string) [][]string {
	spans := columnsOf(lines)
	var rows [][]string
	for _, line := range lines {
		var row []string
		for _, span := range spans {
			runes := []rune(line)
			row = append(row, strings.TrimSpace(string(runes[min(span[0], len(runes)):min(span[1], len(runes))])))
		}
		if row[0] != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

// columnsOf are the spans between gaps of two blanks that every line has.
func columnsOf(lines []string) [][2]int {
	width := 0
	for _, line := range lines {
		width = max(width, len([]rune(line)))
	}
	blank := make([]bool, width+2)
	for i := range blank {
		blank[i] = true
		for _, line := range lines {
			runes := []rune(line)
			blank[i] = blank[i] && (i >= len(runes) || runes[i] == ' ')
		}
	}
	var spans [][2]int
	begin := -1
	for i := range width {
		switch {
		case begin < 0 && !blank[i]:
			begin = i
		case begin >= 0 && blank[i] && blank[i+1]:
			spans = append(spans, [2]int{begin, i})
			begin = -1
		}
	}
	if begin >= 0 {
		spans = append(spans, [2]int{begin, width})
	}
	return spans
}

var (
	tables = regexp.MustCompile(`(?s)<table[^>]*?(?: id="([^"]*)")?>(.*?)</table>`)
	lines  = regexp.MustCompile(`(?s)<tr.*?</tr>`)
	cells  = regexp.MustCompile(`(?s)<t[hd][ >].*?</t[hd]>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
)

func plain(markup string) string {
	return strings.Join(strings.Fields(stdhtml.UnescapeString(tags.ReplaceAllString(markup, " "))), " ")
}

// tablesOf are the tables of a page by their identifiers, headers first.
func tablesOf(page string) map[string][][]string {
	found := map[string][][]string{}
	for i, m := range tables.FindAllStringSubmatch(page, -1) {
		var rows [][]string
		for _, line := range lines.FindAllString(m[2], -1) {
			var row []string
			for _, cell := range cells.FindAllString(line, -1) {
				row = append(row, plain(cell))
			}
			rows = append(rows, row)
		}
		id := m[1]
		if id == "" {
			id = fmt.Sprint(i)
		}
		found[id] = rows
	}
	return found
}

// page reads the report: the overall, the rankings, the answer for each workload,
// the ratios of every two, and the headlines.
func (s statements) page(t *testing.T, rec *record.Record) {
	page := told(t, func(w io.Writer) error { return html.Render(w, []*record.Record{rec}) })
	found := tablesOf(page)
	if rows := found["overall-table"]; rows != nil {
		s.sheet("page", "", rows[0], rows[1:])
	}
	for _, w := range rec.Workloads {
		id := strings.NewReplacer("/", "-").Replace(w.ID)
		rows := found[id+"-ranking-table"]
		if rows == nil {
			t.Fatalf("the page has no ranking of %s", w.ID)
		}
		s.sheet("page", w.ID, named(rows[0]), rows[1:])
		s.matrix(w.ID, found[id+"-ratios-table"])
		s.headline(w.ID, page)
	}
	for _, row := range append([][]string{nil}, found["answers-table"]...)[1:] {
		if row[7] != "" && row[0] != "workload" {
			s.pair("the answer", row[0], strings.Fields(row[1])[0], strings.Fields(row[4])[0], strings.TrimSuffix(row[5], "×"), row[6], row[7])
		}
	}
	for _, c := range rec.Comparisons {
		s.pair("the record", c.Workload, c.A, c.B, ranking.Ratio(c.Ratio), ranking.RatioSpan(c.CILow, c.CIHigh), c.Verdict)
		c = c.Inverse()
		s.pair("the record", c.Workload, c.A, c.B, ranking.Ratio(c.Ratio), ranking.RatioSpan(c.CILow, c.CIHigh), c.Verdict)
	}
}

func (s statements) pair(format, workload, a, b, ratio, interval, verdict string) {
	about := workload + " " + a + " over " + b
	s.add(format, "pair ratio: "+about, ratio)
	if interval != "" {
		s.add(format, "pair interval: "+about, interval)
	}
	s.add(format, "pair verdict: "+about, verdict)
}

var signs = map[string]string{"▲": record.Faster, "▼": record.Slower, "≈": record.Indistinguishable, "?": record.TooFew}

func (s statements) matrix(workload string, rows [][]string) {
	for i, row := range rows {
		for j, text := range row {
			words := strings.Fields(text)
			if i == 0 || j == 0 || len(words) != 5 {
				continue
			}
			s.pair("the matrix", workload, strings.Fields(row[0])[0], rows[0][j], words[0], strings.Join(words[2:], " "), signs[words[1]])
		}
	}
}

var headlines = map[string]*regexp.Regexp{
	record.Faster:            regexp.MustCompile(`^(\S+) is fastest: (\S+)× as fast as (\S+) \(\d+ % interval (.*)\)\.$`),
	record.Indistinguishable: regexp.MustCompile(`^(\S+) and (\S+) cannot be told apart: ratio (\S+)×, \d+ % interval (.*)\.$`),
	record.TooFew:            regexp.MustCompile(`^(\S+) .*was (\S+)× as fast as (\S+) .*: too few processes`),
	record.Slower:            regexp.MustCompile(`^(\S+) has the higher median, but .* it was (\S+)× as fast as (\S+) \(\d+ % interval (.*)\)\.$`),
}

func (s statements) headline(workload, page string) {
	_, rest, _ := strings.Cut(page, `id="`+strings.NewReplacer("/", "-").Replace(workload)+`-ranking"`)
	_, rest, _ = strings.Cut(rest, `<p class="headline">`)
	sentence, _, _ := strings.Cut(rest, "</p>")
	for verdict, pattern := range headlines {
		m := pattern.FindStringSubmatch(plain(sentence))
		if m == nil {
			continue
		}
		a, ratio, b, interval := m[1], m[2], m[3], ""
		if verdict == record.Indistinguishable {
			ratio, b = m[3], m[2]
		}
		if len(m) > 4 {
			interval = m[4]
		}
		s.pair("the headline", workload, a, b, ratio, interval, verdict)
	}
}

// spread is the text of a throughput with its interval, as reports write it.
func (s statements) spread(format, about string, median, low, high float64) {
	half := (high - low) / 2
	s.add(format, "median: "+about, ranking.Figure(median, half))
	s.add(format, "interval: "+about, ranking.Figure(low, half)+" – "+ranking.Figure(high, half))
}

func (s statements) csv(t *testing.T, rec *record.Record) {
	rows, err := csv.NewReader(strings.NewReader(told(t, func(w io.Writer) error { return export.CSV(w, rec) }))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if row[8] != "" {
			s.spread("csv", row[0]+" "+row[1], number(t, row[8]), number(t, row[9]), number(t, row[10]))
		}
	}
}

var sample = regexp.MustCompile(`(?m)^(dlbench_\w+)\{(.*)\} (\S+)$`)

func (s statements) prometheus(t *testing.T, rec *record.Record) {
	text := told(t, func(w io.Writer) error { return export.Prometheus(w, rec) })
	values := map[string]float64{}
	for _, m := range sample.FindAllStringSubmatch(text, -1) {
		values[m[1]+"{"+m[2]] = number(t, m[3])
	}
	for key, v := range values {
		name, list, _ := strings.Cut(key, "{")
		label := map[string]string{}
		for _, pair := range strings.Split(list, ",") {
			k, quoted, _ := strings.Cut(pair, "=")
			label[k] = strings.Trim(quoted, `"`)
		}
		if name == "dlbench_overall_ratio" {
			about := label["mode"] + " " + label["runner"]
			s.add("prometheus", "overall ratio: "+about, ranking.Times(v))
			s.add("prometheus", "overall verdict: "+about, label["verdict"])
			s.add("prometheus", "overall against: "+about, label["against"])
			interval := ""
			if label["verdict"] != record.TooFew {
				interval = ranking.RatioSpan(values["dlbench_overall_ratio_low{"+list], values["dlbench_overall_ratio_high{"+list])
			}
			s.add("prometheus", "overall interval: "+about, interval)
		}
		if name == "dlbench_throughput_images_per_second" {
			s.spread("prometheus", label["workload"]+" "+label["runner"], v, values["dlbench_throughput_low_images_per_second{"+list], values["dlbench_throughput_high_images_per_second{"+list])
		}
	}
}

func (s statements) junit(t *testing.T, rec *record.Record) {
	var suite struct {
		Cases []struct {
			Class  string `xml:"classname,attr"`
			Name   string `xml:"name,attr"`
			Output string `xml:"system-out"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal([]byte(told(t, func(w io.Writer) error { return export.JUnit(w, rec) })), &suite); err != nil {
		t.Fatal(err)
	}
	for _, c := range suite.Cases {
		var median, low, high float64
		if _, err := fmt.Sscanf(c.Output, "%g images/s (%g to %g)", &median, &low, &high); err == nil {
			s.spread("junit", c.Class+" "+c.Name, median, low, high)
		}
	}
}

// comparison reads the record as the new side of a comparison.
func (s statements) comparison(t *testing.T, before, rec *record.Record) {
	c := compare.Of(compare.Source{File: "a", Record: before}, compare.Source{File: "b", Record: rec})
	text := told(t, func(w io.Writer) error { return c.Text(w, 500) })
	if _, rest, found := strings.Cut(text, "New record: over the workloads"); found {
		rows := aligned(strings.Split(rest, "\n")[1:])
		s.sheet("compare", "", rows[0], rows[1:])
	}
	_, rest, _ := strings.Cut(told(t, c.HTML), "New record: over the workloads")
	for _, rows := range tablesOf(rest) {
		s.sheet("compare's page", "", rows[0], rows[1:])
	}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		New []record.Overall `json:"new_overall"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	sheet := ranking.Overall(read.New)
	s.sheet("compare's JSON", "", sheet.Header, sheet.Rows)
}

func told(t *testing.T, tell func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := tell(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
