package record_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

// Of several problems the one that comes first in the file is told, every time:
// who corrects a file by hand goes through it from above.
func TestTheFirstProblemInTheFileIsTold(t *testing.T) {
	data := encoded(t, small())
	for _, spoil := range [][2]string{{`"suite":"smoke"`, `"suite":7`}, {`"status":"complete"`, `"status":"done"`}, {`"rounds":1`, `"rounds":"x"`}, {`"host":"h"`, `"host":8`},
		{`"cores":2`, `"cores":-2`}, {`"runner":"caffe"`, `"runner":7`}} {
		if !strings.Contains(data, spoil[0]) {
			t.Fatalf("the record has no %s", spoil[0])
		}
		data = strings.Replace(data, spoil[0], spoil[1], 1)
	}
	for range 100 {
		_, err := record.Decode("f.json", []byte(data))
		refused(t, err, "f.json:…: suite: got number, want string")
		if t.Failed() {
			return
		}
	}
}
