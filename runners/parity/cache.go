package parity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/workloads/atomicfile"
)

// keyOf names a cache entry by all that it depends on.
func keyOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// load reads a cached value; one that is absent or broken is made again.
func load(path string, value any) bool {
	data, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(data, value) == nil
}

// save writes a value, whole or not at all.
func save(path string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return replace(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// keepFile copies a runner's file, whose directory will go, into the cache and
// returns the SHA-256 of its bytes.
func keepFile(from, to string) (string, error) {
	source, err := os.Open(from)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	err = replace(to, func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, hash), source)
		return err
	})
	if closing := source.Close(); err == nil {
		err = closing
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

func replace(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, write)
}

// whole says whether a cached file still has the bytes that it was kept with.
func whole(path, digest string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return file.Close() == nil && err == nil && hex.EncodeToString(hash.Sum(nil)) == digest
}
