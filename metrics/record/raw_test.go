package record_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

// Long lists are not looked at item by item, unless one of them is wrong: the
// place that is told is that of the item.
func TestAWrongItemInALongListIsFound(t *testing.T) {
	encoded, err := record.Encode(small())
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if err := json.Compact(&whole, encoded); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("1,", 5000)
	for _, tt := range []struct{ list, item, want string }{
		{"warmup_ns", "2.5", "warmup_ns[5000]"},
		{"warmup_ns", `"x"`, "warmup_ns[5000]"},
		{"warmup_ns", "null", "warmup_ns[5000]"},
		{"warmup_ns", "-1", "warmup_ns[5000]"},
		{"query_ns", "-1", "query_ns[5000]"},
		{"lag_ns", "1.5", "lag_ns[5000]"},
		{"iteration_ns", "[]", "iteration_ns[5000]"},
		{"values", `"1"`, "values[5000]"},
		{"values", "{}", "values[5000]"},
		{"time_ns", "0.5", "time_ns[5000]"},
	} {
		data := withList(t, whole.String(), tt.list, "["+long+tt.item+"]")
		if _, err := record.Decode("r.json", []byte(data)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s with %s at its end: %v, want %s named", tt.list, tt.item, err, tt.want)
		}
	}
}

// withList is the record with another list in the first field of a name.
func withList(t *testing.T, data, name, list string) string {
	t.Helper()
	at := strings.Index(data, fmt.Sprintf("%q:[", name))
	if at < 0 {
		t.Fatalf("the record has no %s", name)
	}
	from := at + len(name) + 3
	return data[:from] + list + data[from+strings.Index(data[from:], "]")+1:]
}
