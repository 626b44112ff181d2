package network_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/network"
)

func TestAttributesKeepTheirTypes(t *testing.T) {
	in := network.Attributes{
		"zero": 0, "negative": -3, "one": 1.0, "tiny": 1e-5, "huge": 1e21, "negative_float": -0.5,
		"text": "half_pixel", "list": []int{1, -2, 3}, "empty": []int{},
	}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"empty":[],"huge":1e+21,"list":[1,-2,3],"negative":-3,"negative_float":-0.5,"one":1.0,"text":"half_pixel","tiny":1e-05,"zero":0}`
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
	var out network.Attributes
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("%#v became %#v", in, out)
	}
}

func TestNilAttributesAreAnEmptyObject(t *testing.T) {
	data, err := json.Marshal(network.Node{})
	if err != nil || !strings.Contains(string(data), `"attributes":{}`) {
		t.Errorf("got %s, %v", data, err)
	}
}

func TestAttributesRefuse(t *testing.T) {
	for text, want := range map[string]string{
		`3`:                          "wants an object",
		`{"a":true}`:                 `attribute "a": true is not an int`,
		`{"a":false}`:                `attribute "a": false is not an int`,
		`{"a":null}`:                 `attribute "a": null is not an int`,
		`{"a":{}}`:                   `attribute "a": {} is not an int`,
		`{"a":[1,2.5]}`:              `attribute "a": [1,2.5] is not a list of ints`,
		`{"a":["x"]}`:                `attribute "a": ["x"] is not a list of ints`,
		`{"a":[[1]]}`:                `attribute "a": [[1]] is not a list of ints`,
		`{"a":1e999}`:                `attribute "a": 1e999 is not a float`,
		`{"a":99999999999999999999}`: `attribute "a": 99999999999999999999 is not an int`,
	} {
		var a network.Attributes
		if err := json.Unmarshal([]byte(text), &a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	for _, value := range []any{math.NaN(), math.Inf(1), true, nil, []float64{1}} {
		if data, err := json.Marshal(network.Attributes{"a": value}); err == nil {
			t.Errorf("%v was written as %s", value, data)
		}
	}
}

func TestCloneIsDeep(t *testing.T) {
	a := network.Attributes{"pads": []int{1, 1, 1, 1}}
	a.Clone().Ints("pads")[0] = 9
	if a.Ints("pads")[0] != 1 {
		t.Error("the clone shares a list")
	}
}

func FuzzAttributes(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":1.0,"c":"x","d":[1,2]}`))
	f.Add([]byte(`{"a":-0,"b":-0.0,"c":"\u2028<","d":[]}`))
	f.Add([]byte(`{"a":1E+2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var a, b network.Attributes
		if json.Unmarshal(data, &a) != nil {
			return
		}
		first, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if err := json.Unmarshal(first, &b); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		second, err := json.Marshal(b)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%s became %s, %v", first, second, err)
		}
	})
}
