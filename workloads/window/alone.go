package window

// Region is a box of the volume that only one patch covers, if that patch is a
// whole image: what a runner puts together there is what the network says of the
// image, whatever the weights are.
type Region struct {
	Image int   // counted through all slots, from 0
	Place []int // where the box begins in the volume
	At    []int // where it begins in the patch
	Size  []int
}

// Alone are the regions of a volume that is made of so many images side by side,
// each as large as a patch, the last axis the fastest, and from the first image
// again when they are used up. There is at least the first patch's.
func (w Window) Alone(patch []int, images int) ([]Region, error) {
	places, err := w.Places(patch)
	if err != nil {
		return nil, err
	}
	regions := []Region{{}}
	for axis, extent := range patch {
		tiles := (w.Size[axis] + extent - 1) / extent
		var longer []Region
		for _, r := range regions {
			for i, place := range places[axis] {
				from, to := place, place+extent
				if i > 0 {
					from = max(from, places[axis][i-1]+extent)
				}
				if i+1 < len(places[axis]) {
					to = min(to, places[axis][i+1])
				}
				if place%extent == 0 && from < to {
					longer = append(longer, r.along(r.Image*tiles+place/extent, place, from, to))
				}
			}
		}
		regions = longer
	}
	for i := range regions {
		regions[i].Image %= images
	}
	return regions, nil
}

// along is the region with one more axis, and its image's number so far.
func (r Region) along(image, place, from, to int) Region {
	with := func(list []int, n int) []int { return append(append([]int(nil), list...), n) }
	return Region{Image: image, Place: with(r.Place, from), At: with(r.At, from-place), Size: with(r.Size, to-from)}
}
