package plan_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/zoo"
)

func encode(t testing.TB, p *plan.Plan) []byte {
	t.Helper()
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadIsTheInverseOfEncode(t *testing.T) {
	for _, name := range []string{"lenet/train/b2/fp32", "resnet50/infer/b1/fp32"} {
		want := mustMake(t, name, 1<<63+5)
		path := filepath.Join(t.TempDir(), "plan.json")
		if err := os.WriteFile(path, encode(t, want), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := plan.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s changed on its way through a file", name)
		}
		before, err := want.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if after, err := got.Digest(); err != nil || after != before {
			t.Errorf("digest %s became %s, %v", before, after, err)
		}
	}
}

func TestReadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, []byte("{\n \"schema_version\": 1,\n \"batch\": \"x\"\n}"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := plan.Read(path)
	if err == nil || !strings.Contains(err.Error(), path+": line 3, column 1") || !strings.Contains(err.Error(), "batch") {
		t.Errorf("got %v", err)
	}
	if _, err := plan.Read(path + "x"); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

// edit changes the JSON of a good plan.
type edit struct {
	name string
	path []any // keys and indices
	to   any   // nil removes
	want string
	// schemaToo: the JSON Schema refuses it as well.
	schemaToo bool
}

var edits = []edit{
	{"later version", []any{"schema_version"}, 2, "schema_version is 2, this dlbench reads 1", true},
	{"no version", []any{"schema_version"}, nil, "schema_version is 0", true},
	{"unknown field", []any{"colour"}, "red", `unknown field "colour"`, true},
	{"mode", []any{"mode"}, "test", `mode is "test"`, true},
	{"batch", []any{"batch"}, 3, "batch is 3, expected the 2 of the network's input", false},
	{"precision", []any{"precision"}, "fp8", `precision is "fp8"`, true},
	{"slots", []any{"slots"}, 0, "slots is 0, expected 1 to 64", true},
	{"classes", []any{"classes"}, 11, "classes is 11, the logits are [2 10]", false},
	{"no name", []any{"workload"}, "", "the plan has no name", true},
	{"no training", []any{"training"}, nil, "mode train and the field training do not go together", true},
	{"loss", []any{"training", "loss"}, "mse", `training.loss is "mse", expected one of ["softmax_cross_entropy"`, true},
	{"rate", []any{"training", "optimizer", "learning_rate"}, 0, "learning_rate is 0", true},
	{"momentum", []any{"training", "optimizer", "momentum"}, 1, "momentum is 1", true},
	{"decay", []any{"training", "optimizer", "weight_decay"}, 0.1, "weight_decay 0", true},
	{"dropout", []any{"training", "dropout"}, "on", `training.dropout is "on"`, true},
	{"opset", []any{"network", "opset"}, 18, `network "lenet": opset 18, wants 17`, true},
	{"operator", []any{"network", "nodes", 0, "op"}, "Convolution", `network "lenet": node "conv1": unknown operator "Convolution"`, true},
	{"attribute", []any{"network", "nodes", 0, "attributes", "pads"}, nil, `node "conv1": attribute "pads" is missing`, true},
	{"attribute type", []any{"network", "nodes", 0, "attributes", "group"}, "one", `node "conv1": attribute "group": string "one", wants an int`, true},
	{"shape", []any{"network", "nodes", 0, "shape"}, []int{2, 6, 28, 27}, `node "conv1": shape is stated as [2 6 28 27] and is [2 6 28 28]`, false},
	{"role", []any{"network", "parameters", 0, "role"}, "frozen", `parameter "conv1.weight": role "frozen"`, true},
	{"init", []any{"network", "parameters", 0, "init", "kind"}, "zeros", `parameter "conv1.weight": init: kind "zeros"`, true},
	{"first output", []any{"network", "outputs", 0}, "relu4", `nothing uses its output "logits"`, true},
	{"dangling input", []any{"network", "nodes", 1, "inputs", 0}, "conv9", `node "relu1": input 0: "conv9" is neither a parameter nor an output of an earlier node`, false},
}

func (e edit) apply(t *testing.T, good []byte) []byte {
	t.Helper()
	var root any
	d := json.NewDecoder(bytes.NewReader(good))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		t.Fatal(err)
	}
	at := root
	for _, step := range e.path[:len(e.path)-1] {
		switch key := step.(type) {
		case string:
			at = at.(map[string]any)[key]
		case int:
			at = at.([]any)[key]
		}
	}
	switch last := e.path[len(e.path)-1].(type) {
	case string:
		if e.to == nil {
			delete(at.(map[string]any), last)
		} else {
			at.(map[string]any)[last] = e.to
		}
	case int:
		at.([]any)[last] = e.to
	}
	data, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDecodeRefuses(t *testing.T) {
	good, schema := encode(t, mustMake(t, "lenet/train/b2/fp32", 1)), compile(t)
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			bad := e.apply(t, good)
			_, err := plan.Decode(bad)
			if err == nil || !strings.Contains(err.Error(), e.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, e.want)
			}
			if refused := validate(t, schema, bad) != nil; refused != e.schemaToo {
				t.Errorf("the schema refuses: %v, want %v", refused, e.schemaToo)
			}
		})
	}
}

func TestDecodeRefusesBrokenJSON(t *testing.T) {
	good := encode(t, mustMake(t, "lenet/infer/b1/fp32", 1))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":     {nil, "line 1, column 1: not a plan: EOF"},
		"truncated": {good[:len(good)/2], "not a plan: unexpected EOF"},
		"more":      {append(bytes.Clone(good), "{}"...), "something follows its end"},
		"array":     {[]byte("[]"), "line 1, column 1: not a plan: json: cannot unmarshal array"},
	} {
		if _, err := plan.Decode(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(plan.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("plan.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, data []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(document)
}

// Every plan that dlbench makes is one that its schema describes and that it
// reads back: the zoo in both modes, and every operator case.
func TestRealPlansFitTheSchema(t *testing.T) {
	schema := compile(t)
	check := func(name string, p *plan.Plan) {
		t.Helper()
		data := encode(t, p)
		if err := validate(t, schema, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := plan.Decode(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range zoo.Names() {
		for _, mode := range []plan.Mode{plan.Infer, plan.Train} {
			p, err := plan.New(plan.ID{Network: name, Mode: mode, Batch: 2, Precision: "fp32"}, 1)
			if err != nil {
				t.Fatal(err)
			}
			check(name, p)
		}
	}
	all, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		check(c.Name, c.Plan)
	}
}

// FuzzDecode: whatever the bytes, Decode returns; what it accepts has one
// encoding.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, mustMake(f, "lenet/train/b2/fp32", 1)))
	f.Add([]byte(`{"schema_version":1,"network":{"name":"n","opset":17,"input":{"name":"i","shape":[1,1,1,1]},"nodes":[{"name":"a","op":"Clip","inputs":["i"],"output":"o","attributes":{"min":-1.0,"max":1e0}}],"outputs":["o"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := plan.Decode(data)
		if err != nil {
			return
		}
		first := encode(t, p)
		again, err := plan.Decode(first)
		if err != nil {
			t.Fatalf("what was accepted is refused when written: %v", err)
		}
		if !bytes.Equal(first, encode(t, again)) {
			t.Fatal("two encodings of one plan")
		}
	})
}
