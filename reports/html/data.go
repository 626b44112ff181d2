package html

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
)

// data is what the page's script draws: charts, and the tables that are made
// when somebody opens them.
type data struct {
	Theme   map[string]any     `json:"theme"`
	Charts  map[string]drawing `json:"charts"`
	Tables  map[string]*grid   `json:"tables"`
	Runners []string           `json:"runners"`
}

func newData(m *marks) *data {
	return &data{Theme: Theme(), Charts: map[string]drawing{}, Tables: map[string]*grid{}, Runners: m.names}
}

func (d *data) chart(charts ...*chart) {
	for _, c := range charts {
		if c == nil {
			continue
		}
		d.Charts[c.ID] = c.Drawing
		if c.Table != nil {
			d.table(c.Table)
		}
	}
}

func (d *data) table(tables ...*grid) {
	for _, t := range tables {
		if t != nil {
			d.Tables[t.ID] = t
		}
	}
}

// view adds what a record's part of the page draws.
func (d *data) view(v *view) {
	d.chart(v.Batches...)
	d.chart(v.Speedups...)
	d.chart(v.Roofline)
	for _, w := range v.Workloads {
		d.chart(w.Charts...)
		d.chart(w.Timelines...)
		d.table(w.Checks, w.Processes)
	}
}

func (d *data) overview(o *overview) {
	for _, w := range o.Figures {
		d.chart(w.Chart)
	}
	d.chart(o.Threads...)
}

// packed is the data as a JSON string that can stand inside a script element. It is
// compressed, because thousands of processes would make the page ten times as
// long; browsers have undone that by themselves since 2023.
func (d *data) packed() (template.JS, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("write the report's data: %w", err)
	}
	var compressed bytes.Buffer
	w, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(text); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return template.JS(`"` + base64.StdEncoding.EncodeToString(compressed.Bytes()) + `"`), nil
}
