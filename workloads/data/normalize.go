package data

import (
	"image"

	"golang.org/x/image/draw"
)

// How an image becomes an input; docs/own-networks.md says it to users, and of
// slices and volumes docs/medical.md. The
// middle of the image, of the input's aspect, is scaled by Catmull and Rom's
// kernel, which takes the mean where it makes an image smaller. What is
// transparent is black.

// The normalisation of ImageNet, and for one channel the means of both. They are
// torchvision's for its networks.
var (
	means = map[int][]float64{1: {0.449}, 3: {0.485, 0.456, 0.406}}
	stds  = map[int][]float64{1: {0.226}, 3: {0.229, 0.224, 0.225}}
)

// normalize fills out with an image as [C H W].
func normalize(from image.Image, shape []int, out []float32) {
	c, h, w := shape[0], shape[1], shape[2]
	scaled := image.NewRGBA(image.Rect(0, 0, w, h)) // black, so that alpha is composited onto that
	draw.CatmullRom.Scale(scaled, scaled.Bounds(), from, middle(from.Bounds(), w, h), draw.Over, nil)
	for i := range h * w {
		pixel := scaled.Pix[4*i : 4*i+3]
		if c == 1 {
			out[i] = value(grey(pixel), means[1][0], stds[1][0])
			continue
		}
		for channel, v := range pixel {
			out[channel*h*w+i] = value(float64(v), means[3][channel], stds[3][channel])
		}
	}
}

// spread fills each of the channels of out with grey values from 0 to 1.
func spread(grey []float64, channels int, out []float32) {
	for c := range channels {
		for i, v := range grey {
			out[c*len(grey)+i] = float32((v - means[channels][c]) / stds[channels][c])
		}
	}
}

// grey is the luma of ITU-R BT.601, as JPEG and the common libraries have it.
func grey(rgb []uint8) float64 {
	return float64(0.299*float64(rgb[0])) + float64(0.587*float64(rgb[1])) + float64(0.114*float64(rgb[2]))
}

// value brings 0 to 255 to about −2 to 2. The conversions keep a compiler from
// fusing operations, which would round otherwise on some processors.
func value(v, mean, std float64) float32 {
	return float32((float64(v/255) - mean) / std)
}

// middle is the largest part of an image with the aspect w:h, in its middle.
func middle(r image.Rectangle, w, h int) image.Rectangle {
	width, height := r.Dx(), r.Dy()
	if width*h > height*w {
		width = max(1, height*w/h)
	} else {
		height = max(1, width*h/w)
	}
	x, y := r.Min.X+(r.Dx()-width)/2, r.Min.Y+(r.Dy()-height)/2
	return image.Rect(x, y, x+width, y+height)
}
