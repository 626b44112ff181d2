package reports

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/html"
)

// pages are the files that WriteAll writes.
var pages = []string{"report.html", "summary.md"}

// WriteAll writes report.html and summary.md of a record into a directory.
func WriteAll(dir string, rec *record.Record) error {
	return errors.Join(
		WriteFile(filepath.Join(dir, pages[0]), func(w io.Writer) error { return html.Render(w, []*record.Record{rec}) }),
		WriteFile(filepath.Join(dir, pages[1]), func(w io.Writer) error { return Markdown(w, rec) }),
	)
}

// WriteFile makes a file appear whole or not at all. What is no file, like
// /dev/stdout, is written to and stays what it is.
func WriteFile(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeTo(path, write)
	}
	var data bytes.Buffer
	if err := write(&data); err != nil {
		return err
	}
	return record.Replace(path, data.Bytes())
}

func writeTo(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	err = write(buffered)
	if err == nil { // else it is the same error again
		err = buffered.Flush()
	}
	return errors.Join(err, f.Close())
}
