package nodes_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// TestThePageLinksTheShardsOwnReports, relative to where it lies: the directory may be
// moved as a whole.
func TestThePageLinksTheShardsOwnReports(t *testing.T) {
	for _, spread := range record.Spreads() {
		all := members(1, 1, 1)
		for i := range all[:2] {
			all[i].Report = fmt.Sprintf("shards/%04d/report.html", i)
		}
		all[1].Missing = "the job was cancelled (CANCELLED)"
		f := fleetOf(t, spread, all)
		// Each node is linked once, in the table of nodes; the partial one again in that of what
		// is missing; and where workloads are spread, from each of its four.
		want := map[string]int{"shards/0000": 1, "shards/0001": 2, "shards/0002": 0}
		if spread == record.ByWorkloads {
			want = map[string]int{"shards/0000": 5, "shards/0001": 6, "shards/0002": 0}
		}
		for shard, n := range want {
			if got := strings.Count(page(t, f), `<a href="`+shard+`/report.html">`); got != n {
				t.Errorf("spread %s: %d links to %s, expected %d", spread, got, shard, n)
			}
		}
		f.Base = "../elsewhere/cluster"
		if html := page(t, f); !strings.Contains(html, `<a href="../elsewhere/cluster/shards/0001/report.html">`) || strings.Contains(html, `"shards/`) {
			t.Errorf("spread %s: a page elsewhere does not link to the directory", spread)
		}
	}
}

func TestClocksThatAreApartAreNamedBesideTheVerdict(t *testing.T) {
	all := members(1, 1, 1)
	all[1].Ahead, all[2].Ahead = -90*time.Minute, 12*time.Second
	f := fleetOf(t, record.ByNodes, all)
	said := text(t, f)
	for _, want := range []string{"its clock is 1h30m0s behind", "its clock is 12s ahead", "clocks are apart: ", "n1 1h30m0s behind", "n2 12s ahead", "a history orders records by them"} {
		if !strings.Contains(said, want) || !strings.Contains(page(t, f), want) {
			t.Errorf("no view without %q:\n%s", want, said)
		}
	}
	for node, verdict := range verdicts(f) {
		if verdict != verdicts(fleetOf(t, record.ByNodes, members(1, 1, 1)))[node] {
			t.Errorf("the clock changed the verdict on %s", node)
		}
	}
	if said := text(t, fleetOf(t, record.ByNodes, members(1, 1, 1))); strings.Contains(said, "clock") {
		t.Errorf("clocks that agree are told:\n%s", said)
	}
}
