package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// idLength is how many hexadecimal digits of a digest name a record: 48 bits,
// by which ten thousand records collide once in five million histories.
const idLength = 12

// Identify is a record's ID: the start of the SHA-256 of its JSON without the
// white space, so that a record which was laid out anew is still the same.
func Identify(data []byte) (string, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return "", err
	}
	sum := sha256.Sum256(compact.Bytes())
	return hex.EncodeToString(sum[:])[:idLength], nil
}

// fileName is where a record is kept: sorted by name, files are sorted by time.
func fileName(rec *record.Record, id string) string {
	return fmt.Sprintf("%s-%s-%s-%s.json", rec.Created.UTC().Format("20060102T150405Z"), word(rec.Suite), word(rec.Environment.Host), id)
}

// word makes any text a part of a file's name.
func word(text string) string {
	const most = 40
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, text)
	clean = strings.Trim(clean[:min(most, len(clean))], "-")
	if clean == "" {
		return "unknown"
	}
	return clean
}

// listing is the records' files by name.
type listing map[string]stamp

// stamp tells whether a file is still the one that was read.
type stamp struct{ size, modified int64 }

// files lists what lies in the records' directory. Names that begin with a dot
// are files that somebody is writing.
func (h *History) files() (listing, error) {
	entries, err := os.ReadDir(h.recordsDir())
	if err != nil {
		return nil, fmt.Errorf("list the history: %w", err)
	}
	found := make(listing, len(entries))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, fmt.Errorf("list the history: %w", err)
		}
		found[e.Name()] = stamp{info.Size(), info.ModTime().UnixNano()}
	}
	return found, nil
}
