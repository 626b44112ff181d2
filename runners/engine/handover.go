package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// HandOver starts a tiny container with these GPUs and says why it does not
// start, if it does not. Only that tells: a specification of another toolkit's
// generation passes every inspection, and each start fails after all images are
// built.
func (c *CLI) HandOver(ctx context.Context, uuids ...string) *EnvironmentError {
	if missing := c.MissingForGPUs(ctx, uuids...); missing != nil {
		return missing
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	image, err := c.tinyImage(ctx)
	if err != nil {
		return nil // it cannot be tried here: the specification was looked at
	}
	err = c.tryTiny(ctx, Spec{Image: image, GPUs: uuids})
	if err == nil || ctx.Err() != nil {
		return nil
	}
	return &EnvironmentError{Text: fmt.Sprintf("%s cannot hand %s to a container: a container with it does not start: %v", c.Name(), strings.Join(uuids, ", "), err),
		Hint: c.handOverRemedy(err)}
}

// handOverRemedy is what to do about a container with a GPU that does not start.
func (c *CLI) handOverRemedy(err error) string {
	if specification, _ := readCDI(c.cdi); c.Name() == podman.name && specification.groups && strings.Contains(err.Error(), "CDI") {
		return withoutGroups
	}
	return HandOverRemedy(err)
}

const tinyTag = "dlbench/preflight:1"

// tinyImage holds one program, which ends at once. It needs neither registry nor
// base image, so that it can be started before anything is built.
func (c *CLI) tinyImage(ctx context.Context) (string, error) {
	if _, err := c.Output(ctx, "image", "inspect", "--format", "{{.Id}}", tinyTag); err == nil {
		return tinyTag, nil
	}
	program, err := exitProgram(runtime.GOARCH)
	if err != nil {
		return "", err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, dir := range []string{"dev", "etc", "etc/ld.so.conf.d", "proc", "sys", "tmp", "usr", "usr/lib", "usr/bin", "lib64"} { // where hooks of a toolkit write
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755}); err != nil {
			return "", err
		}
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "exit", Mode: 0o755, Size: int64(len(program))}); err != nil {
		return "", err
	}
	if _, err := w.Write(program); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	command := c.Command(ctx, "import", "-", tinyTag)
	command.Stdin = &archive
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s import: %w: %s", c.Name(), err, last(string(out)))
	}
	return tinyTag, nil
}

func last(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// exitProgram is a whole ELF file (System V ABI) that asks the kernel to end it
// with 0, and links nothing.
func exitProgram(architecture string) ([]byte, error) {
	machines := map[string]struct {
		id   uint16
		code []byte
	}{
		"amd64": {62, []byte{0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05}},                         // mov eax, 60; xor edi, edi; syscall
		"arm64": {183, []byte{0xa8, 0x0b, 0x80, 0xd2, 0x00, 0x00, 0x80, 0xd2, 0x01, 0, 0, 0xd4}}, // mov x8, 93; mov x0, 0; svc 0
	}
	m, known := machines[architecture]
	if !known {
		return nil, fmt.Errorf("there is no tiny program for %s", architecture)
	}
	const base, headers = 0x400000, 64 + 56
	size := uint64(headers + len(m.code))
	var b bytes.Buffer
	b.Write([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	for _, field := range []any{
		uint16(2), m.id, uint32(1), uint64(base + headers), uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0), // the file
		uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, uint64(0x1000), // its one segment: loaded, readable, executable
	} {
		if err := binary.Write(&b, binary.LittleEndian, field); err != nil {
			return nil, err
		}
	}
	b.Write(m.code)
	return b.Bytes(), nil
}
