package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"unicode/utf8"
)

// Read reads result.json. A file that is not a valid record gives an
// *InvalidError of one line that names the file, the place and what was
// expected.
func Read(path string) (*Record, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a record: %w", err)
	}
	return Decode(path, data)
}

// Decode reads a record from memory; name stands for the file in errors.
// Unknown fields are ignored, so that a later program may add some without a
// new schema version. An overall without a mode, which pooled inference and
// training, is left out: package summary makes it anew.
func Decode(name string, data []byte) (*Record, error) {
	if !utf8.Valid(data) {
		return nil, &InvalidError{File: name, Problem: "is not UTF-8 text: expected the result.json that dlbench run writes"}
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		return nil, broken(name, data, err)
	}
	if err := checkVersion(name, data, tree); err != nil {
		return nil, err
	}
	if at, problem := checkSchema(data, tree); problem != "" {
		return nil, invalidAt(name, data, at.offset(data), located(at, problem))
	}
	r := new(Record)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, broken(name, data, err)
	}
	quoteTexts(reflect.ValueOf(r).Elem())
	var invalid *problemError
	r.Overall = slices.DeleteFunc(r.Overall, func(o Overall) bool { return o.Mode == "" })
	if err := r.Validate(); errors.As(err, &invalid) {
		return nil, invalidAt(name, data, invalid.at.offset(data), err.Error())
	}
	return r, nil
}

// broken gives a decoder's error its place in the file.
func broken(name string, data []byte, err error) error {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case len(data) == 0:
		return &InvalidError{File: name, Problem: "is empty: expected the result.json that dlbench run writes"}
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(data)) && syntax.Error() == "unexpected end of JSON input":
		return invalidAt(name, data, int64(len(data)), "the JSON ends in the middle: the file was cut short; take another copy or measure again")
	case errors.As(err, &syntax):
		return invalidAt(name, data, syntax.Offset-1, "broken JSON: "+syntax.Error())
	case errors.As(err, &mistyped):
		problem := fmt.Sprintf("expected a value that fits %s, got %s", mistyped.Type, mistyped.Value)
		if mistyped.Field != "" {
			problem = mistyped.Field + ": " + problem
		}
		return invalidAt(name, data, mistyped.Offset-1, problem)
	default:
		return &InvalidError{File: name, Problem: err.Error()}
	}
}

// checkVersion refuses what a later program wrote before anything else is
// said about it.
func checkVersion(name string, data []byte, tree any) error {
	top, ok := tree.(map[string]any)
	if !ok {
		return invalidAt(name, data, path{}.offset(data), "expected a JSON object, the result.json that dlbench run writes")
	}
	version, ok := top["schema_version"].(float64)
	at := path{"schema_version"}.offset(data)
	switch {
	case !ok:
		return invalidAt(name, data, at, "expected a record with a whole number as schema_version: this is not a result.json of dlbench")
	case version > SchemaVersion:
		return invalidAt(name, data, at, fmt.Sprintf("schema_version %v was written by a later dlbench; this one reads up to %d: use the later one", version, SchemaVersion))
	case version != SchemaVersion:
		return invalidAt(name, data, at, fmt.Sprintf("schema_version %v is unknown: expected %d", version, SchemaVersion))
	}
	return nil
}

func located(at path, problem string) string {
	if len(at) == 0 {
		return problem
	}
	return at.String() + ": " + problem
}
