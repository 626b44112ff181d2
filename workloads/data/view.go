package data

import (
	"errors"
	"fmt"
	"image"
	"slices"
)

// View is a set as the inputs of networks of one rank: every slice is an image, or
// every series and NIfTI file a volume.
type View struct {
	Source  string   // ImageSource, SliceSource or VolumeSource
	Formats []string // of the files, sorted; empty for images
	set     *Set
	items   []item
}

// What inputs are made of.
const (
	ImageSource  = "images"  // PNG and JPEG
	SliceSource  = "slices"  // slices of DICOM and NIfTI, perhaps images beside them
	VolumeSource = "volumes" // DICOM series and NIfTI files
)

// item is one input.
type item struct {
	files []*file // several for a series, in the order of its slices
	slice int     // of the only file, if the input is an image
}

// For is the set for a network whose input is [C H W] or [C D H W].
func (s *Set) For(shape []int) (*View, error) {
	if len(shape) != 3 && len(shape) != 4 || means[shape[0]] == nil {
		return nil, fmt.Errorf("images have 1 or 3 channels, height and width, volumes a depth before these; the network's input is %v", shape)
	}
	v := &View{set: s, Source: ImageSource}
	for i := range s.files {
		if name := formatNames[s.files[i].format]; !slices.Contains(v.Formats, name) {
			v.Formats = append(v.Formats, name)
		}
	}
	slices.Sort(v.Formats)
	if len(shape) == 4 {
		v.Source = VolumeSource
		return v, v.takeVolumes()
	}
	if len(v.Formats) == 1 && v.Formats[0] == formatNames[picture] {
		v.Formats = nil
	} else {
		v.Source = SliceSource
	}
	for i := range s.files {
		f := &s.files[i]
		for z := range f.grid.depth {
			v.items = append(v.items, item{files: []*file{f}, slice: z})
		}
	}
	return v, nil
}

var formatNames = map[format]string{picture: "images", dicomFile: "dicom", niftiFile: "nifti"}

// takeVolumes makes a volume of each series and each NIfTI file.
func (v *View) takeVolumes() error {
	series, err := v.set.ofSeries()
	if err != nil {
		return err
	}
	var faults []error
	for _, files := range series {
		sorted, err := v.set.sorted(files)
		faults = append(faults, err)
		v.items = append(v.items, item{files: sorted})
	}
	for i := range v.set.files {
		f := &v.set.files[i]
		switch {
		case f.format == picture:
			faults = append(faults, v.set.named(f, errors.New("the network takes volumes: expected DICOM series and NIfTI files")))
		case f.format == niftiFile && f.grid.depth < 2:
			faults = append(faults, v.set.named(f, errors.New("it has 1 slice: a volume has 2 or more")))
		case f.format == niftiFile:
			v.items = append(v.items, item{files: []*file{f}})
		}
	}
	return broken(faults)
}

// Len is the number of inputs.
func (v *View) Len() int { return len(v.items) }

// Label is an input's class.
func (v *View) Label(i int) int64 { return int64(v.items[i].files[0].class) }

// Fill makes an input of a shape [C H W] or [C D H W].
func (v *View) Fill(i int, shape []int, out []float32) error {
	it := v.items[i]
	if f := it.files[0]; f.format == picture {
		content, err := v.set.content(f)
		var decoded image.Image
		if err == nil {
			decoded, err = decode(content)
		}
		if err == nil {
			normalize(decoded, shape, out)
		}
		return v.set.named(f, err)
	}
	if len(shape) == 3 {
		return v.fillSlice(it, shape, out)
	}
	return v.fillVolume(it, shape, out)
}

// fillSlice makes an image of a slice.
func (v *View) fillSlice(it item, shape []int, out []float32) error {
	f := it.files[0]
	s := newScaler(f.grid.width, f.grid.height, shape[2], shape[1])
	return v.set.planes(f, it.slice, func(_ int, plane []float32) error {
		spread(s.scale(plane, it.shown(), f.dicom.Inverted), shape[0], out)
		return nil
	})
}

// fillVolume adds every slice, when it is read, to all outputs that it counts in:
// a volume never lies in memory as it was scanned.
func (v *View) fillVolume(it item, shape []int, out []float32) error {
	first := it.files[0]
	zs := newAxis(0, it.depth(), shape[1])
	s := newScaler(first.grid.width, first.grid.height, shape[3], shape[2])
	sums := make([]float64, shape[1]*shape[2]*shape[3])
	window := it.shown()
	for at, f := range it.files {
		err := v.set.planes(f, all, func(z int, plane []float32) error {
			zs.addTo(sums, at+z, s.scale(plane, window, f.dicom.Inverted))
			return nil
		})
		if err != nil {
			return err
		}
	}
	spread(sums, shape[0], out)
	return nil
}

// addTo adds an input to the outputs that it counts in.
func (a axis) addTo(outputs []float64, input int, plane []float64) {
	for o, weights := range a.weights {
		at := input - a.first[o]
		if at < 0 || at >= len(weights) {
			continue
		}
		sum := outputs[o*len(plane):][:len(plane)]
		for i, x := range plane {
			sum[i] += float64(weights[at] * x)
		}
	}
}

// depth is how many slices an input has.
func (it item) depth() int {
	if len(it.files) > 1 {
		return len(it.files)
	}
	return it.files[0].grid.depth
}

// shown is the window in which an input is shown: that of its first file, or all
// of its values.
func (it item) shown() span {
	if w := it.files[0].grid.window; w != nil {
		return *w
	}
	values := noValues
	for _, f := range it.files {
		values = span{min(values.low, f.grid.values.low), max(values.high, f.grid.values.high)}
	}
	return values
}
