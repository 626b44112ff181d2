package protocol_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dlbench/dlbench/runners/protocol"
)

var update = flag.Bool("update", false, "write messages.schema.json from the types")

// The schema file is for people who write runners in other languages; it says
// what the Go types say.
const schemaFile = "messages.schema.json"

var messages = map[string]any{
	"request": protocol.Request{}, "reply": protocol.Reply{}, "error": protocol.Error{},
	"hello.params": protocol.HelloParams{}, "hello.result": protocol.HelloResult{},
	"load.params": protocol.LoadParams{}, "load.result": protocol.LoadResult{},
	"verify.params": protocol.VerifyParams{}, "verify.result": protocol.VerifyResult{},
	"warmup.params": protocol.WarmupParams{}, "warmup.result": protocol.WarmupResult{},
	"measure.params": protocol.MeasureParams{}, "measure.result": protocol.MeasureResult{},
	"bare.params": protocol.LoadParams{}, "bare.result": protocol.BareResult{},
	"alternate.params": protocol.AlternateParams{}, "alternate.result": protocol.AlternateResult{},
}

func TestSchemaFollowsTheTypes(t *testing.T) {
	definitions := map[string]any{}
	for name, message := range messages {
		definitions[name] = describe(reflect.TypeOf(message))
	}
	want, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "dlbench runner protocol, version 1: one definition a message",
		"$defs":   definitions,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s does not say what the types say: go test ./runners/protocol -update", schemaFile)
	}
}

// describe translates a type; what may be omitted is not required, and fields
// of later versions are allowed.
func describe(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return describe(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": describe(t.Elem())}
	case reflect.Slice:
		if t == reflect.TypeFor[json.RawMessage]() {
			return map[string]any{"type": "object"}
		}
		return map[string]any{"type": "array", "items": describe(t.Elem())}
	}
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		properties[name] = describe(t.Field(i).Type)
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

func TestSchemaTellsMessagesApart(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("s.json", document); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		definition, text string
		valid            bool
	}{
		{"measure.result", `{"start_ns":1,"end_ns":2,"output_digest":"d","later":true}`, true},
		{"measure.result", `{"start_ns":1,"output_digest":"d"}`, false},
		{"measure.result", `{"start_ns":"1","end_ns":2,"output_digest":"d"}`, false},
		{"warmup.result", `{"iteration_ns":[1,2]}`, true},
		{"warmup.result", `{"iteration_ns":[1.5]}`, false},
		{"error", `{"code":"unsupported","message":"LRN"}`, true},
	} {
		schema, err := compiler.Compile("s.json#/$defs/" + test.definition)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(test.text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance); (err == nil) != test.valid {
			t.Errorf("%s %s: %v", test.definition, test.text, err)
		}
	}
}
