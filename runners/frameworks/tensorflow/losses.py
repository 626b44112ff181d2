"""The plan's losses by tf.nn. Logits have their classes last; labels are a class of each image or
each pixel, or zeros and ones for each class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlbench_sdk.plan import Dice, Plan

Loss = Callable[[Any, Any], Any]


def loss_of(tf: Any, plan: Plan) -> Loss:
    """What makes a scalar of logits and labels."""
    if plan.loss == "sigmoid_cross_entropy":
        return lambda logits, labels: tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
        )
    cross_entropy = softmax_cross_entropy(tf)
    if plan.dice is None:
        return cross_entropy
    mean_dice = dice_of(tf, plan.dice)
    return lambda logits, labels: cross_entropy(logits, labels) - mean_dice(logits, labels)


def softmax_cross_entropy(tf: Any) -> Loss:
    return lambda logits, labels: tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    )


def dice_of(tf: Any, dice: Dice) -> Loss:
    """The mean Dice of all classes but the first, which is the background."""

    def mean(logits: Any, labels: Any) -> Any:
        share, truth = tf.nn.softmax(logits), tf.one_hot(labels, logits.shape[-1])
        axes = dice.axes(len(logits.shape), -1)
        overlap = tf.reduce_sum(share * truth, axes)
        both = tf.reduce_sum(share, axes) + tf.reduce_sum(truth, axes)
        return tf.reduce_mean(((2 * overlap + dice.smooth) / (both + dice.smooth))[..., 1:])

    return mean
