package peak

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/dlbench/dlbench/workloads/atomicfile"
)

// question is what a figure holds for. Another answer to any part of it is
// another figure.
type question struct {
	Processor  string   `json:"processor"`
	CPUs       string   `json:"cpus"`
	Threads    int      `json:"threads"`
	Engine     string   `json:"engine,omitempty"`
	Library    string   `json:"library"`
	Device     string   `json:"device,omitempty"` // UUID of a card
	Precisions []string `json:"precisions,omitempty"`
}

// kept is a file of the cache.
type kept struct {
	Version  int       `json:"version"`
	Question question  `json:"question"`
	Found    found     `json:"found"`
	At       time.Time `json:"measured_at"`
}

// storeVersion changes when another program would find other figures.
const storeVersion = 1

func (m Machine) path(q question) (string, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return filepath.Join(m.Dir, hex.EncodeToString(sum[:])[:16]+".json"), nil
}

// known is what an earlier run measured; false if it has to be measured. A file
// that cannot be read is as good as none, and what was measured on a busy machine
// is good as long as that is busy.
func (m Machine) known(q question) (found, bool) {
	f, ok := m.read(q)
	return f, ok && !m.Again && (!f.Busy || m.Busy)
}

// read is what is kept, however it was measured.
func (m Machine) read(q question) (found, bool) {
	path, err := m.path(q)
	if err != nil {
		return found{}, false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return found{}, false
	}
	var k kept
	if json.Unmarshal(text, &k) != nil || k.Version != storeVersion || !reflect.DeepEqual(k.Question, q) {
		return found{}, false
	}
	return k.Found, true
}

// measured keeps what was measured now and returns what counts: on a busy machine
// that is the best of it and of what was kept, because others only take away.
func (m Machine) measured(q question, f found) (found, error) {
	f.Busy = m.Busy
	if old, ok := m.read(q); ok && m.Busy {
		f = old.and(f)
	}
	return f, m.keep(q, f)
}

func (m Machine) keep(q question, f found) error {
	path, err := m.path(q)
	if err == nil {
		err = os.MkdirAll(m.Dir, 0o755)
	}
	if err == nil {
		err = atomicfile.Write(path, func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(kept{Version: storeVersion, Question: q, Found: f, At: m.Now().UTC()})
		})
	}
	if err != nil {
		return fmt.Errorf("keep the measured peak: %w", err)
	}
	return nil
}
