package html

// chart is a figure with the table of what it shows.
type chart struct {
	ID       string
	Title    string
	Note     string // how to read it
	Label    string // what a screen reader says
	Height   int    // pixels
	Runner   int    // number of the one runner that it is about, else -1
	Top      bool   // stands right below a section's heading
	Key      []key  // what its colours mean, if they do not stand for runners
	Drawing  drawing
	Table    *grid
	Mentions []mention // of the warnings that concern it
}

// key is a colour and what it stands for.
type key struct{ Class, Name string }

// drawing is what the page's script hands to ECharts, and what a choice of
// runners does to it.
type drawing struct {
	Option  map[string]any `json:"option"`         // complete: it is drawn as it is
	Runners []int          `json:"runners"`        // those that have series here, which bear their names
	Rows    []int          `json:"rows,omitempty"` // the runner of each row of a vertical axis of runners
}
