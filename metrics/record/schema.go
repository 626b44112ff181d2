package record

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// SchemaJSON is the JSON Schema (draft 2020-12) of result.json, every field
// described.
//
//go:embed result.schema.json
var SchemaJSON []byte

const schemaName = "result.schema.json"

// compiled is the schema, compiled once. It cannot fail at run time other than
// in every run: the schema is part of the program, and a test compiles it.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(SchemaJSON))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(schemaName, document); err != nil {
		return nil, err
	}
	return c.Compile(schemaName)
})

// checkSchema validates decoded JSON; problem is "" when it is valid. The tree
// holds numbers as float64: as text, a number like 1e-999999999 would cost the
// validator minutes.
func checkSchema(tree any) (at path, problem string) {
	schema, err := compiled()
	if err != nil {
		return nil, fmt.Sprintf("the schema in this program is broken: %v", err)
	}
	failure := schema.Validate(tree)
	if failure == nil {
		return nil, ""
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(failure, &invalid) {
		return nil, failure.Error()
	}
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	return invalid.InstanceLocation, invalid.ErrorKind.LocalizedString(message.NewPrinter(language.English))
}
