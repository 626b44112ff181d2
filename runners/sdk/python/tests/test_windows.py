"""Windows over images and volumes, against what a loop over every element finds."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from dlbench_sdk.nhwc import explicit, from_nchw
from dlbench_sdk.windows import (
    average_correction,
    crop,
    fold_into,
    is_same,
    overhang,
    pad,
    shifts,
    unfold,
)

SIZE = (7, 6, 5)
KERNEL, STRIDES, DILATIONS, PADS = (3, 2, 2), (2, 1, 3), (1, 2, 1), (1, 0, 2, 0, 1, 1)


def window(axes):
    pads = (*PADS[3 - axes : 3], *PADS[6 - axes :])
    return SIZE[-axes:], KERNEL[-axes:], STRIDES[-axes:], DILATIONS[-axes:], pads


@pytest.mark.parametrize("axes", [2, 3])
def test_unfold_finds_every_element(axes):
    size, kernel, strides, dilations, pads = window(axes)
    x = np.random.default_rng(0).normal(size=(2, 3, *size))
    found = unfold(pad(x, pads, -7.0), kernel, strides, dilations)
    for place in itertools.product(*map(range, found.shape[2:])):
        inside, outside = place[:axes], place[axes:]
        at = [o * s + i * d - p for o, s, i, d, p in zip(outside, strides, inside, dilations, pads)]
        there = all(0 <= a < extent for a, extent in zip(at, size))
        want = x[(..., *at)] if there else np.full((2, 3), -7.0)
        assert (found[(slice(None), slice(None), *place)] == want).all()


@pytest.mark.parametrize("axes", [2, 3])
def test_fold_is_the_adjoint_of_unfold(axes):
    size, kernel, strides, dilations, pads = window(axes)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, *size))
    padded = pad(x, pads)
    windows = unfold(padded, kernel, strides, dilations)
    other = rng.normal(size=windows.shape)
    back = np.zeros_like(padded)
    fold_into(back, other, strides, dilations)
    assert (windows * other).sum() == pytest.approx((x * crop(back, pads, size)).sum())


@pytest.mark.parametrize("axes", [2, 3])
def test_shifts_are_the_windows(axes):
    size, kernel, strides, dilations, pads = window(axes)
    padded = pad(np.random.default_rng(0).normal(size=(2, 3, *size)), pads)
    windows = unfold(padded, kernel, strides, dilations)
    shape = (2, 3, *windows.shape[2 + axes :])
    node = SimpleNamespace(kernel_shape=kernel, strides=strides, dilations=dilations, shape=shape)
    found = np.stack([padded[(..., *slices)] for slices in shifts(node)], 2)
    assert (found == windows.reshape(2, 3, -1, *shape[2:])).all()


def test_an_average_over_part_of_a_window():
    node = SimpleNamespace(
        kernel_shape=[2, 2, 2],
        strides=[2, 2, 2],
        pads=[1, 0, 0, 0, 0, 0],
        count_include_pad=0,
        shape=(1, 1, 2, 2, 2),
    )
    assert overhang(node, (3, 4, 3)) == [0, 0, 0, 0, 0, 1]
    # The front half of the first window is padding, the right half of the last one overhangs.
    want = np.array([[[2, 4], [2, 4]], [[1, 2], [1, 2]]], np.float32)
    assert (average_correction(node, (3, 4, 3))[0, 0] == want).all()


def test_same_is_half_the_kernel_at_stride_one():
    for axes in (2, 3):
        half = {"kernel_shape": [3] * axes, "pads": [1] * 2 * axes}
        unit = {"strides": [1] * axes, "dilations": [1] * axes}
        assert is_same(SimpleNamespace(**half, **unit))
        assert not is_same(SimpleNamespace(**half, **{**unit, "strides": [1] * (axes - 1) + [2]}))


def test_channels_last():
    assert explicit([1, 2, 3, 4, 5, 6]) == [[0, 0], [1, 4], [2, 5], [3, 6], [0, 0]]
    assert from_nchw(np.zeros((2, 3, 4, 5, 6))).shape == (2, 4, 5, 6, 3)
    assert from_nchw(np.zeros((2, 3, 4, 5))).shape == (2, 4, 5, 3)
