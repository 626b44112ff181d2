package dicom

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"
)

// A file is walked from element to element before a library reads values: a
// length is believed only if the file has so many bytes, sequences are passed
// over however deep they lie, and what is not needed, a patient's name first of
// all, is not read at all. The library allocates what a length asks for and goes
// down into sequences without a bound, so that it gets nothing else than the
// short elements that are wanted.

// outline is where a file's wanted parts lie.
type outline struct {
	syntax    string           // its transfer syntax
	order     binary.ByteOrder // of the data set's
	elements  []byte           // the wanted ones with their headers, one after the other
	has       map[tag.Tag]bool // of the wanted ones and of those noticed
	pixels    []byte           // native pixel data
	words     bool             // which are words of 16 bits, whatever a pixel has
	fragments [][]byte         // of compressed pixel data, without the offset table
}

// mostValue is more than a wanted element's value needs.
const mostValue = 1024

// wanted are the elements that are read, with the representation that the
// standard's dictionary (PS3.6) has.
var wanted = map[tag.Tag]string{
	tag.SeriesInstanceUID: "UI", tag.InstanceNumber: "IS", tag.ImagePositionPatient: "DS", tag.ImageOrientationPatient: "DS",
	tag.SamplesPerPixel: "US", tag.PhotometricInterpretation: "CS", tag.NumberOfFrames: "IS", tag.Rows: "US", tag.Columns: "US",
	tag.BitsAllocated: "US", tag.BitsStored: "US", tag.HighBit: "US", tag.PixelRepresentation: "US",
	tag.WindowCenter: "DS", tag.WindowWidth: "DS", tag.RescaleIntercept: "DS", tag.RescaleSlope: "DS", tag.VOILUTFunction: "CS",
}

// noticed are elements of which only matters that they are there.
var noticed = []tag.Tag{tag.ModalityLUTSequence, tag.SharedFunctionalGroupsSequence, tag.PerFrameFunctionalGroupsSequence}

const undefined = 0xFFFFFFFF // a length that a delimiter ends

// A file has the mark behind its first bytes, which say nothing (PS3.10, 7.1).
const (
	Mark   = "DICM"
	MarkAt = 128
)

var (
	errCutOff  = errors.New("it is broken: it ends within an element")
	errNoMagic = errors.New("not a DICOM file: it has no DICM after the first 128 bytes")
)

// cursor reads elements' headers.
type cursor struct {
	data     []byte
	at       int
	order    binary.ByteOrder
	implicit bool // without representations
}

// element is a header.
type element struct {
	tag    tag.Tag
	vr     string // empty if it is implicit
	length uint32
}

