package suite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dlbench/dlbench/workloads/catalog"
	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/plan"
)

// mostBytes is far beyond any list that a person writes.
const mostBytes = 1 << 20

// Profiles are the measuring profiles that a suite may name.
var profiles = []string{"quick", "report", "gate"}

// Read reads a suite's file. Networks that are ONNX files are added to the
// catalog; their paths are relative to the suite's. An error is one line with
// the file, the line in it, and what is wrong there. Threads is what "all" of
// them is.
func Read(path string, c *catalog.Catalog, threads int) (Suite, error) {
	file, err := os.Open(path)
	if err != nil {
		return Suite{}, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err != nil {
		return Suite{}, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > mostBytes {
		return Suite{}, fmt.Errorf("%s: a suite has at most %d bytes", path, mostBytes)
	}
	s, err := parse(data, filepath.Dir(path), c, threads)
	if err != nil {
		return Suite{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// IsFile says whether a suite's name is that of a file.
func IsFile(name string) bool {
	return strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func parse(data []byte, folder string, c *catalog.Catalog, threads int) (Suite, error) {
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return Suite{}, fmt.Errorf("line 1: the file is empty")
		}
		return Suite{}, fmt.Errorf("not YAML: %s", strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: "))
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return Suite{}, fmt.Errorf("a suite is one document, more follow")
	}
	r := reader{folder: folder, catalog: c, threads: threads, wanted: []int{0}, suite: Suite{Profile: "report"}}
	var groups *yaml.Node
	err := r.fields(document.Content[0], map[string]func(*yaml.Node) error{
		"name":        r.text(&r.suite.Name),
		"description": r.text(&r.suite.Description),
		"profile":     r.choice(&r.suite.Profile, "profile", profiles),
		"runners":     r.texts(&r.suite.Runners),
		"scenarios":   r.scenarioNames,
		"volume":      r.volume,
		"overlap":     r.overlap,
		"threads":     r.threadCounts(&r.wanted),
		"min_change":  r.changes,
		"workloads":   func(n *yaml.Node) error { groups = n; return nil },
	}, "name", "workloads")
	if err == nil {
		err = r.groups(groups) // after the rest, which has what groups leave out
	}
	if err == nil {
		err = r.changesAreOfWorkloads()
	}
	if err == nil {
		err = r.windowIsWhole()
	}
	return r.suite, err
}

// reader goes through a document and keeps what it finds.
type reader struct {
	folder  string
	catalog *catalog.Catalog
	threads int   // that this machine has
	wanted  []int // numbers of threads of groups that name none
	changed []named
	window  windowFields
	suite   Suite
}

func at(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %w", n.Line, fmt.Errorf(format, args...))
}

// fields reads a mapping; every key is known and there once, and the wanted
// ones are there.
func (r *reader) fields(n *yaml.Node, known map[string]func(*yaml.Node) error, wanted ...string) error {
	if n.Kind != yaml.MappingNode {
		return at(n, "expected fields, like name: mine")
	}
	seen := map[string]bool{}
	for k := 0; k < len(n.Content); k += 2 {
		key, value := n.Content[k], n.Content[k+1]
		read, ok := known[key.Value]
		if !ok {
			all := make([]string, 0, len(known))
			for name := range known {
				all = append(all, name)
			}
			slices.Sort(all)
			return at(key, "%w", names.Unknown("field", key.Value, all))
		}
		if seen[key.Value] {
			return at(key, "%s is there twice", key.Value)
		}
		seen[key.Value] = true
		if err := read(value); err != nil {
			return err
		}
	}
	for _, name := range wanted {
		if !seen[name] {
			return at(n, "%s is missing", name)
		}
	}
	return nil
}

func scalar(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", at(n, "expected one word or number")
	}
	return n.Value, nil
}

func (r *reader) text(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) (err error) {
		*into, err = scalar(n)
		return err
	}
}

func (r *reader) choice(into *string, kind string, known []string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		text, err := scalar(n)
		if err == nil && !slices.Contains(known, text) {
			err = at(n, "%w", names.Unknown(kind, text, known))
		}
		*into = text
		return err
	}
}

// items reads a list; one item may stand without brackets.
func items(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

func (r *reader) texts(into *[]string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		for _, item := range items(n) {
			text, err := scalar(item)
			if err != nil {
				return err
			}
			*into = append(*into, text)
		}
		return nil
	}
}

func (r *reader) choices(into *[]string, kind string, known []string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		*into = nil
		for _, item := range items(n) {
			var text string
			if err := r.choice(&text, kind, known)(item); err != nil {
				return err
			}
			*into = append(*into, text)
		}
		return nil
	}
}

// group is workloads of all combinations: each network in each mode, batch,
// precision and number of threads.
type group struct {
	networks   []*yaml.Node
	modes      []string
	batches    []*yaml.Node
	precisions []string
	threads    []int // 0 is those of the run
}

func (r *reader) groups(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return at(n, "expected a list of groups, each with networks and batches")
	}
	for _, item := range n.Content {
		g := group{modes: []string{string(plan.Infer)}, precisions: []string{plan.FP32}, threads: r.wanted}
		list := func(into *[]*yaml.Node) func(*yaml.Node) error {
			return func(n *yaml.Node) error {
				*into = items(n)
				return nil
			}
		}
		err := r.fields(item, map[string]func(*yaml.Node) error{
			"networks":   list(&g.networks),
			"modes":      r.choices(&g.modes, "mode", []string{string(plan.Infer), string(plan.Train)}),
			"batches":    list(&g.batches),
			"precisions": r.choices(&g.precisions, "precision", plan.Precisions()),
			"threads":    r.threadCounts(&g.threads),
		}, "networks", "batches")
		if err != nil {
			return err
		}
		if err := r.expand(g); err != nil {
			return err
		}
	}
	return nil
}

