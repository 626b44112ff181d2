package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
)

// Encode is the record as JSON that a person can read: what fits a line stands
// on one, and so do lists of numbers. Lists and maps that are nil are written
// as empty. NaN and infinities, which JSON cannot say, are refused by name.
func Encode(r *Record) ([]byte, error) {
	whole, err := withoutNil(reflect.ValueOf(*r), nil)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	encoder := json.NewEncoder(&compact)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(whole.Interface()); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	layOut(&out, bytes.TrimSpace(compact.Bytes()), "")
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// withoutNil copies a value with its nil slices and maps replaced by empty
// ones, as the schema demands, and the caller's left as it is. Values that are not
// numbers are found here, because it knows where they stand.
func withoutNil(v reflect.Value, at path) (reflect.Value, error) {
	switch v.Kind() {
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return v, fmt.Errorf("%s is %v, which JSON cannot hold: leave the figure out, with the reason", at, f)
		}
	case reflect.Pointer:
		return pointerWithoutNil(v, at)
	case reflect.Struct:
		return structWithoutNil(v, at)
	case reflect.Slice:
		return sliceWithoutNil(v, at)
	case reflect.Map:
		if v.IsNil() {
			return reflect.MakeMap(v.Type()), nil
		}
	}
	return v, nil
}

func pointerWithoutNil(v reflect.Value, at path) (reflect.Value, error) {
	if v.IsNil() {
		return v, nil
	}
	element, err := withoutNil(v.Elem(), at)
	if err != nil {
		return v, err
	}
	out := reflect.New(v.Type().Elem())
	out.Elem().Set(element)
	return out, nil
}

func structWithoutNil(v reflect.Value, at path) (reflect.Value, error) {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue // time.Time's
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		value, err := withoutNil(v.Field(i), at.field(name))
		if err != nil {
			return v, err
		}
		out.Field(i).Set(value)
	}
	return out, nil
}

func sliceWithoutNil(v reflect.Value, at path) (reflect.Value, error) {
	switch v.Type().Elem().Kind() {
	case reflect.Struct, reflect.Float64:
	default: // nothing inside to replace
		if v.IsNil() {
			return reflect.MakeSlice(v.Type(), 0, 0), nil
		}
		return v, nil
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		value, err := withoutNil(v.Index(i), at.item(i))
		if err != nil {
			return v, err
		}
		out.Index(i).Set(value)
	}
	return out, nil
}

// lineWidth is how long an object or list may be to stand on one line.
const lineWidth = 120

// layOut writes compact JSON over several lines.
func layOut(out *bytes.Buffer, value []byte, indent string) {
	short := len(value)+len(indent) <= lineWidth
	scalar := value[0] != '{' && value[0] != '['
	list := value[0] == '[' && !bytes.ContainsAny(value, "{")
	if short || scalar || list {
		out.Write(value)
		return
	}
	last := len(value) - 1
	out.WriteByte(value[0])
	for i, member := range members(value[1:last]) {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n" + indent + " ")
		key := keyLength(member)
		out.Write(member[:key])
		layOut(out, member[key:], indent+" ")
	}
	out.WriteString("\n" + indent)
	out.WriteByte(value[last])
}

// members splits the inside of a compact object or list at its own commas.
func members(inside []byte) [][]byte {
	var parts [][]byte
	depth, first := 0, 0
	for i := 0; i < len(inside); i++ {
		switch inside[i] {
		case '"':
			i += stringLength(inside[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, inside[first:i])
				first = i + 1
			}
		}
	}
	return append(parts, inside[first:])
}

// keyLength is the length of `"key":` at the start of an object's member, 0
// for a list's item.
func keyLength(member []byte) int {
	if member[0] != '"' {
		return 0
	}
	if n := stringLength(member); n < len(member) && member[n] == ':' {
		return n + 1
	}
	return 0
}

// stringLength is the length of the quoted string at the start, quotes
// included.
func stringLength(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}
