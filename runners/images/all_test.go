package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/docker"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/manifest"
)

// scriptedBuilds is a docker whose builds run a script in a directory, where a
// file stands for an image. The script has the tag in $tag.
func scriptedBuilds(t *testing.T, script string) (s *Store, dir string) {
	t.Helper()
	s = answering(t, `cd "$(dirname "$0")" || exit 9
case "$1" in
image) name="image.$(echo "$5" | tr / _)"; [ -e "$name" ] && echo "sha256:$5" || exit 1;;
images) for f in image.*; do [ -e "$f" ] && echo "${f#image.}" | sed 's,_,/,'; done; true;;
pull) exit 0;;
build) while [ "$1" != --tag ]; do shift; done; tag=$2
`+script+`
touch "image.$(echo "$tag" | tr / _)";;
esac`)
	s.Logs = filepath.Join(s.Dir, "logs")
	return s, s.Dir
}

func runnersNamed(t *testing.T, names ...string) (ms []manifest.Manifest) {
	t.Helper()
	for _, name := range names {
		m, _ := named(t, name)
		ms = append(ms, m)
	}
	return ms
}

func TestImagesAreBuiltSeveralAtOnce(t *testing.T) {
	// Each builder waits until it has seen another one, and tells of a third.
	s, dir := scriptedBuilds(t, `echo "$tag" >> built; mkdir "at-work.$$"
for i in $(seq 200); do
  n=$(ls -d at-work.* | wc -l); [ "$n" -gt 2 ] && touch too-many; [ "$n" -eq 2 ] && touch met
  [ -e met ] && break; sleep 0.05
done
sleep 0.02; rmdir "at-work.$$"
case "$tag" in *mxnet-packages*) echo "no matching distribution" >&2; exit 7;; esac`)
	s.Jobs = 2
	s.Timeline = timeline.New(filepath.Join(dir, "times"), time.Now)
	ms := runnersNamed(t, "reference", "jax", "keras-jax", "mxnet", "keras-tensorflow", "tensorflow")
	done := map[string]Built{}
	if err := s.EnsureAll(t.Context(), ms, func(i int, b Built) { done[ms[i].Name] = b }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "met")); err != nil {
		t.Error("no two builders worked at once")
	}
	if _, err := os.Stat(filepath.Join(dir, "too-many")); err == nil {
		t.Error("more than two builders worked at once")
	}
	for _, m := range ms {
		b := done[m.Name]
		want, err := Reference(m)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name == "mxnet" {
			if b.Err == nil || !strings.Contains(b.Err.Error(), "no matching distribution") {
				t.Errorf("mxnet: %v", b.Err)
			}
		} else if b.Err != nil || b.Reference != want || b.ID != want {
			t.Errorf("%s: %+v, want %s", m.Name, b, want)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "built"))
	if err != nil {
		t.Fatal(err)
	}
	tags := strings.Fields(string(data))
	slices.Sort(tags)
	if n := len(slices.Compact(tags)); n != len(strings.Fields(string(data))) || n != 11 {
		t.Errorf("%d layers were built, of them %d different; want 11:\n%s", len(strings.Fields(string(data))), n, data)
	}
	steps, err := timeline.Read(filepath.Join(dir, "times"))
	if err != nil || len(steps) != 11 {
		t.Fatalf("the log of times has %d steps, %v", len(steps), err)
	}
	for _, step := range steps {
		if bad := strings.Contains(step.Name, "install mxnet"); (step.Error != "") != bad {
			t.Errorf("%+v", step)
		}
	}
	logs, err := filepath.Glob(filepath.Join(s.Logs, "*.log"))
	if err != nil || len(logs) != 11 {
		t.Errorf("builders share files: %v, %v", logs, err)
	}
}