// mostCombinations is more than anybody measures.
const mostCombinations = 1000

func (r *reader) expand(g group) error {
	if n := len(g.networks) * len(g.modes) * len(g.batches) * len(g.precisions) * len(g.threads); n > mostCombinations && len(g.batches) > 0 {
		return at(g.batches[0], "there are %d combinations, a group has at most %d", n, mostCombinations)
	}
	for _, n := range g.networks {
		network, err := r.network(n)
		if err != nil {
			return err
		}
		for _, mode := range g.modes {
			for _, batch := range g.batches {
				for _, precision := range g.precisions {
					if err := r.add(n, batch, plan.ID{Network: network, Mode: plan.Mode(mode), Precision: precision}, g.threads); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// add adds a workload for each number of threads.
func (r *reader) add(network, batch *yaml.Node, of plan.ID, threads []int) error {
	size, err := scalar(batch)
	if err != nil {
		return err
	}
	if v, err := strconv.Atoi(size); err != nil || v < 1 || v > 999_999 {
		return at(batch, "batch %q, expected a whole number from 1 to 999999", size)
	}
	id, err := r.catalog.ParseID(fmt.Sprintf("%s/%s/b%s/%s", of.Network, of.Mode, strings.TrimLeft(size, "0+"), of.Precision))
	if err != nil {
		return at(network, "%w", err)
	}
	for _, id.Threads = range threads {
		if slices.Contains(r.suite.Workloads, id) {
			return at(network, "workload %s is there twice", id)
		}
		r.suite.Workloads = append(r.suite.Workloads, id)
	}
	return nil
}

// network is a name of the zoo, an ONNX file's path, or a file with what it
// leaves open.
func (r *reader) network(n *yaml.Node) (string, error) {
	if n.Kind == yaml.ScalarNode {
		text, err := scalar(n)
		if err != nil || !strings.HasSuffix(text, ".onnx") {
			return text, err
		}
		return r.onnx(n, text, nil, catalog.ByMode)
	}
	var file, input, source string
	err := r.fields(n, map[string]func(*yaml.Node) error{"file": r.text(&file), "input": r.text(&input), "weights": r.text(&source)}, "file")
	if err != nil {
		return "", err
	}
	weights, err := catalog.ParseWeights(source)
	if err != nil {
		return "", at(n, "%w", err)
	}
	var shape []int
	if input != "" {
		if shape, err = ParseInput(input); err != nil {
			return "", at(n, "%w", err)
		}
	}
	return r.onnx(n, file, shape, weights)
}

func (r *reader) onnx(n *yaml.Node, path string, input []int, weights catalog.WeightsSource) (string, error) {
	path = r.beside(path)
	for _, f := range r.catalog.Files() { // a file may be in more than one group
		if samePath(f.Path, path) && slices.Equal(f.Input, input) && f.Weights == weights {
			return f.Name, nil
		}
	}
	f, err := r.catalog.Add(path, input, weights)
	if err != nil {
		return "", at(n, "%w", err)
	}
	return f.Name, nil
}

// beside is a path as the suite has it: relative to its own folder.
func (r *reader) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.folder, path)
}

// samePath says whether two paths lead to one place by their names.
func samePath(a, b string) bool {
	if a == b {
		return true
	}
	fullA, errA := filepath.Abs(a)
	fullB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && fullA == fullB
}

var inputForm = regexp.MustCompile(`^[1-9][0-9]{0,5}(x[1-9][0-9]{0,5}){2,3}$`)

// ParseInput reads an image's shape, 3x224x224, or a volume's: 1x64x128x128.
func ParseInput(text string) ([]int, error) {
	if !inputForm.MatchString(text) {
		return nil, fmt.Errorf("input %q, expected channels, height and width, like 3x224x224, or channels, depth, height and width of volumes, like 1x64x128x128", text)
	}
	var shape []int
	for _, extent := range strings.Split(text, "x") {
		n, _ := strconv.Atoi(extent)
		shape = append(shape, n)
	}
	return shape, nil
}
