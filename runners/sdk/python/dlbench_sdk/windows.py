"""How windows slide over images: what convolutions, pools and resizing have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .plan import Node


def pad(x: np.ndarray, pads: Sequence[int], value: float = 0.0) -> np.ndarray:
    """Pad [top, left, bottom, right]."""
    if not any(pads):
        return x
    top, left, bottom, right = pads
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)


def is_same(node: Node) -> bool:
    """Whether a convolution's pads are half the kernel on each side, at stride 1: what frameworks
    call SAME is the plan's padding then, and only then."""
    half = [k // 2 for k in node.kernel_shape]
    odd = all(k % 2 for k in node.kernel_shape)
    unit = [*node.strides, *node.dilations] == [1, 1, 1, 1]
    return unit and odd and list(node.pads) == half + half


def unfold(x: np.ndarray, kernel: Any, strides: Any, dilations: Any) -> np.ndarray:
    """Windows of a padded input, as a view [N, C, kh, kw, oh, ow]."""
    (kh, kw), (sh, sw), (dh, dw) = kernel, strides, dilations
    n, c, h, w = x.shape
    size = (h - dh * (kh - 1) - 1) // sh + 1, (w - dw * (kw - 1) - 1) // sw + 1
    batch, channel, row, column = x.strides
    steps = (batch, channel, dh * row, dw * column, sh * row, sw * column)
    return as_strided(x, (n, c, kh, kw, *size), steps, writeable=False)


def fold(windows: np.ndarray, shape: Any, strides: Any, dilations: Any) -> np.ndarray:
    """The adjoint of unfold: add windows [N, C, kh, kw, oh, ow] into an array of that shape."""
    out = np.zeros(shape, windows.dtype)
    _, _, kh, kw, oh, ow = windows.shape
    for i in range(kh):
        for j in range(kw):
            top, left = i * dilations[0], j * dilations[1]
            rows = slice(top, top + (oh - 1) * strides[0] + 1, strides[0])
            columns = slice(left, left + (ow - 1) * strides[1] + 1, strides[1])
            out[:, :, rows, columns] += windows[:, :, i, j]
    return out


def crop(x: np.ndarray, pads: Any, size: Any) -> np.ndarray:
    """Undo a padding: the input's own part."""
    return x[:, :, pads[0] : pads[0] + size[0], pads[1] : pads[1] + size[1]]


def overhang(node: Node, size: Any, dilations: Any = (1, 1)) -> list[int]:
    """Rows and columns beyond the padding that windows of ceil_mode reach into."""
    extra = []
    for i in range(2):
        reach = dilations[i] * (node.kernel_shape[i] - 1) + 1
        end = (node.shape[2 + i] - 1) * node.strides[i] + reach
        extra.append(max(0, end - size[i] - node.pads[i] - node.pads[2 + i]))
    return [0, 0, *extra]


def reach(node: Node, size: Any) -> list[int]:
    """The padding of a pool, with what ceil_mode adds to it."""
    return [p + e for p, e in zip(node.pads, overhang(node, size))]


def window_counts(node: Node, size: Any) -> np.ndarray:
    """How many elements an average pool divides each window's sum by: [1, 1, oh, ow]."""
    ones = pad(np.ones((1, 1, *size)), node.pads, float(node.count_include_pad))
    counted = pad(ones, overhang(node, size))
    windows = unfold(counted, node.kernel_shape, node.strides, (1, 1))
    return windows[..., : node.shape[2], : node.shape[3]].sum((2, 3))


def average_correction(node: Node, size: Any) -> np.ndarray:
    """What turns an average over whole windows of a zero-padded input into the pool's own:
    [1, 1, oh, ow], all ones if both agree."""
    area = node.kernel_shape[0] * node.kernel_shape[1]
    return (area / window_counts(node, size)).astype(np.float32)


def shifts(node: Node) -> list[tuple[slice, slice]]:
    """For each place in a pool's window, the rows and columns of the padded input that it sees."""
    (kh, kw), (dh, dw), (sh, sw) = node.kernel_shape, node.dilations, node.strides
    h, w = node.shape[2:]
    return [
        (
            slice(i * dh, i * dh + (h - 1) * sh + 1, sh),
            slice(j * dw, j * dw + (w - 1) * sw + 1, sw),
        )
        for i in range(kh)
        for j in range(kw)
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
