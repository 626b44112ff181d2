"""The plan's losses by paddle.nn.functional. Logits have their classes on axis 1; labels are a
class of each image or each pixel, or zeros and ones for each class."""

from __future__ import annotations

from typing import Any

from dlbench_sdk.plan import Dice, Plan


def loss_of(paddle: Any, plan: Plan, logits: Any, labels: Any) -> Any:
    """A scalar."""
    functional = paddle.nn.functional
    if plan.loss == "sigmoid_cross_entropy":
        return functional.binary_cross_entropy_with_logits(logits, labels)
    if len(logits.shape) == 2:
        return functional.cross_entropy(logits, labels)
    loss = functional.cross_entropy(logits, labels, axis=1)
    return loss if plan.dice is None else loss - mean_dice(paddle, plan.dice, logits, labels)


def mean_dice(paddle: Any, dice: Dice, logits: Any, labels: Any) -> Any:
    """The mean Dice of all classes but the first, which is the background."""
    functional, rank = paddle.nn.functional, len(logits.shape)
    share = functional.softmax(logits, axis=1)
    truth = functional.one_hot(labels, logits.shape[1])
    truth = paddle.transpose(truth, [0, rank - 1, *range(1, rank - 1)])
    axes = dice.axes(rank)
    overlap = paddle.sum(share * truth, axes)
    both = paddle.sum(share, axes) + paddle.sum(truth, axes)
    of_class = (2 * overlap + dice.smooth) / (both + dice.smooth)
    return paddle.mean(of_class[..., 1:])