func TestAnEndStopsAllBuilders(t *testing.T) {
	s, dir := scriptedBuilds(t, `case "$tag" in *base-python*) ;; *) echo $$ >> builders; sleep 300 & echo $! >> builders; wait;; esac`)
	s.Jobs = 2
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if data, err := os.ReadFile(filepath.Join(dir, "builders")); err == nil && len(strings.Fields(string(data))) == 4 {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	ms := runnersNamed(t, "reference", "jax", "mxnet", "onnxruntime")
	err := s.EnsureAll(ctx, ms, func(i int, b Built) {
		if !errors.Is(b.Err, context.Canceled) {
			t.Errorf("%s: %v", ms[i].Name, b.Err)
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the end is %v", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "builders"))
	if err != nil || len(strings.Fields(string(data))) != 4 {
		t.Fatalf("builders: %q, %v", data, err)
	}
	for _, pid := range strings.Fields(string(data)) {
		for range 200 {
			if exec.Command("kill", "-0", pid).Run() != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if exec.Command("kill", "-0", pid).Run() == nil {
			t.Errorf("process %s of a builder goes on", pid)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "context-*")); err != nil || len(left) > 0 {
		t.Errorf("contexts are left: %v, %v", left, err)
	}
}

func TestTheOrderOfBuilding(t *testing.T) {
	ms := runnersNamed(t, "reference", "pytorch", "tensorflow", "jax", "onnxruntime", "mxnet", "keras-jax", "keras-pytorch", "keras-tensorflow", "dl4j", "cntk", "caffe", "caffe2")
	order, err := Order(ms)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range order {
		names = append(names, ms[i].Name)
	}
	if want := []string{"reference", "mxnet", "onnxruntime", "jax", "keras-jax", "keras-pytorch", "pytorch", "dl4j"}; !slices.Equal(names[:len(want)], want) {
		t.Errorf("the order is %v, want %v first", names, want)
	}
	slices.Sort(order)
	if len(slices.Compact(order)) != len(ms) {
		t.Errorf("not every one once: %v", names)
	}
}

func TestEveryLayerHasItsCost(t *testing.T) {
	known, err := costs()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range builds(t) {
		r, err := recipeOf(m)
		if err != nil {
			t.Fatal(err)
		}
		names := []string{"base-" + r.base.name, r.adapter.context}
		if r.build != nil {
			names = append(names, "base-"+r.build.name)
		}
		for _, l := range r.packages {
			names = append(names, l.context)
		}
		for _, name := range names {
			used[name] = true
			if c, ok := known[name]; !ok || c.Seconds <= 0 {
				t.Errorf("docker/costs.json has %+v for %s of %s", c, name, m.Name)
			}
		}
	}
	for name := range known {
		if !used[name] {
			t.Errorf("docker/costs.json has %s, which no runner needs", name)
		}
	}
}

// The time that is left follows the pace so far, and what cannot be built is
// not waited for.
func TestTheShareThatIsBuilt(t *testing.T) {
	s, dir := scriptedBuilds(t, `case "$tag" in *reference-packages*) exit 1;; esac`)
	said := &told{}
	s.Progress = said
	ms := runnersNamed(t, "reference", "onnxruntime")
	var shares []float64
	if err := s.EnsureAll(t.Context(), ms, func(int, Built) {
		share, _ := s.tally.progress()
		shares = append(shares, share)
	}); err != nil {
		t.Fatal(err)
	}
	c, err := costs()
	if err != nil {
		t.Fatal(err)
	}
	adapter := c["adapter/python"].Seconds
	all := c["base-python"].Seconds + c["reference"].Seconds + c["onnxruntime"].Seconds + 2*adapter
	if len(shares) != 2 || fmt.Sprintf("%.6f", shares[1]) != fmt.Sprintf("%.6f", 1-adapter/all) {
		t.Errorf("the shares are %v in %s", shares, dir)
	}
	if docker.Costs == nil {
		t.Error("no costs are embedded")
	}
}

// What is built in two goes is one whole for who watches.
func TestTheShareIsOneOfAllThatIsExpected(t *testing.T) {
	s, _ := scriptedBuilds(t, "")
	s.Progress = &told{}
	ms := runnersNamed(t, "reference", "onnxruntime")
	s.Expect(t.Context(), ms)
	var shares []float64
	for _, m := range ms {
		if err := s.EnsureAll(t.Context(), []manifest.Manifest{m}, func(int, Built) {
			share, _ := s.tally.progress()
			shares = append(shares, share)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(shares) != 2 || shares[0] <= 0.5 || shares[0] >= 1 || shares[1] != 1 {
		t.Errorf("the shares are %v", shares)
	}
}
