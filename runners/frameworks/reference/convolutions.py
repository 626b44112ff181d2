"""Convolutions as matrix products over columns, each of which holds what the kernel sees at one
place. A volume has 27 times as many elements in columns as it has itself: they are made and used
a band of rows, or of a volume's slices, after another."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from dlbench_sdk.windows import crop, fold_into, pad, sides, unfold

from .operator import Operator, of_channels, spatial

BAND_BYTES = 4 << 20  # of columns at a time


class Kernel:
    """A kernel that stands on every place of a grid and sees a window of a padded image from each.
    The product with its weights [channels of the grid, channels of the image / group, kernel]
    leads from windows to the grid and back."""

    def __init__(self, node, w: np.ndarray, grid):
        self.node, self.grid = node, tuple(grid)
        self.w = w.reshape(node.group, w.shape[0] // node.group, -1)
        self.shape = w.shape

    def bands(self) -> Iterator[slice]:
        """Parts of the grid's first spatial axis."""
        group, _, length = self.w.shape
        row = group * length * math.prod(self.grid[1:]) * self.w.itemsize
        rows = max(1, BAND_BYTES // row)
        for start in range(0, self.grid[0], rows):
            yield slice(start, min(start + rows, self.grid[0]))

    def windows(self, padded: np.ndarray) -> np.ndarray:
        """A view: [N, C, kernel, grid]."""
        node = self.node
        every = unfold(padded, node.kernel_shape, node.strides, node.dilations)
        return crop(every, [0] * len(self.grid), self.grid)

    def columns(self, windows: np.ndarray, band: slice) -> np.ndarray:
        """Of one image: [group, C / group · kernel, places]."""
        part = windows[(slice(None),) * (1 + len(self.grid)) + (band,)]
        return part.reshape(self.w.shape[0], self.w.shape[2], -1)

    def places(self, image: np.ndarray, band: slice) -> np.ndarray:
        """Of one image on the grid: [group, C / group, places]."""
        return image[:, band].reshape(*self.w.shape[:2], -1)

    def gathered(self, padded: np.ndarray) -> np.ndarray:
        """What every place of the grid sees, weighted: a convolution."""
        out = np.empty((len(padded), self.shape[0], *self.grid), padded.dtype)
        for windows, image in zip(self.windows(padded), out):
            for band in self.bands():
                image[:, band] = (self.w @ self.columns(windows, band)).reshape(
                    image[:, band].shape
                )
        return out

    def scattered(self, grid: np.ndarray, shape) -> np.ndarray:
        """The adjoint: every place of the grid adds its weights to what it sees."""
        node, out = self.node, np.zeros(shape, grid.dtype)
        turned = self.w.transpose(0, 2, 1)
        for padded, image in zip(out, grid):
            for band in self.bands():
                windows = turned @ self.places(image, band)
                size = (band.stop - band.start, *self.grid[1:])
                windows = windows.reshape(1, shape[1], *node.kernel_shape, *size)
                first = band.start * node.strides[0]
                fold_into(padded[None, :, first:], windows, node.strides, node.dilations)
        return out

    def weighed(self, padded: np.ndarray, grid: np.ndarray) -> np.ndarray:
        """The gradient of the weights: what was seen, times what came of it."""
        total = np.zeros(self.w.shape, grid.dtype)
        for windows, image in zip(self.windows(padded), grid):
            for band in self.bands():
                total += self.places(image, band) @ self.columns(windows, band).transpose(0, 2, 1)
        return total.reshape(self.shape)


def padded_shape(shape, pads) -> tuple[int, ...]:
    return (*shape[:2], *(s + sum(side) for s, side in zip(shape[2:], sides(pads))))


def with_bias(y: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    return y if b is None else y + of_channels(b, y.ndim)


def over_channels(dy: np.ndarray) -> np.ndarray:
    """The gradient of a bias."""
    return dy.sum((0, *spatial(dy)))


class Conv(Operator):
    def forward(self, node, x, w, b=None):
        self.x, self.bias = x, b is not None
        self.kernel = Kernel(node, w, node.shape[2:])
        self.length = w[0].size
        return with_bias(self.kernel.gathered(pad(x, node.pads)), b)

    def backward(self, node, dy):
        dw = self.kernel.weighed(pad(self.x, node.pads), dy)
        dx = self.kernel.scattered(dy, padded_shape(self.x.shape, node.pads))
        dx = crop(dx, node.pads, self.x.shape[2:])
        return [dx, dw] + ([over_channels(dy)] if self.bias else [])


class ConvTranspose(Operator):
    """The input is the grid, and the output, with its padding, what the kernel sees."""

    def forward(self, node, x, w, b=None):
        self.x, self.bias = x, b is not None
        self.kernel = Kernel(node, w, x.shape[2:])
        self.length = w.shape[0] // node.group
        y = self.kernel.scattered(x, padded_shape(node.shape, node.pads))
        return with_bias(crop(y, node.pads, node.shape[2:]), b)

    def backward(self, node, dy):
        padded = pad(dy, node.pads)
        grads = [self.kernel.gathered(padded), self.kernel.weighed(padded, self.x)]
        return grads + ([over_channels(dy)] if self.bias else [])
