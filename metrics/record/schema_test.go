package record_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// node is the part of JSON Schema that result.schema.json uses.
type node struct {
	Ref         string           `json:"$ref"`
	Description string           `json:"description"`
	Type        string           `json:"type"`
	Format      string           `json:"format"`
	Enum        []string         `json:"enum"`
	Required    []string         `json:"required"`
	Properties  map[string]*node `json:"properties"`
	Additional  *node            `json:"additionalProperties"`
	Items       *node            `json:"items"`
	Defs        map[string]*node `json:"$defs"`
}

func schema(t *testing.T) *node {
	t.Helper()
	root := new(node)
	if err := json.Unmarshal(record.SchemaJSON, root); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestSchemaAgreesWithTypes walks the Go types and the schema together: every
// field of a struct is a described property and every property a field, a
// field without omitempty is required, and the types are the same.
func TestSchemaAgreesWithTypes(t *testing.T) {
	root := schema(t)
	w := &walk{t: t, root: root, used: map[string]bool{}}
	w.same("result", reflect.TypeFor[record.Record](), root)
	for name := range root.Defs {
		if !w.used[name] {
			t.Errorf("$defs/%s is used by no type", name)
		}
	}
}

type walk struct {
	t    *testing.T
	root *node
	used map[string]bool
}

func (w *walk) same(at string, typ reflect.Type, n *node) {
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		w.used[name] = true
		if n = w.root.Defs[name]; n == nil {
			w.t.Fatalf("%s: $defs/%s is missing", at, name)
		}
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	want := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Float64: "number", reflect.Int: "integer",
		reflect.Int64: "integer", reflect.Uint64: "integer", reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object"}[typ.Kind()]
	if typ == reflect.TypeFor[time.Time]() {
		if n.Type != "string" || n.Format != "date-time" {
			w.t.Errorf("%s: the schema says %s %s for a time", at, n.Type, n.Format)
		}
		return
	}
	if n.Type != want {
		w.t.Errorf("%s: the schema says %q, Go says %s", at, n.Type, typ)
		return
	}
	switch typ.Kind() {
	case reflect.Slice:
		w.same(at+"[]", typ.Elem(), n.Items)
	case reflect.Map:
		w.same(at+"{}", typ.Elem(), n.Additional)
	case reflect.Struct:
		w.sameFields(at, typ, n)
	}
}

func (w *walk) sameFields(at string, typ reflect.Type, n *node) {
	var fields, required []string
	for i := range typ.NumField() {
		name, option, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		fields = append(fields, name)
		if option != "omitempty" {
			required = append(required, name)
		}
		property := n.Properties[name]
		if property == nil {
			w.t.Errorf("%s.%s is not in the schema", at, name)
			continue
		}
		if !strings.HasSuffix(property.Description, ".") {
			w.t.Errorf("%s.%s is not described by a sentence: %q", at, name, property.Description)
		}
		w.same(at+"."+name, typ.Field(i).Type, property)
	}
	if got := slices.Sorted(maps.Keys(n.Properties)); !slices.Equal(got, slices.Sorted(slices.Values(fields))) {
		w.t.Errorf("%s: the schema has the properties %v, Go has %v", at, got, fields)
	}
	if got := slices.Sorted(slices.Values(n.Required)); !slices.Equal(got, slices.Sorted(slices.Values(required))) {
		w.t.Errorf("%s: the schema requires %v, Go always writes %v", at, got, required)
	}
}

// TestSchemaKnowsTheStates holds the schema's lists of words against the
// constants that programs use.
func TestSchemaKnowsTheStates(t *testing.T) {
	root := schema(t)
	for name, tt := range map[string]struct {
		n    *node
		want []string
	}{
		"record":     {root.Properties["status"], []string{record.Complete, record.Interrupted, record.Running}},
		"cell":       {root.Defs["cell"].Properties["status"], []string{record.Measured, record.NotRanked, record.Unsupported, record.Failed, record.Pending}},
		"parity":     {root.Defs["parity"].Properties["status"], []string{record.ParityPassed, record.ParityFailed, record.ParitySkipped, record.ParityUnsupported, record.ParityError}},
		"process":    {root.Defs["process"].Properties["status"], []string{record.Measured, record.Failed}},
		"block":      {root.Defs["block"].Properties["scenario"], []string{record.Offline, record.SingleStream, record.MultiStream, record.Server, record.SlidingWindow, record.Train}},
		"comparison": {root.Defs["comparison"].Properties["verdict"], []string{record.Faster, record.Slower, record.Indistinguishable, record.TooFew}},
	} {
		if !slices.Equal(tt.n.Enum, tt.want) {
			t.Errorf("%s: the schema lists %v, expected %v", name, tt.n.Enum, tt.want)
		}
	}
}
