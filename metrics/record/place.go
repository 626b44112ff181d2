package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// InvalidError says that a file is not a record, where, and why.
type InvalidError struct {
	File    string
	Line    int // from 1; 0 when the problem has no place
	Column  int // in bytes, from 1
	Problem string
}

// Error is one line: file:line:column: problem.
func (e *InvalidError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
}

// invalidAt is an InvalidError at an offset into the file.
func invalidAt(file string, data []byte, offset int64, problem string) *InvalidError {
	before := data[:min(max(offset, 0), int64(len(data)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return &InvalidError{File: file, Line: line, Column: column, Problem: problem}
}

// path leads from the record to a value in it.
type path []string

func (p path) field(name string) path { return append(p[:len(p):len(p)], name) }
func (p path) item(i int) path        { return p.field(strconv.Itoa(i)) }

// String is the path for people, like cells[3].status.
func (p path) String() string {
	var b strings.Builder
	for _, segment := range p {
		if _, err := strconv.Atoi(segment); err == nil {
			fmt.Fprintf(&b, "[%s]", segment)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(segment)
	}
	return b.String()
}

// offset is where the path's value begins in valid JSON; if the path leads
// nowhere, the place at which it ends.
func (p path) offset(data []byte) int64 {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for _, segment := range p {
		at := start(data, d)
		token, err := d.Token()
		if err != nil || !enter(d, token, segment) {
			return at
		}
	}
	return start(data, d)
}

// start is where the decoder's next value begins.
func start(data []byte, d *json.Decoder) int64 {
	at := d.InputOffset()
	for at < int64(len(data)) && strings.ContainsRune(" \t\r\n,:", rune(data[at])) {
		at++
	}
	return at
}

// enter moves the decoder to the member of the object or the item of the array
// that the token opened, and says whether there is one.
func enter(d *json.Decoder, open json.Token, segment string) bool {
	index, _ := strconv.Atoi(segment)
	var skipped json.RawMessage
	for i := 0; d.More(); i++ {
		switch open {
		case json.Delim('{'):
			key, err := d.Token()
			if err != nil {
				return false
			}
			if key == segment {
				return true
			}
		case json.Delim('['):
			if i == index {
				return true
			}
		default:
			return false
		}
		if d.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}

// key tells paths apart in a map.
func (p path) key() string { return strings.Join(p, "\x00") }

// firstOf is the path whose value begins first in valid JSON, among those that
// the map has keys of.
func firstOf[T any](data []byte, among map[string]T) path {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	found, _ := seek(d, path{}, among)
	return found
}

// seek reads the decoder's next value, up to the first that is among the keys.
func seek[T any](d *json.Decoder, at path, among map[string]T) (path, bool) {
	if _, ok := among[at.key()]; ok {
		return at, true
	}
	open, err := d.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') {
		return nil, false
	}
	for i := 0; d.More(); i++ {
		inside := at.item(i)
		if open == json.Delim('{') {
			name, err := d.Token()
			if err != nil {
				return nil, false
			}
			inside = at.field(name.(string))
		}
		if found, ok := seek(d, inside, among); ok {
			return found, true
		}
	}
	_, _ = d.Token() // the end of the object or list
	return nil, false
}
