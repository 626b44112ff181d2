"""The judge's losses, against formulas of one pixel after another, and their gradients against
finite differences."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import adapters
import numpy as np
import plans
import pytest
from test_plan import many, pixels

losses = adapters.module("reference", "losses.py")
SIZES = {"images": (), "pixels": (3, 4), "voxels": (3, 2, 4)}


def drawn(size, classes=3):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, (2, *size))
    return rng.normal(0, 2, (2, classes, *size)), labels


def probabilities(logits):
    """Of one pixel."""
    powers = [math.exp(z) for z in logits]
    return [p / sum(powers) for p in powers]


def places(size):
    return itertools.product(range(2), *map(range, size))


def entropy(logits, labels):
    found = []
    for n, *at in places(logits.shape[2:]):
        p = probabilities(logits[(n, slice(None), *at)])
        found.append(-math.log(p[labels[(n, *at)]]))
    return sum(found) / len(found)


def dice(logits, labels, smooth, batch):
    """The mean over the classes without the background, of the batch or of each image."""
    shape = logits.shape[:2]
    overlap, predicted, true = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for n, *at in places(logits.shape[2:]):
        p, label = probabilities(logits[(n, slice(None), *at)]), labels[(n, *at)]
        predicted[n] += p
        true[n, label] += 1
        overlap[n, label] += p[label]
    found = []
    for c in range(1, shape[1]):
        images = [(overlap[:, c].sum(), predicted[:, c].sum(), true[:, c].sum())]
        if not batch:
            images = list(zip(overlap[:, c], predicted[:, c], true[:, c]))
        found += [(2 * i + smooth) / (p + t + smooth) for i, p, t in images]
    return sum(found) / len(found)


def is_the_derivative(loss, logits):
    _, gradient = loss(logits)
    assert gradient.shape == logits.shape
    for i in np.ndindex(*logits.shape):
        above, below = logits.copy(), logits.copy()
        above[i] += 1e-6
        below[i] -= 1e-6
        expected = (loss(above)[0] - loss(below)[0]) / 2e-6
        assert gradient[i] == pytest.approx(expected, rel=2e-5, abs=2e-8), i


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_softmax_cross_entropy(size):
    logits, labels = drawn(size)
    loss, _ = losses.softmax_cross_entropy(logits, labels)
    assert loss == pytest.approx(entropy(logits, labels), rel=1e-12)
    is_the_derivative(lambda z: losses.softmax_cross_entropy(z, labels), logits)


@pytest.mark.parametrize("smooth", [1e-5, 1.5])
@pytest.mark.parametrize("batch", [True, False], ids=["of the batch", "of each image"])
@pytest.mark.parametrize("name", ["pixels", "voxels"])
def test_dice_cross_entropy(name, batch, smooth):
    logits, labels = drawn(SIZES[name])
    labels[0][labels[0] == 2] = 0  # a class that one image has none of
    loss, _ = losses.dice_cross_entropy(logits, labels, smooth, batch)
    want = entropy(logits, labels) - dice(logits, labels, smooth, batch)
    assert loss == pytest.approx(want, rel=1e-12)
    is_the_derivative(lambda z: losses.dice_cross_entropy(z, labels, smooth, batch), logits)


def test_sigmoid_cross_entropy():
    logits, labels = drawn(())[0], np.array([[1, 0, 0], [1, 1, 0]], np.float32)
    found = []
    for i in np.ndindex(2, 3):
        p = 1 / (1 + math.exp(-logits[i]))
        found.append(-math.log(p if labels[i] else 1 - p))
    loss, _ = losses.sigmoid_cross_entropy(logits, labels)
    assert loss == pytest.approx(sum(found) / 6, rel=1e-12)
    is_the_derivative(lambda z: losses.sigmoid_cross_entropy(z, labels), logits)
    with np.errstate(over="raise"):
        loss, gradient = losses.sigmoid_cross_entropy(np.array([[800.0, -800.0]]), np.ones((1, 2)))
    assert loss == 400 and gradient.round(12).tolist() == [[0, -0.5]]


@pytest.mark.parametrize(
    ("doc", "want"),
    [
        (pixels("softmax_cross_entropy"), entropy),
        (
            pixels("dice_cross_entropy", axes=3),
            lambda z, y: entropy(z, y) - dice(z, y, 1e-5, True),
        ),
    ],
    ids=["pixels", "dice"],
)
def test_the_plan_says_which_loss(doc, want, tmp_path):
    plan = plans.loaded(tmp_path, doc)
    network = adapters.network("reference", plan)
    loss, _ = network.gradients(1)
    assert loss == pytest.approx(want(network.outputs(1)["logits"], plan.labels[1]), rel=1e-12)
    if plan.dice is not None:
        other = replace(plan, dice=replace(plan.dice, batch=False))
        assert adapters.network("reference", other).gradients(1)[0] != loss


def test_the_plan_says_many_labels(tmp_path):
    plan = plans.loaded(tmp_path, many())
    network = adapters.network("reference", plan)
    loss, gradients = network.gradients(0)
    z, y, x = network.outputs(0)["logits"], plan.labels[0], plan.inputs[0].reshape(2, 90)
    p = 1 / (1 + np.exp(-z))
    assert loss == pytest.approx(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())
    np.testing.assert_allclose(gradients["w"], (p - y).T @ x / 8)


def test_every_sum_over_pixels_is_told():
    """For its noise: a loss that is a small difference of two has the rounding of both."""
    sums = []

    def summed(total, terms):
        sums.append((np.shape(total), terms))
        return total

    for batch, shape in ((True, (1, 3, 1, 1)), (False, (2, 3, 1, 1))):
        sums.clear()
        losses.dice_cross_entropy(*drawn((3, 4)), 1e-5, batch, summed)
        assert sums == [((), 12), (shape, 12), (shape, 12)]
    sums.clear()
    losses.softmax_cross_entropy(*drawn(()), summed)
    assert sums == []  # of one label an image it is rounded once, as everything that is kept


def test_sums_over_pixels_are_noisy_like_sums(tmp_path):
    plan = plans.loaded(tmp_path, pixels("dice_cross_entropy"))
    network = adapters.network("reference", plan)
    logits = network.outputs(0)["logits"]
    clean = network.loss(logits, plan.labels[0])
    network.set_noise("fp32", 1)
    noisy = network.loss(logits, plan.labels[0])
    for exact, moved in zip(clean, noisy):
        distance = abs(np.asarray(moved) - exact).max() / abs(np.asarray(exact)).max()
        assert 1e-9 < distance < 2.0**-24 * 10 * math.sqrt(30)
