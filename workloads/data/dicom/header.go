package dicom

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	library "github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"
)

// Header is what is known of a file beside its pixels. Nothing in it names a
// patient, an institution or a device.
type Header struct {
	Series      [sha256.Size]byte // digest of the series' UID; zero if it has none
	Rows        int
	Columns     int
	Frames      int
	Instance    *int        // the slice's number, if it is given
	Position    *[3]float64 // of its first voxel, in millimetres
	Orientation *[6]float64 // of its rows and columns
	Window      *Window     // that the file says to show it in
	Inverted    bool        // low values are bright: MONOCHROME1

	allocated, stored int
	signed            bool
	slope, intercept  float64
}

// Window is a range of values that is shown from black to white (PS3.3
// C.11.2.1.2).
type Window struct {
	Low, High float64
}

// Normal is the direction in which a series goes on.
func (h *Header) Normal() [3]float64 {
	o := h.Orientation
	return [3]float64{o[1]*o[5] - o[2]*o[4], o[2]*o[3] - o[0]*o[5], o[0]*o[4] - o[1]*o[3]}
}

// values are the elements that the library has read.
type values struct{ set library.Dataset }

// parse has the library read the elements of an outline. Its errors quote what
// is in a file, so that they are not handed on.
func (o *outline) parse() (values, error) {
	syntax := o.syntax
	if syntax == jpegBaseline {
		syntax = uid.ExplicitVRLittleEndian
	}
	if len(syntax)%2 != 0 {
		syntax += "\x00"
	}
	meta := append([]byte{2, 0, 0x10, 0, 'U', 'I', byte(len(syntax)), 0}, syntax...)
	file := append(make([]byte, 128), "DICM\x02\x00\x00\x00UL\x04\x00"...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(meta)))
	file = append(append(file, meta...), o.elements...)
	set, err := library.Parse(bytes.NewReader(file), int64(len(file)), nil)
	if err != nil {
		return values{}, fmt.Errorf("it is broken: an element that describes its pixels cannot be read")
	}
	return values{set}, nil
}

// get is an element's value, nil if there is none.
func (v values) get(t tag.Tag) any {
	e, err := v.set.FindElementByTag(t)
	if err != nil {
		return nil
	}
	return e.Value.GetValue()
}

// number is an element of one whole number.
func (v values) number(t tag.Tag) (int, bool) {
	switch got := v.get(t).(type) {
	case []int:
		if len(got) == 1 {
			return got[0], true
		}
	case []string:
		if len(got) == 1 {
			n, err := strconv.Atoi(strings.TrimSpace(got[0]))
			return n, err == nil
		}
	}
	return 0, false
}

// decimals are an element's numbers, nil if it is absent or empty.
func (v values) decimals(t tag.Tag) ([]float64, error) {
	texts, _ := v.get(t).([]string)
	if len(texts) == 0 || len(texts) == 1 && strings.TrimSpace(texts[0]) == "" {
		return nil, nil
	}
	var all []float64
	for _, text := range texts {
		x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			return nil, fmt.Errorf("its %s is not a number", name(t))
		}
		all = append(all, x)
	}
	return all, nil
}

// text is an element of one text.
func (v values) text(t tag.Tag) string {
	if texts, _ := v.get(t).([]string); len(texts) == 1 {
		return strings.TrimRight(texts[0], "\x00 ")
	}
	return ""
}

// header reads all that describes a file's pixels.
func (o *outline) header() (*Header, error) {
	v, err := o.parse()
	if err != nil {
		return nil, err
	}
	h := &Header{Frames: 1}
	if series := v.text(tag.SeriesInstanceUID); series != "" {
		h.Series = sha256.Sum256([]byte(series))
	}
	for _, read := range []func(values) error{h.readForm, h.readBits, h.readScale, h.readWindow, h.readPlace} {
		if err := read(v); err != nil {
			return nil, err
		}
	}
	if o.has[tag.ModalityLUTSequence] {
		return nil, fmt.Errorf("it maps its values by a table (ModalityLUTSequence), expected RescaleSlope and RescaleIntercept")
	}
	if o.has[tag.SharedFunctionalGroupsSequence] || o.has[tag.PerFrameFunctionalGroupsSequence] {
		return nil, fmt.Errorf("it is an enhanced multi-frame file, which describes every frame by itself: convert it to one file for each slice")
	}
	return h, nil
}

