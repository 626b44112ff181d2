package network

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// MarshalJSON writes attributes in the order of their names. A float always
// has a point or an exponent, so that a reader can tell it from an integer.
func (a Attributes) MarshalJSON() ([]byte, error) {
	names := make([]string, 0, len(a))
	for name := range a {
		names = append(names, name)
	}
	slices.Sort(names)
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := encodeAttribute(a[name])
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", name, err)
		}
		fmt.Fprintf(&b, "%s:%s", strconv.Quote(name), value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func encodeAttribute(value any) ([]byte, error) {
	f, isFloat := value.(float64)
	if !isFloat {
		return json.Marshal(value)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v is not a number that JSON has", f)
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return []byte(text), nil
}

// UnmarshalJSON reads ints, floats, strings and lists of ints; nothing else is
// an attribute here.
func (a *Attributes) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	out := make(Attributes, len(raw))
	for name, text := range raw {
		value, err := decodeAttribute(text)
		if err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
		out[name] = value
	}
	*a = out
	return nil
}

func decodeAttribute(text json.RawMessage) (any, error) {
	switch {
	case len(text) == 0:
		return nil, fmt.Errorf("it is empty")
	case text[0] == '"':
		var s string
		err := json.Unmarshal(text, &s)
		return s, err
	case text[0] == '[':
		list := []int{}
		err := json.Unmarshal(text, &list)
		return list, err
	case bytes.ContainsAny(text, ".eE") && text[0] != 't' && text[0] != 'f':
		var f float64
		err := json.Unmarshal(text, &f)
		return f, err
	default:
		var i int
		err := json.Unmarshal(text, &i)
		return i, err
	}
}

// Int is the integer attribute of that name; Check has seen that it is there.
func (a Attributes) Int(name string) int {
	i, _ := a[name].(int)
	return i
}

// Ints is the list attribute of that name.
func (a Attributes) Ints(name string) []int {
	list, _ := a[name].([]int)
	return list
}

// Float is the float attribute of that name.
func (a Attributes) Float(name string) float64 {
	f, _ := a[name].(float64)
	return f
}
