package data

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	_ "image/jpeg" // for image.Decode
	_ "image/png"
	"io"
	"os"
	"path/filepath"
)

// extensions are those of files that are taken for images; others are not looked at.
var extensions = []string{".png", ".jpg", ".jpeg"}

// The bounds of an image. A header of some bytes can ask for any amount of
// memory, so that they are checked before a pixel is decoded.
const (
	mostBytes  = 64 << 20
	mostSide   = 32_768
	mostPixels = 50_000_000
)

// check decodes an image only to know that it can be, and returns the digest of
// its file.
func check(path string) (sum [sha256.Size]byte, err error) {
	content, err := read(path)
	if err == nil {
		sum = sha256.Sum256(content)
		_, err = decode(content)
	}
	if err != nil {
		err = fmt.Errorf("image %q: %w", path, err)
	}
	return sum, err
}

// read reads a regular file of a bounded size.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path) // a pipe would never end, and opening it would wait
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err == nil && len(content) > mostBytes {
		err = fmt.Errorf("it has more than the %d bytes that an image may have", mostBytes)
	}
	return content, err
}

// decode reads a PNG or JPEG, whatever the file's name ends in.
func decode(content []byte) (image.Image, error) {
	header, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("not a PNG or JPEG that can be read: %w", err)
	}
	w, h := header.Width, header.Height
	if w < 1 || h < 1 || w > mostSide || h > mostSide || w*h > mostPixels {
		return nil, fmt.Errorf("it is %d×%d pixels, expected at most %d in all and %d a side", w, h, mostPixels, mostSide)
	}
	decoded, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("it is broken: %w", err)
	}
	return decoded, nil
}

// Fill decodes an image, and resizes it to [C H W].
func (s *Set) Fill(i int, shape []int, out []float32) error {
	path := filepath.Join(s.Dir, s.images[i].path)
	content, err := read(path)
	var decoded image.Image
	if err == nil && sha256.Sum256(content) != s.images[i].sum {
		err = fmt.Errorf("it is another one than when the directory was read first")
	}
	if err == nil {
		decoded, err = decode(content)
	}
	if err == nil {
		err = normalize(decoded, shape, out)
	}
	if err != nil {
		return fmt.Errorf("image %q: %w", path, err)
	}
	return nil
}
