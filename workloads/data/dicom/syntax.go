package dicom

import (
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// jpegBaseline is the only compressed transfer syntax that is read: 8 bits, as
// the standard library decodes it.
const jpegBaseline = "1.2.840.10008.1.2.4.50"

// refused are the transfer syntaxes that people meet and that are not read.
var refused = []struct{ uid, name string }{
	{"1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"},
	{"1.2.840.10008.1.2.4.51", "JPEG Extended (12 bit)"},
	{"1.2.840.10008.1.2.4.57", "JPEG Lossless"},
	{"1.2.840.10008.1.2.4.70", "JPEG Lossless"},
	{"1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"},
	{"1.2.840.10008.1.2.4.81", "JPEG-LS"},
	{"1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless"},
	{"1.2.840.10008.1.2.4.91", "JPEG 2000"},
	{"1.2.840.10008.1.2.4.20", "High-Throughput JPEG 2000"},
	{"1.2.840.10008.1.2.4.10", "MPEG"},
	{"1.2.840.10008.1.2.5", "RLE Lossless"},
}

// syntaxName is a transfer syntax in words. What a file has there is not shown
// if it is none that is known: it could be anything.
func syntaxName(uid string) string {
	if uid == "" {
		return "not given"
	}
	for _, s := range refused {
		if strings.HasPrefix(uid, s.uid) {
			return s.name
		}
	}
	return "another one"
}

// name is an element's keyword.
func name(t tag.Tag) string {
	if info, err := tag.Find(t); err == nil {
		return info.Keyword
	}
	return t.String()
}

// trimmed is a text without what fills it to an even length.
func trimmed(value []byte) string { return strings.Trim(string(value), " \x00") }
