package images

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// PyTorch's build for CPUs is a tenth of its build for CUDA, and is not in the
// package index that everybody has, but in one of PyTorch's own. If that answers,
// the image for CPUs is made of it.

// TorchIndexVariable names an index of PyTorch's wheels for CPUs (the simple
// repository API, PEP 503).
const TorchIndexVariable = "DLBENCH_PYTORCH_INDEX"

// torchContext is the context whose packages the wheel takes the place of.
const torchContext = "pytorch"

// indexTime is how long the index may take: somebody waits, and there is
// another way.
const indexTime = 2 * time.Second

// mostIndex is the most that is read of an index.
const mostIndex = 16 << 20

// takeCPUWheel changes a context's requirements to PyTorch's build for CPUs, in
// the version that is pinned and with the hash that the index states. Without an
// answer they stay as they are.
func (s *Store) takeCPUWheel(ctx context.Context, dir string) error {
	index := s.Getenv(TorchIndexVariable)
	if index == "" {
		return nil
	}
	file := filepath.Join(dir, "requirements.txt")
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines := strings.Split(string(data), "\n")
	version := ""
	for _, line := range lines {
		if pinned, ok := strings.CutPrefix(line, "torch=="); ok {
			version, _, _ = strings.Cut(pinned, " ")
		}
	}
	wheel, err := cpuWheel(ctx, index, version)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		s.step(fmt.Sprintf("PyTorch's build for CPUs is not to be had (%v): its build for CUDA is taken", err))
		return nil
	}
	s.step("PyTorch's build for CPUs: " + path.Base(wheel.place))
	kept := []string{"torch @ " + wheel.place + " --hash=sha256:" + wheel.sha256}
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "==")
		if name != "torch" && !strings.HasPrefix(name, "nvidia-") && !strings.HasPrefix(name, "#") {
			kept = append(kept, line)
		}
	}
	return os.WriteFile(file, []byte(strings.Join(kept, "\n")), 0o644)
}

// wheelOf is a wheel with the hash that its index states.
type wheelOf struct{ place, sha256 string }

var (
	links  = regexp.MustCompile(`(?i)<a\s[^>]*href="([^"]+)"`)
	digest = regexp.MustCompile(`^sha256=([0-9a-f]{64})$`)
)

// cpuWheel finds the wheel of a version for CPUs, for the Python and the machine
// of the images.
func cpuWheel(ctx context.Context, index, version string) (wheelOf, error) {
	page, err := url.Parse(strings.TrimSuffix(index, "/") + "/torch/")
	if err != nil || page.Scheme != "http" && page.Scheme != "https" {
		return wheelOf{}, fmt.Errorf("%s=%q, expected the address of an index", TorchIndexVariable, index)
	}
	text, err := fetch(ctx, page)
	if err != nil {
		return wheelOf{}, err
	}
	wanted := regexp.MustCompile("^torch-" + regexp.QuoteMeta(version) + `\+cpu-cp311-cp311-(manylinux\w*|linux)_x86_64\.whl$`)
	for _, link := range links.FindAllStringSubmatch(text, -1) {
		place, err := page.Parse(html.UnescapeString(link[1]))
		if err != nil || !wanted.MatchString(path.Base(place.Path)) {
			continue
		}
		hash := digest.FindStringSubmatch(place.Fragment)
		if hash == nil {
			return wheelOf{}, fmt.Errorf("%s states no SHA-256 of %s", index, path.Base(place.Path))
		}
		place.Fragment = ""
		return wheelOf{place.String(), hash[1]}, nil
	}
	return wheelOf{}, fmt.Errorf("%s has no torch %s for CPUs, CPython 3.11 and x86-64", index, version)
}

// fetch reads a page, if it comes in time.
func fetch(ctx context.Context, page *url.URL) (text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, indexTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page.String(), http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }() // all that is wanted was read
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", page, answer.Status)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, mostIndex))
	return string(data), err
}
