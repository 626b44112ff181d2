package data

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// The files of a DICOM series are a volume if they lie one above the other at
// equal distances. Any other series is refused: which slice is missing, and what
// should be there instead, nobody knows.

// The tolerances of a series: scanners write positions and directions as decimal
// numbers.
const (
	mostTurn    = 1e-3 // between the directions of two slices, of each component
	mostUneven  = 0.1  // of the usual distance between slices
	leastSpaced = 1e-3 // millimetres from a slice to the next
)

// ofSeries gathers the DICOM files of each series, in the order of their names.
func (s *Set) ofSeries() ([][]*file, error) {
	var series [][]*file
	place := map[[32]byte]int{}
	var faults []error
	for i := range s.files {
		f := &s.files[i]
		if f.format != dicomFile {
			continue
		}
		id := f.dicom.Series
		if id == [32]byte{} {
			faults = append(faults, s.named(f, errors.New("it has no SeriesInstanceUID, which says to which volume it belongs")))
			continue
		}
		at, known := place[id]
		if !known {
			place[id] = len(series)
			series = append(series, []*file{f})
			continue
		}
		if first := series[at][0]; first.class != f.class {
			faults = append(faults, s.named(f, fmt.Errorf("it is in another folder than %q, which is of the same series", s.path(first))))
			continue
		}
		series[at] = append(series[at], f)
	}
	return series, broken(faults)
}

// sorted is a series from its first slice to its last.
func (s *Set) sorted(series []*file) ([]*file, error) {
	first := series[0]
	if len(series) == 1 {
		if first.grid.depth < 2 {
			return nil, s.named(first, errors.New("it is the only slice of its series: a volume has 2 or more"))
		}
		return series, nil
	}
	for _, f := range series {
		if err := like(first, f); err != nil {
			return nil, s.named(f, fmt.Errorf("%w %q, which is of the same series", err, s.path(first)))
		}
	}
	at := byNumber
	if first.dicom.Position != nil {
		at = byPosition(first.dicom.Normal())
	} else if i := slices.IndexFunc(series, func(f *file) bool { return f.dicom.Instance == nil }); i >= 0 {
		return nil, s.named(series[i], errors.New("it has neither ImagePositionPatient nor InstanceNumber, which say where its slice lies"))
	}
	sorted := slices.Clone(series)
	slices.SortStableFunc(sorted, func(a, b *file) int { return cmp.Compare(at(a), at(b)) })
	return sorted, s.even(sorted, at)
}

// like says what keeps two files from being slices of one volume.
func like(first, f *file) error {
	switch a, b := first.dicom, f.dicom; {
	case b.Frames > 1 || a.Frames > 1:
		return fmt.Errorf("it has %d frames, expected 1 as long as there is", b.Frames)
	case a.Rows != b.Rows || a.Columns != b.Columns:
		return fmt.Errorf("it is %d×%d pixels, expected %d×%d as in", b.Columns, b.Rows, a.Columns, a.Rows)
	case (a.Position == nil) != (b.Position == nil):
		return errors.New("only one of two has an ImagePositionPatient, it or")
	case a.Orientation != nil:
		for i := range a.Orientation {
			if math.Abs(a.Orientation[i]-b.Orientation[i]) > mostTurn {
				return errors.New("its slice is turned against that of")
			}
		}
	}
	return nil
}

// byNumber is where a slice lies among those without positions.
func byNumber(f *file) float64 { return float64(*f.dicom.Instance) }

// byPosition is how far a slice lies along a direction.
func byPosition(n [3]float64) func(f *file) float64 {
	return func(f *file) float64 {
		p := f.dicom.Position
		return float64(n[0]*p[0]) + float64(n[1]*p[1]) + float64(n[2]*p[2])
	}
}

// even refuses slices at one place, and gaps.
func (s *Set) even(sorted []*file, at func(*file) float64) error {
	var steps []float64
	for i, f := range sorted[1:] {
		step := at(f) - at(sorted[i])
		if step < leastSpaced {
			return s.named(f, fmt.Errorf("it lies at the same place as %q, which is of the same series", s.path(sorted[i])))
		}
		steps = append(steps, step)
	}
	ordered := slices.Sorted(slices.Values(steps))
	usual := ordered[(len(ordered)-1)/2]
	for i, step := range steps {
		if math.Abs(step-usual) > mostUneven*usual {
			return s.named(sorted[i+1], fmt.Errorf("slices of its series are missing or unequally spaced: it lies %.3f after %q, the usual distance is %.3f", step, s.path(sorted[i]), usual))
		}
	}
	return nil
}
