package sample

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// kernelFile is a small file of /proc or /sys that stays open, so that reading
// it again costs one system call. An open file of a process that ended fails,
// even when its number is used again.
type kernelFile struct {
	file *os.File
	path string
	buf  [4096]byte
}

func openKernelFile(path string) (*kernelFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &kernelFile{file: f, path: path}, nil
}

// read is what the file says now, at most 4 KiB. The bytes are valid until the
// next read.
func (k *kernelFile) read() ([]byte, error) {
	n, err := k.file.ReadAt(k.buf[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return k.buf[:n], nil
}

// number is the file's only number.
func (k *kernelFile) number() (float64, error) {
	text, err := k.read()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(string(bytes.TrimSpace(text)), 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is not a number", k.path, text)
	}
	return v, nil
}

// field is the number after a key in a file of "key number" lines.
func (k *kernelFile) field(key string) (float64, error) {
	text, err := k.read()
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		words := bytes.Fields(line)
		if len(words) >= 2 && string(words[0]) == key {
			return strconv.ParseFloat(string(words[1]), 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", k.path, key)
}

func (k *kernelFile) close() error {
	if k == nil {
		return nil
	}
	return k.file.Close()
}
