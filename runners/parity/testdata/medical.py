"""Like mutant.py, of what networks for medical images use: losses of pixels and of findings,
instance norms, volumes, and ways to enlarge them.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
from mutant import Float32, changed, main

from frameworks.reference import operators as ops
from frameworks.reference.losses import dice_cross_entropy, softmax_cross_entropy


class Honest(Float32):
    """honest: the reference's formulas in float32"""


# The loss is another one.


class DiceUnsmoothed(Honest):
    """Dice is without the smoothing constant"""

    def loss(self, logits, labels):
        return with_dice(self, logits, labels, smooth=0.0)


class DiceOfTheOther(Honest):
    """Dice's sums are over each image instead of the batch, or the other way round"""

    def loss(self, logits, labels):
        dice = self.plan.dice
        return with_dice(self, logits, labels, batch=dice is not None and not dice.batch)


class DiceOfTheBackground(Honest):
    """the mean Dice has the background in it"""

    def loss(self, logits, labels):
        dice = self.plan.dice
        if dice is None:
            return super().loss(logits, labels)
        # A class before the background that no pixel has, and whose share is nothing.
        none = np.full_like(logits[:, :1], -1e4)
        shifted = np.concatenate([none, logits], 1)
        value, gradient = dice_cross_entropy(shifted, labels + 1, dice.smooth, dice.batch)
        return value, gradient[:, 1:]


class DiceAdded(Honest):
    """Dice is added to the cross-entropy instead of taken from it"""

    def loss(self, logits, labels):
        dice = self.plan.dice
        value, gradient = super().loss(logits, labels)
        if dice is None:
            return value, gradient
        entropy, slope = softmax_cross_entropy(logits, labels)
        return 2 * entropy - value, 2 * slope - gradient


class PixelsSummed(Honest):
    """the loss of pixels is summed over an image, and a mean only over the images"""

    def loss(self, logits, labels):
        value, gradient = super().loss(logits, labels)
        pixels = labels.size // len(labels) if np.issubdtype(labels.dtype, np.integer) else 1
        return value * pixels, gradient * pixels


class FindingsSummed(Honest):
    """the loss of findings is summed over the classes, and a mean only over the images"""

    def loss(self, logits, labels):
        value, gradient = super().loss(logits, labels)
        classes = logits.shape[1] if self.plan.loss == "sigmoid_cross_entropy" else 1
        return value * classes, gradient * classes


class LabelsTurned(Honest):
    """the labels of pixels are read with the first and the last axis of space swapped"""

    def loss(self, logits, labels):
        if labels.ndim > 2:
            turned = labels.swapaxes(1, -1)
            labels = np.ascontiguousarray(turned).reshape(labels.shape)
        return super().loss(logits, labels)


def with_dice(network, logits, labels, **changes):
    dice = network.plan.dice
    if dice is None:
        return Honest.loss(network, logits, labels)
    dice = dataclasses.replace(dice, **changes)
    return dice_cross_entropy(logits, labels, dice.smooth, dice.batch)


# An operator is another one.


class UnbiasedInstances(Honest):
    """instance norm divides by the unbiased variance"""

    class InstanceNormalization(ops.InstanceNormalization):
        def forward(self, node, x, scale, bias):
            pixels = x[0, 0].size
            return super().forward(node, x, scale * np.sqrt((pixels - 1) / pixels), bias)


class InstanceEpsilon(Honest):
    """instance norm's ε is 1e-3, Keras' default for norms"""

    def rewrite(self, plan):
        norms = ("InstanceNormalization",)
        return [changed(n, epsilon=1e-3) if n.op in norms else n for n in plan.nodes]


class WholeBatchInstances(Honest):
    """instance norm normalises over the batch, as batch norm does"""

    class InstanceNormalization(ops.InstanceNormalization):
        def forward(self, node, x, scale, bias):
            turned = x.swapaxes(0, 1)[None].reshape(1, x.shape[1], -1, *x.shape[3:])
            self.batch = x.shape[0]
            y = super().forward(node, turned, scale, bias)
            return self.back(y)

        def backward(self, node, dy):
            turned = dy.swapaxes(0, 1)[None].reshape(1, dy.shape[1], -1, *dy.shape[3:])
            dx, *others = super().backward(node, turned)
            return [self.back(dx), *others]

        def back(self, y):
            apart = y.reshape(y.shape[1], self.batch, -1, *y.shape[3:])
            return np.ascontiguousarray(apart.swapaxes(0, 1))


class AlignedCorners(Honest):
    """linear resizing aligns the corners"""

    class Resize(ops.Resize):
        def forward(self, node, x):
            if node.mode == "nearest":
                return super().forward(node, x)
            sides = zip(x.shape[2:], node.scales)
            self.matrices = [aligned(*side).astype(x.dtype) for side in sides]
            return self.along(x, self.matrices)


def aligned(size: int, scale: int) -> np.ndarray:
    out = size * scale
    place = np.arange(out) * (size - 1) / (out - 1)
    low = np.minimum(place.astype(int), size - 2) if size > 1 else np.zeros(out, int)
    matrix = np.zeros((out, size))
    matrix[np.arange(out), low] = 1 - (place - low)
    if size > 1:
        matrix[np.arange(out), low + 1] = place - low
    return matrix


class OutputPaddedBefore(Honest):
    """a transposed convolution's output padding is at the beginning instead of the end"""

    def rewrite(self, plan):
        return [padded_before(n) if n.op == "ConvTranspose" else n for n in plan.nodes]


def padded_before(node):
    axes, extra = len(node.kernel_shape), node.output_padding
    pads = list(node.pads)
    if not any(extra) or any(pads[i] < extra[i] for i in range(axes)):
        return node
    begins = [pads[i] - extra[i] for i in range(axes)]
    ends = [pads[axes + i] + extra[i] for i in range(axes)]
    return changed(node, pads=begins + ends, output_padding=extra)


class AxesTurned(Honest):
    """the kernels of volumes are read as [width, height, depth]"""

    class Conv(ops.Conv):
        def forward(self, node, x, w, *bias):
            turned = w.ndim == 5 and w.shape[2] == w.shape[4]
            return super().forward(node, x, w.swapaxes(2, 4).copy() if turned else w, *bias)


class DepthAsBatch(Honest):
    """a volume's slices are convolved each by itself: only the middle of a kernel's depth"""

    class Conv(ops.Conv):
        def forward(self, node, x, w, *bias):
            if w.ndim == 5 and w.shape[2] == 3:
                middle = np.zeros_like(w)
                middle[:, :, 1] = w[:, :, 1]
                w = middle
            return super().forward(node, x, w, *bias)


if __name__ == "__main__":
    sys.exit(main(Honest, "medical-"))
