"""The plan's losses by cntk.ops: a number for each image, whose mean is the plan's loss."""

import cntk as C
import numpy as np


def targets(plan, labels):
    """What the loss compares with the logits, in their shape: classes as ones and zeros."""
    if plan.loss == "sigmoid_cross_entropy":
        return labels
    ones = np.eye(plan.classes, dtype=np.float32)[labels]
    return np.moveaxis(ones, -1, 1)


def loss(plan, logits, wanted):
    if plan.loss == "sigmoid_cross_entropy":
        # binary_cross_entropy takes what the sigmoid has rounded to 1 already.
        return C.reduce_mean(C.softplus(logits) - logits * wanted)
    if plan.loss == "dice_cross_entropy":
        return of_pixels(logits, wanted) - dice(plan.dice, logits, wanted)
    if len(logits.shape) > 1:
        return of_pixels(logits, wanted)
    return C.cross_entropy_with_softmax(logits, wanted)


def of_pixels(logits, wanted):
    """The mean cross-entropy of an image's pixels."""
    return C.reduce_mean(C.cross_entropy_with_softmax(logits, wanted, axis=0))


def dice(how, logits, wanted):
    """The mean Dice of the classes without the first, which is the background."""
    share = C.softmax(logits, axis=0)
    common, sizes = total(how, share * wanted), total(how, share + wanted)
    scores = (2.0 * common + how.smooth) / (sizes + how.smooth)
    return C.reduce_mean(C.slice(scores, 0, 1, logits.shape[0]))


def total(how, x):
    """Over the pixels, and over the images too if they have one Dice: that is added to each
    image's part of the loss."""
    pixels = C.reduce_sum(x, axis=tuple(range(1, len(x.shape))))
    return C.reduce_sum(pixels, axis=C.Axis.default_batch_axis()) if how.batch else pixels