// next reads a header; it leaves the cursor at the value.
func (c *cursor) next() (element, error) {
	if len(c.data)-c.at < 8 {
		return element{}, errCutOff
	}
	head := c.data[c.at:]
	e := element{tag: tag.Tag{Group: c.order.Uint16(head), Element: c.order.Uint16(head[2:])}}
	if c.implicit || e.tag.Group == 0xFFFE { // items never have a representation
		e.length = c.order.Uint32(head[4:])
		c.at += 8
		return e, nil
	}
	e.vr = string(head[4:6])
	if !slices.Contains([]string{"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}, e.vr) {
		e.length = uint32(c.order.Uint16(head[6:]))
		c.at += 8
		return e, nil
	}
	if len(head) < 12 {
		return element{}, errCutOff
	}
	e.length = c.order.Uint32(head[8:])
	c.at += 12
	return e, nil
}

// value takes the bytes of a defined length.
func (c *cursor) value(length uint32) ([]byte, error) {
	if uint64(length) > uint64(len(c.data)-c.at) {
		return nil, errCutOff
	}
	value := c.data[c.at : c.at+int(length)]
	c.at += int(length)
	return value, nil
}

// pass goes over a value, and over all that is nested in one of undefined length.
func (c *cursor) pass(e element) error {
	if e.length != undefined {
		_, err := c.value(e.length)
		return err
	}
	explicit := !c.implicit
	unknown := 0 // the depth at which a sequence of unknown representation began: its inside is implicit
	if explicit && e.vr == "UN" {
		c.implicit, unknown = true, 1
	}
	for depth := 1; depth > 0; {
		inner, err := c.next()
		if err != nil {
			return err
		}
		switch {
		case inner.tag == tag.ItemDelimitationItem || inner.tag == tag.SequenceDelimitationItem:
			depth--
			if unknown > depth {
				c.implicit, unknown = false, 0
			}
		case inner.length == undefined:
			depth++
			if !c.implicit && inner.vr == "UN" {
				c.implicit, unknown = true, depth
			}
		default:
			if _, err := c.value(inner.length); err != nil {
				return err
			}
		}
	}
	return nil
}

// read walks a file.
func read(content []byte) (*outline, error) {
	if len(content) < MarkAt+len(Mark) || string(content[MarkAt:MarkAt+len(Mark)]) != Mark {
		return nil, errNoMagic
	}
	o := &outline{has: map[tag.Tag]bool{}}
	c := &cursor{data: content, at: 132, order: binary.LittleEndian}
	if err := o.meta(c); err != nil {
		return nil, err
	}
	if err := o.setSyntax(c); err != nil {
		return nil, err
	}
	o.order = c.order
	for o.pixels == nil && o.fragments == nil {
		if c.at == len(c.data) {
			return nil, fmt.Errorf("it has no pixel data")
		}
		if err := o.take(c); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// meta reads the group of meta elements, which says how the others are written.
func (o *outline) meta(c *cursor) error {
	for len(c.data)-c.at >= 2 && c.order.Uint16(c.data[c.at:]) == tag.MetadataGroup {
		e, err := c.next()
		if err != nil {
			return err
		}
		value, err := c.value(e.length)
		if err != nil {
			return err
		}
		if e.tag == tag.TransferSyntaxUID {
			o.syntax = trimmed(value)
		}
	}
	return nil
}

// setSyntax sets the cursor to the transfer syntax of the file.
func (o *outline) setSyntax(c *cursor) error {
	switch o.syntax {
	case uid.ImplicitVRLittleEndian:
		c.implicit = true
	case uid.ExplicitVRLittleEndian, jpegBaseline:
	case uid.ExplicitVRBigEndian:
		c.order = binary.BigEndian
	default:
		return fmt.Errorf("its transfer syntax is %s, which is not read: convert it to Explicit VR Little Endian", syntaxName(o.syntax))
	}
	return nil
}

// take takes one element of the data set.
func (o *outline) take(c *cursor) error {
	start := c.at
	e, err := c.next()
	if err != nil {
		return err
	}
	vr, want := wanted[e.tag]
	switch {
	case e.tag == tag.PixelData:
		return o.takePixels(c, e)
	case want:
		if e.length > mostValue || !c.implicit && e.vr != vr {
			return fmt.Errorf("it is broken: its %s is not as the standard has it", name(e.tag))
		}
		if _, err := c.value(e.length); err != nil {
			return err
		}
		if !o.has[e.tag] {
			o.has[e.tag] = true
			o.elements = append(o.elements, c.data[start:c.at]...)
		}
		return nil
	case slices.Contains(noticed, e.tag):
		o.has[e.tag] = true
	}
	return c.pass(e)
}

// takePixels takes native pixel data, or the fragments of compressed ones.
func (o *outline) takePixels(c *cursor, e element) (err error) {
	if e.length != undefined {
		if o.syntax == jpegBaseline {
			return fmt.Errorf("it is broken: its transfer syntax is JPEG, and its pixel data are not")
		}
		o.words = e.vr == "OW"
		if o.pixels, err = c.value(e.length); err == nil && len(o.pixels) == 0 {
			err = fmt.Errorf("it has no pixel data")
		}
		return err
	}
	if o.syntax != jpegBaseline {
		return fmt.Errorf("it is broken: its pixel data are in fragments, which its transfer syntax does not have")
	}
	for table := true; ; table = false { // the first item is the table of offsets
		item, err := c.next()
		if err != nil {
			return err
		}
		if item.tag == tag.SequenceDelimitationItem {
			break
		}
		value, err := c.value(item.length)
		if err != nil {
			return err
		}
		if item.tag != tag.Item {
			return fmt.Errorf("it is broken: something else lies between the fragments of its pixel data")
		}
		if !table {
			o.fragments = append(o.fragments, value)
		}
	}
	if len(o.fragments) == 0 {
		return fmt.Errorf("it has no pixel data")
	}
	return nil
}
