"""How windows slide over images and volumes: what convolutions, pools and resizing have in common.
Pads are all begins, then all ends; every list has one number for each spatial axis."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .plan import Node

ALL = (slice(None), slice(None))  # images and channels


def pad(x: np.ndarray, pads: Sequence[int], value: float = 0.0) -> np.ndarray:
    """Pad [top, left, bottom, right], or [front, top, left, back, bottom, right]."""
    if not any(pads):
        return x
    return np.pad(x, ((0, 0), (0, 0), *sides(pads)), constant_values=value)


def sides(pads: Sequence[int]) -> list[tuple[int, int]]:
    """The pads of each axis: before it and behind it."""
    axes = len(pads) // 2
    return list(zip(pads[:axes], pads[axes:]))


def is_same(node: Node) -> bool:
    """Whether a convolution's pads are half the kernel on each side, at stride 1: what frameworks
    call SAME is the plan's padding then, and only then."""
    half = [k // 2 for k in node.kernel_shape]
    odd = all(k % 2 for k in node.kernel_shape)
    unit = all(step == 1 for step in [*node.strides, *node.dilations])
    return unit and odd and list(node.pads) == half + half


def unfold(x: np.ndarray, kernel: Any, strides: Any, dilations: Any) -> np.ndarray:
    """Windows of a padded input, as a view [N, C, kh, kw, oh, ow], or with three axes each."""
    size = [
        (s - d * (k - 1) - 1) // t + 1
        for s, k, t, d in zip(x.shape[2:], kernel, strides, dilations)
    ]
    inside = [d * step for d, step in zip(dilations, x.strides[2:])]
    between = [t * step for t, step in zip(strides, x.strides[2:])]
    steps = (*x.strides[:2], *inside, *between)
    return as_strided(x, (*x.shape[:2], *kernel, *size), steps, writeable=False)


def fold_into(out: np.ndarray, windows: np.ndarray, strides: Any, dilations: Any) -> None:
    """The adjoint of unfold: add windows [N, C, kh, kw, oh, ow], or with three axes each, to what
    is there."""
    axes = len(strides)
    kernel, size = windows.shape[2 : 2 + axes], windows.shape[2 + axes :]
    for place in itertools.product(*map(range, kernel)):
        out[ALL + seen(place, size, strides, dilations)] += windows[ALL + place]


def seen(place: Sequence[int], size: Any, strides: Any, dilations: Any) -> tuple[slice, ...]:
    """What a place of the kernel sees of a padded input, for an output of that size."""
    return tuple(
        slice(i * d, i * d + (s - 1) * t + 1, t)
        for i, s, t, d in zip(place, size, strides, dilations)
    )


def crop(x: np.ndarray, pads: Any, size: Any) -> np.ndarray:
    """Undo a padding: the input's own part."""
    part: Any = (..., *(slice(p, p + s) for p, s in zip(pads, size)))
    return x[part]


def overhang(node: Node, size: Any, dilations: Any = None) -> list[int]:
    """Rows and columns beyond the padding that windows of ceil_mode reach into, as pads."""
    axes = len(size)
    extra = []
    for i, dilation in enumerate(dilations or [1] * axes):
        reach = dilation * (node.kernel_shape[i] - 1) + 1
        end = (node.shape[2 + i] - 1) * node.strides[i] + reach
        extra.append(max(0, end - size[i] - node.pads[i] - node.pads[axes + i]))
    return [0] * axes + extra


def reach(node: Node, size: Any) -> list[int]:
    """The padding of a pool, with what ceil_mode adds to it."""
    return [p + e for p, e in zip(node.pads, overhang(node, size))]


def window_counts(node: Node, size: Any) -> np.ndarray:
    """How many elements an average pool divides each window's sum by: [1, 1, oh, ow], or with
    three axes."""
    axes = len(size)
    ones = pad(np.ones((1, 1, *size)), node.pads, float(node.count_include_pad))
    counted = pad(ones, overhang(node, size))
    windows = unfold(counted, node.kernel_shape, node.strides, [1] * axes)
    own = crop(windows, [0] * axes, node.shape[2:])
    return own.sum(tuple(range(2, 2 + axes)))


def average_correction(node: Node, size: Any) -> np.ndarray:
    """What turns an average over whole windows of a zero-padded input into the pool's own:
    [1, 1, oh, ow], or with three axes; all ones if both agree."""
    return (math.prod(node.kernel_shape) / window_counts(node, size)).astype(np.float32)


def shifts(node: Node, dilations: Any = None) -> list[tuple[slice, ...]]:
    """For each place in a pool's window, what of the padded input it sees: a slice of each axis.
    Dilations are the node's own, if none are given."""
    return [
        seen(place, node.shape[2:], node.strides, dilations or node.dilations)
        for place in itertools.product(*map(range, node.kernel_shape))
    ]


def resize_matrix(node: Node, size: int, scale: int) -> np.ndarray:
    """One side of a separable resize: [size * scale, size]."""
    out = np.arange(size * scale)
    half = 0.5 if node.coordinate_transformation_mode == "half_pixel" else 0.0
    place = (out + half) / scale - half
    low = np.floor(place)
    share = place - low if node.mode == "linear" else np.zeros(len(out))
    matrix = np.zeros((len(out), size))
    np.add.at(matrix, (out, np.clip(low, 0, size - 1).astype(int)), 1 - share)
    np.add.at(matrix, (out, np.clip(low + 1, 0, size - 1).astype(int)), share)
    return matrix
