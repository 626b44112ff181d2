"""The losses of plans that train: Keras' own, and the Dice of nnU-Net in Keras' operations, because
keras.losses.Dice counts the background, and all images together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlbench_sdk.plan import Dice, Plan

Loss = Callable[[Any, Any], Any]  # of labels and logits


def loss_of(keras: Any, plan: Plan, axis: int) -> Loss:
    """With the classes at that axis of the logits."""
    if plan.loss == "sigmoid_cross_entropy":
        return keras.losses.BinaryCrossentropy(from_logits=True)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, axis=axis)
    if plan.dice is None:
        return entropy
    dice = plan.dice
    return lambda y, z: entropy(y, z) - mean_dice(keras.ops, z, y, axis, dice)


def mean_dice(ops: Any, logits: Any, labels: Any, axis: int, dice: Dice) -> Any:
    """Over the classes but the background, and over the images if each has its own."""
    shares = ops.softmax(logits, axis)
    truth = ops.one_hot(labels, logits.shape[axis], axis=axis)
    over = dice.axes(len(logits.shape), axis)
    both = ops.sum(shares * truth, over)
    either = ops.sum(shares, over) + ops.sum(truth, over)
    return ops.mean(((2.0 * both + dice.smooth) / (either + dice.smooth))[..., 1:])
