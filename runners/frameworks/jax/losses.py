"""The plan's losses by jax.nn, in float32. Logits have their classes last; labels are a class
of each image or each pixel, or zeros and ones for each class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlbench_sdk.plan import Dice, Plan

Loss = Callable[[Any, Any], Any]


def loss_of(jax: Any, plan: Plan) -> Loss:
    """What makes a scalar of logits and labels."""
    if plan.loss == "sigmoid_cross_entropy":
        return sigmoid_cross_entropy(jax)
    cross_entropy = softmax_cross_entropy(jax)
    if plan.dice is None:
        return cross_entropy
    mean_dice = dice_of(jax, plan.dice)
    return lambda logits, labels: cross_entropy(logits, labels) - mean_dice(logits, labels)


def softmax_cross_entropy(jax: Any) -> Loss:
    jnp = jax.numpy

    def mean(logits: Any, labels: Any) -> Any:
        log_p = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(log_p, labels[..., None], -1).mean()

    return mean


def sigmoid_cross_entropy(jax: Any) -> Loss:
    log_sigmoid = jax.nn.log_sigmoid

    def mean(logits: Any, labels: Any) -> Any:
        return -(labels * log_sigmoid(logits) + (1 - labels) * log_sigmoid(-logits)).mean()

    return mean


def dice_of(jax: Any, dice: Dice) -> Loss:
    """The mean Dice of all classes but the first, which is the background."""

    def mean(logits: Any, labels: Any) -> Any:
        share, truth = jax.nn.softmax(logits), jax.nn.one_hot(labels, logits.shape[-1])
        axes = dice.axes(logits.ndim, -1)
        overlap = (share * truth).sum(axes)
        both = share.sum(axes) + truth.sum(axes)
        return ((2 * overlap + dice.smooth) / (both + dice.smooth))[..., 1:].mean()

    return mean
