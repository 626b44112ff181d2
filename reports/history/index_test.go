package history_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/history"
)

// Whatever happens to the index, the same records are found.
func TestTheIndexIsMadeAnew(t *testing.T) {
	for name, happens := range map[string]func(t *testing.T, index string){
		"missing": func(t *testing.T, index string) { must(t, os.Remove(index)) },
		"empty":   func(t *testing.T, index string) { must(t, os.Truncate(index, 0)) },
		"no database": func(t *testing.T, index string) {
			must(t, os.WriteFile(index, []byte("not SQLite at all, but long enough"), 0o644))
		},
		"cut short":                              func(t *testing.T, index string) { must(t, os.Truncate(index, 5000)) },
		"damaged":                                damage,
		"another version":                        func(t *testing.T, index string) { execute(t, index, `DELETE FROM records; PRAGMA user_version = 99`) },
		"without a table":                        func(t *testing.T, index string) { execute(t, index, `DROP TABLE cells`) },
		"half filled, when a process was killed": func(t *testing.T, index string) { execute(t, index, `DELETE FROM records; PRAGMA user_version = 0`) },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			ids := add(t, h, night(0), night(1), night(2))
			slices.Reverse(ids)
			happens(t, filepath.Join(h.Dir(), "index.sqlite"))
			if got := listed(t, h, history.Filter{Runner: "pytorch"}); !slices.Equal(got, ids) {
				t.Errorf("listed are %v, expected %v", got, ids)
			}
			add(t, h, night(3))
			if n := len(listed(t, h, history.Filter{})); n != 4 {
				t.Errorf("%d records after another was added", n)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// damage overwrites all pages but the first.
func damage(t *testing.T, index string) {
	data, err := os.ReadFile(index)
	must(t, err)
	for i := 4096; i < len(data); i++ {
		data[i] = 0xa5
	}
	must(t, os.WriteFile(index, data, 0o644))
}

func execute(t *testing.T, index, statement string) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.sqlite") // a name without the letters that an URL misreads
	must(t, os.Rename(index, copied))
	db, err := sql.Open("sqlite", copied)
	must(t, err)
	_, err = db.Exec(statement)
	must(t, err)
	must(t, db.Close())
	must(t, os.Rename(copied, index))
}

func TestFilesThatCameAndWent(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(0), night(1))
	records := filepath.Join(h.Dir(), "records")
	data, err := os.ReadFile(written(t, night(2)))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(records, "copied by hand.json"), data, 0o644))
	if got := listed(t, h, history.Filter{}); len(got) != 3 {
		t.Fatalf("after a file came: %v", got)
	}
	if added, err := h.Add(t.Context(), written(t, night(2))); err != nil || added[0].New {
		t.Errorf("a record that was copied by hand is added again: %+v, %v", added, err)
	}
	for _, name := range recordFiles(t, h) {
		if strings.Contains(name, ids[0]) {
			must(t, os.Remove(filepath.Join(records, name)))
		}
	}
	if got := listed(t, h, history.Filter{}); len(got) != 2 || slices.Contains(got, ids[0]) {
		t.Errorf("after a file went: %v", got)
	}
	changed, err := record.Encode(night(7, func(r *record.Record) { r.Suite = "other" }))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(records, "copied by hand.json"), changed, 0o644))
	if got := listed(t, h, history.Filter{Suite: "other"}); len(got) != 1 {
		t.Errorf("after a file changed: %v", got)
	}
}

func TestAFileThatIsNoRecordIsToldOfAndHindersNothing(t *testing.T) {
	h := open(t)
	add(t, h, night(0))
	bad := filepath.Join(h.Dir(), "records", "bad.json")
	must(t, os.WriteFile(bad, []byte("{}"), 0o644))
	must(t, os.WriteFile(filepath.Join(h.Dir(), "records", ".half.json.123"), []byte("{"), 0o644)) // somebody writes it
	if n := len(listed(t, h, history.Filter{})); n != 1 {
		t.Errorf("%d records", n)
	}
	for range 2 {
		problems, err := h.Problems(t.Context())
		if err != nil || len(problems) != 1 || problems[0].File != bad || !strings.Contains(problems[0].Text, "schema_version") {
			t.Errorf("problems are %+v, %v", problems, err)
		}
		if n, problems, err := h.Reindex(t.Context()); n != 1 || len(problems) != 1 || err != nil {
			t.Errorf("reindexed: %d, %v, %v", n, problems, err)
		}
	}
}

func TestOfTwoFilesWithOneRecordTheOtherTakesOver(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(0))
	first := recordFiles(t, h)[0]
	data, err := os.ReadFile(filepath.Join(h.Dir(), "records", first))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(h.Dir(), "records", "zz.json"), data, 0o644))
	if problems, err := h.Problems(t.Context()); err != nil || len(problems) != 1 || !strings.Contains(problems[0].Text, "is the same record as "+first) {
		t.Errorf("problems are %+v, %v", problems, err)
	}
	must(t, os.Remove(filepath.Join(h.Dir(), "records", first)))
	if got := listed(t, h, history.Filter{}); !slices.Equal(got, ids) {
		t.Errorf("listed are %v", got)
	}
}

// Figures of the case: 10,000 records.
func BenchmarkTenThousandRecords(b *testing.B) {
	h := at(b, b.TempDir())
	many(b, h, 10_000)
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if n := len(listed(b, h, history.Filter{})); n != 10_000 {
				b.Fatal(n)
			}
		}
	})
	b.Run("points", func(b *testing.B) {
		for b.Loop() {
			if points, _, err := h.Points(b.Context(), history.Series{Workload: workload, Runner: "pytorch", Metric: history.Throughput}); len(points) != 10_000 {
				b.Fatal(len(points), err)
			}
		}
	})
	b.Run("reindex", func(b *testing.B) {
		for b.Loop() {
			if n, _, err := h.Reindex(b.Context()); n != 10_000 {
				b.Fatal(n, err)
			}
		}
	})
}
