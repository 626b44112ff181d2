package network

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Int returns the attribute as an int; Check has made sure that it is one.
func (a Attributes) Int(name string) int {
	v, _ := a[name].(int)
	return v
}

// Float returns the attribute as a float64; Check has made sure that it is one.
func (a Attributes) Float(name string) float64 {
	v, _ := a[name].(float64)
	return v
}

// String returns the attribute as a string; Check has made sure that it is one.
func (a Attributes) String(name string) string {
	v, _ := a[name].(string)
	return v
}

// Ints returns the attribute as a list; Check has made sure that it is one.
func (a Attributes) Ints(name string) []int {
	v, _ := a[name].([]int)
	return v
}

// Clone returns a deep copy.
func (a Attributes) Clone() Attributes {
	c := make(Attributes, len(a))
	for name, value := range a {
		if list, ok := value.([]int); ok {
			value = slices.Clone(list)
		}
		c[name] = value
	}
	return c
}

// MarshalJSON writes the attributes in order of their names. Floats always
// have a point or an exponent, so that any JSON reader can tell them from ints.
func (a Attributes) MarshalJSON() ([]byte, error) {
	names := make([]string, 0, len(a))
	for name := range a {
		names = append(names, name)
	}
	sort.Strings(names)
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := encodeAttribute(a[name])
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", name, err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func encodeAttribute(value any) ([]byte, error) {
	switch v := value.(type) {
	case int:
		return strconv.AppendInt(nil, int64(v), 10), nil
	case float64:
		return encodeFloat(v)
	case string:
		return json.Marshal(v)
	case []int:
		if v == nil {
			v = []int{}
		}
		return json.Marshal(v)
	}
	return nil, fmt.Errorf("%T cannot be written; an attribute is an int, a float64, a string or a list of ints", value)
}

// encodeFloat writes the shortest text that reads back as the same float64.
func encodeFloat(v float64) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("%v cannot be written; a float has to be finite", v)
	}
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return []byte(text), nil
}

// UnmarshalJSON reads attributes with their types: a number with a point or an
// exponent is a float64, any other number an int, a list is a list of ints.
func (a *Attributes) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("attributes: wants an object: %w", err)
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
	switch text[0] {
	case '"':
		var s string
		err := json.Unmarshal(text, &s)
		return s, err
	case '[':
		var numbers []json.Number
		if err := json.Unmarshal(text, &numbers); err != nil {
			return nil, fmt.Errorf("%s is not a list of ints", text)
		}
		list := make([]int, len(numbers))
		for i, number := range numbers {
			v, err := strconv.Atoi(string(number))
			if err != nil {
				return nil, fmt.Errorf("%s is not a list of ints", text)
			}
			list[i] = v
		}
		return list, nil
	}
	if strings.ContainsAny(string(text), ".eE") && text[0] != 't' && text[0] != 'f' {
		v, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return nil, fmt.Errorf("%s is not a float that 64 bits hold", text)
		}
		return v, nil
	}
	v, err := strconv.Atoi(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s is not an int, a float, a string or a list of ints", text)
	}
	return v, nil
}
