"""What the judge computes of volumes, norms of instances and bands of columns, against formulas of
one element after another."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import adapters
import numpy as np
import pytest

reference = adapters.module("reference")
convolutions = adapters.module("reference", "convolutions.py")
OPERATORS = reference.OPERATORS
EXTENTS = (5, 4, 3)
KERNEL, STRIDES, DILATIONS, PADS = (3, 2, 2), (2, 1, 3), (1, 2, 1), (1, 0, 2, 0, 1, 1)


def window(**more):
    return SimpleNamespace(
        kernel_shape=KERNEL, strides=STRIDES, dilations=DILATIONS, pads=PADS, **more
    )


def meetings(places, extents):
    """Every place of a grid with every one of the kernel, and where they meet within the image."""
    for place in itertools.product(*map(range, places)):
        for inside in itertools.product(*map(range, KERNEL)):
            every = zip(place, inside, STRIDES, DILATIONS, PADS)
            at = tuple(o * s + i * d - p for o, i, s, d, p in every)
            if all(0 <= a < e for a, e in zip(at, extents)):
                yield place, inside, at


def grid():
    reach = [d * (k - 1) + 1 for d, k in zip(DILATIONS, KERNEL)]
    room = [e + PADS[i] + PADS[3 + i] - reach[i] for i, e in enumerate(EXTENTS)]
    return tuple(r // s + 1 for r, s in zip(room, STRIDES))


@pytest.mark.parametrize("band", [1, 4 << 20], ids=["row by row", "at once"])
def test_convolution(band, monkeypatch):
    monkeypatch.setattr(convolutions, "BAND_BYTES", band)
    rng = np.random.default_rng(0)
    x, w, b = (
        rng.normal(size=(2, 4, *EXTENTS)),
        rng.normal(size=(6, 2, *KERNEL)),
        rng.normal(size=6),
    )
    want = np.zeros((2, 6, *grid())) + b.reshape(1, 6, 1, 1, 1)
    dy = rng.normal(size=want.shape)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for place, inside, at in meetings(grid(), EXTENTS):
        for group in range(2):
            ins, outs = slice(2 * group, 2 * group + 2), slice(3 * group, 3 * group + 3)
            image, kernel = (slice(None), ins, *at), (outs, slice(None), *inside)
            here = (slice(None), outs, *place)
            want[here] += x[image] @ w[kernel].T
            dx[image] += dy[here] @ w[kernel]
            dw[kernel] += dy[here].T @ x[image]
    node = window(group=2, shape=want.shape)
    conv = OPERATORS["Conv.3d"](True)
    np.testing.assert_allclose(conv.forward(node, x, w, b), want, atol=1e-12)
    got = conv.backward(node, dy)
    for found, expected in zip(got, (dx, dw, dy.sum((0, 2, 3, 4)))):
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("band", [1, 4 << 20], ids=["row by row", "at once"])
def test_transposed_convolution_with_output_padding(band, monkeypatch):
    """An image larger than its grid reaches: the rows of the output padding have only the bias, and
    their gradient goes nowhere else."""
    monkeypatch.setattr(convolutions, "BAND_BYTES", band)
    rng, more = np.random.default_rng(0), (1, 0, 2)
    places = (3, 4, 2)
    size = tuple(
        (g - 1) * s - PADS[i] - PADS[3 + i] + d * (k - 1) + 1 + more[i]
        for i, (g, s, d, k) in enumerate(zip(places, STRIDES, DILATIONS, KERNEL))
    )
    x, w, b = rng.normal(size=(2, 4, *places)), rng.normal(size=(4, 3, *KERNEL)), rng.normal(size=6)
    want = np.zeros((2, 6, *size)) + b.reshape(1, 6, 1, 1, 1)
    dy = rng.normal(size=want.shape)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for place, inside, at in meetings(places, size):
        for group in range(2):
            ins, outs = slice(2 * group, 2 * group + 2), slice(3 * group, 3 * group + 3)
            here, image = (slice(None), ins, *place), (slice(None), outs, *at)
            kernel = (ins, slice(None), *inside)
            want[image] += x[here] @ w[kernel]
            dx[here] += dy[image] @ w[kernel].T
            dw[kernel] += x[here].T @ dy[image]
    node = window(group=2, shape=want.shape, output_padding=more)
    operator = OPERATORS["ConvTranspose.3d"](True)
    got = operator.forward(node, x, w, b)
    np.testing.assert_allclose(got, want, atol=1e-12)
    beyond = want[..., -1]  # of the third axis, two more than the last window reaches, one pad less
    assert (beyond == np.broadcast_to(b.reshape(1, 6, 1, 1), beyond.shape)).all()
    for found, expected in zip(operator.backward(node, dy), (dx, dw, dy.sum((0, 2, 3, 4)))):
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_pools():
    x = np.random.default_rng(0).normal(size=(2, 3, *EXTENTS))
    greatest = np.full((2, 3, *grid()), -np.inf)
    for place, _, at in meetings(grid(), EXTENTS):
        here = (..., *place)
        greatest[here] = np.maximum(greatest[here], x[(..., *at)])
    node = window(ceil_mode=0, shape=greatest.shape)
    assert (OPERATORS["MaxPool.3d"](False).forward(node, x) == greatest).all()
    average = OPERATORS["AveragePool.3d"](False).forward(
        SimpleNamespace(
            kernel_shape=[2, 2, 1],
            strides=[2, 2, 1],
            pads=[1, 0, 0, 0, 0, 0],
            ceil_mode=0,
            count_include_pad=0,
            shape=(2, 3, 3, 2, 3),
        ),
        x,
    )
    np.testing.assert_allclose(average[..., 0, 1, 2], x[..., 0, 2:4, 2].mean(-1))
    np.testing.assert_allclose(average[..., 2, 0, 1], x[..., 3:5, 0:2, 1].mean((-2, -1)))
    whole = OPERATORS["GlobalAveragePool.3d"](False).forward(SimpleNamespace(), x)
    np.testing.assert_allclose(whole[..., 0, 0, 0], x.reshape(2, 3, -1).mean(-1))


def test_of_equal_elements_the_first_is_the_greatest():
    node = SimpleNamespace(
        kernel_shape=[2, 2, 2],
        strides=[2, 2, 2],
        pads=[0] * 6,
        dilations=[1, 1, 1],
        ceil_mode=0,
        shape=(1, 1, 1, 1, 1),
    )
    pool = OPERATORS["MaxPool.3d"](True)
    pool.forward(node, np.zeros((1, 1, 2, 2, 2)))
    gradient = pool.backward(node, np.ones((1, 1, 1, 1, 1)))[0]
    assert gradient.reshape(-1).tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("size", [(4, 3), EXTENTS], ids=["image", "volume"])
def test_every_channel_of_every_image_has_its_own_statistics(size):
    rng = np.random.default_rng(0)
    x, scale, bias = rng.normal(3, 2, size=(2, 3, *size)), rng.normal(size=3), rng.normal(size=3)
    for training in (False, True):
        node = SimpleNamespace(epsilon=1e-2)
        y = OPERATORS["InstanceNormalization"](training).forward(node, x, scale, bias)
        for n, c in itertools.product(range(2), range(3)):
            values = x[n, c].reshape(-1)
            mean = sum(values) / len(values)
            variance = sum((v - mean) ** 2 for v in values) / len(values)  # biased
            want = (values - mean) / np.sqrt(variance + 1e-2) * scale[c] + bias[c]
            np.testing.assert_allclose(y[n, c].reshape(-1), want, atol=1e-12)


@pytest.mark.parametrize("how", ["half_pixel", "asymmetric"])
def test_trilinear(how):
    x, scales = np.random.default_rng(0).normal(size=(1, 2, *EXTENTS)), (2, 3, 4)
    shape = tuple(e * s for e, s in zip(EXTENTS, scales))
    node = SimpleNamespace(mode="linear", coordinate_transformation_mode=how, scales=scales)
    y = OPERATORS["Resize.3d"](False).forward(node, x)
    assert y.shape == (1, 2, *shape)
    for place in itertools.product(*map(range, shape)):
        half = 0.5 if how == "half_pixel" else 0.0
        at = [(p + half) / s - half for p, s in zip(place, scales)]
        want = 0.0
        for corner in itertools.product((0, 1), repeat=3):
            low = [int(np.floor(a)) + c for a, c in zip(at, corner)]
            share = [1 - abs(a - i) for a, i in zip(at, low)]
            held = tuple(min(max(i, 0), e - 1) for i, e in zip(low, EXTENTS))
            want = want + np.prod(share) * x[(0, slice(None), *held)]
        np.testing.assert_allclose(y[(0, slice(None), *place)], want, atol=1e-12)


def test_nearest_takes_the_voxel_below():
    x, scales = np.random.default_rng(0).normal(size=(1, 2, *EXTENTS)), (2, 1, 3)
    node = SimpleNamespace(
        mode="nearest", coordinate_transformation_mode="asymmetric", scales=scales
    )
    y = OPERATORS["Resize.3d"](False).forward(node, x)
    for place in itertools.product(*map(range, y.shape[2:])):
        at = tuple(p // s for p, s in zip(place, scales))
        assert (y[(0, slice(None), *place)] == x[(0, slice(None), *at)]).all()
