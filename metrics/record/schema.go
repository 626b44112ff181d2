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

// schemaName is absolute: a relative one is looked for in the working directory,
// which may be gone.
const schemaName = "file:///result.schema.json"

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

// checkSchema validates decoded JSON; problem is "" when it is valid, and else
// the one that comes first in the file: the validator finds them in no order.
// Long lists of the tree are shortened. It holds numbers as float64: as text, a number like 1e-999999999 would
// cost the validator minutes.
func checkSchema(data []byte, tree any) (at path, problem string) {
	schema, err := compiled()
	if err != nil {
		return nil, fmt.Sprintf("the schema in this program is broken: %v", err)
	}
	thinned(tree)
	failure := schema.Validate(tree)
	if failure == nil {
		return nil, ""
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(failure, &invalid) {
		return nil, failure.Error()
	}
	problems := map[string]string{}
	gather(invalid, message.NewPrinter(language.English), problems)
	if at = firstOf(data, problems); problems[at.key()] == "" {
		return nil, "is not a record: " + failure.Error() // a place that the file does not have
	}
	return at, problems[at.key()]
}

// gather keeps a problem for each place; of several at one place, the first by
// the alphabet.
func gather(e *jsonschema.ValidationError, english *message.Printer, problems map[string]string) {
	for _, cause := range e.Causes {
		gather(cause, english, problems)
	}
	if len(e.Causes) > 0 {
		return
	}
	key, text := path(e.InstanceLocation).key(), e.ErrorKind.LocalizedString(english)
	if old, known := problems[key]; !known || text < old {
		problems[key] = text
	}
}
