package data

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // for image.Decode
	_ "image/png"
	"io"
)

// The bounds of an image. A header of some bytes can ask for any amount of
// memory, so that they are checked before a pixel is decoded.
const (
	mostBytes  = 64 << 20
	mostSide   = 32_768
	mostPixels = 50_000_000
)

// read reads a regular file of a bounded size.
func read(path string) ([]byte, error) {
	f, err := open(path)
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