// readForm reads how many pixels there are.
func (h *Header) readForm(v values) error {
	var ok [2]bool
	h.Rows, ok[0] = v.number(tag.Rows)
	h.Columns, ok[1] = v.number(tag.Columns)
	if !ok[0] || !ok[1] || h.Rows < 1 || h.Columns < 1 {
		return fmt.Errorf("it does not say how many Rows and Columns it has")
	}
	if texts, _ := v.get(tag.NumberOfFrames).([]string); len(texts) > 0 && strings.TrimSpace(texts[0]) != "" {
		var ok bool
		if h.Frames, ok = v.number(tag.NumberOfFrames); !ok || h.Frames < 1 {
			return fmt.Errorf("its NumberOfFrames is not a number from 1")
		}
	}
	if n, ok := v.number(tag.SamplesPerPixel); ok && n != 1 {
		return fmt.Errorf("it has %d samples for each pixel, expected 1: colour is not read", n)
	}
	switch v.text(tag.PhotometricInterpretation) {
	case "MONOCHROME2":
	case "MONOCHROME1":
		h.Inverted = true
	default:
		return fmt.Errorf("its PhotometricInterpretation is neither MONOCHROME1 nor MONOCHROME2: colour is not read")
	}
	return nil
}

// readBits reads how a pixel is stored.
func (h *Header) readBits(v values) error {
	var ok bool
	if h.allocated, ok = v.number(tag.BitsAllocated); !ok || h.allocated != 8 && h.allocated != 16 {
		return fmt.Errorf("its BitsAllocated is %d, expected 8 or 16", h.allocated)
	}
	if h.stored, ok = v.number(tag.BitsStored); !ok {
		h.stored = h.allocated
	}
	high, ok := v.number(tag.HighBit)
	if !ok {
		high = h.stored - 1
	}
	if h.stored < 1 || h.stored > h.allocated || high != h.stored-1 {
		return fmt.Errorf("it has %d bits stored of %d, the highest at %d, expected the lowest ones", h.stored, h.allocated, high)
	}
	representation, _ := v.number(tag.PixelRepresentation)
	h.signed = representation == 1
	return nil
}

// readScale reads what a stored value stands for.
func (h *Header) readScale(v values) error {
	h.slope = 1
	for _, one := range []struct {
		tag tag.Tag
		to  *float64
	}{{tag.RescaleSlope, &h.slope}, {tag.RescaleIntercept, &h.intercept}} {
		x, err := v.decimals(one.tag)
		if err != nil {
			return err
		}
		if len(x) > 1 {
			return fmt.Errorf("its %s has %d values, expected 1", name(one.tag), len(x))
		}
		if len(x) == 1 {
			*one.to = x[0]
		}
	}
	if h.slope == 0 || math.Abs(h.slope) > mostScale || math.Abs(h.intercept) > mostScale {
		return fmt.Errorf("its RescaleSlope is %v and its RescaleIntercept %v, expected a slope that is not 0 and both within ±%g", h.slope, h.intercept, float64(mostScale))
	}
	return nil
}

// mostScale keeps 16 bits far within float32.
const mostScale = 1e20

// readWindow reads the first window.
func (h *Header) readWindow(v values) error {
	centers, err := v.decimals(tag.WindowCenter)
	if err != nil {
		return err
	}
	widths, err := v.decimals(tag.WindowWidth)
	if err != nil || len(centers) == 0 || len(widths) == 0 {
		return err
	}
	center, width := centers[0], widths[0]
	switch v.text(tag.VOILUTFunction) {
	case "", "LINEAR":
		if width < 1 {
			return fmt.Errorf("its WindowWidth is %v, expected 1 or more", width)
		}
		center, width = center-0.5, width-1
	case "LINEAR_EXACT":
		if width <= 0 {
			return fmt.Errorf("its WindowWidth is %v, expected more than 0", width)
		}
	default:
		return fmt.Errorf("its VOILUTFunction is neither LINEAR nor LINEAR_EXACT")
	}
	h.Window = &Window{Low: center - width/2, High: center + width/2}
	return nil
}

// readPlace reads where the slice lies.
func (h *Header) readPlace(v values) error {
	if n, ok := v.number(tag.InstanceNumber); ok {
		h.Instance = &n
	}
	position, err := v.decimals(tag.ImagePositionPatient)
	if err != nil {
		return err
	}
	orientation, err := v.decimals(tag.ImageOrientationPatient)
	if err != nil || position == nil && orientation == nil {
		return err
	}
	if len(position) != 3 || len(orientation) != 6 {
		return fmt.Errorf("it has %d numbers as ImagePositionPatient and %d as ImageOrientationPatient, expected 3 and 6", len(position), len(orientation))
	}
	h.Position, h.Orientation = (*[3]float64)(position), (*[6]float64)(orientation)
	if slices.ContainsFunc(slices.Concat(position, orientation), func(x float64) bool { return math.Abs(x) > 1e6 }) {
		return fmt.Errorf("its ImagePositionPatient or ImageOrientationPatient is beyond any scanner")
	}
	if n := h.Normal(); math.Abs(n[0]*n[0]+n[1]*n[1]+n[2]*n[2]-1) > 0.01 {
		return fmt.Errorf("its ImageOrientationPatient is not of two unit vectors at a right angle")
	}
	return nil
}
