"""The plan's losses by mxnet.sym and Gluon. Logits have their classes on axis 1; labels are a class
of each image or each pixel, or zeros and ones for each class."""

from __future__ import annotations

from typing import Any

from dlbench_sdk.plan import Dice, Plan


def loss_of(mx: Any, plan: Plan, logits: Any, labels: Any) -> Any:
    """A scalar."""
    if plan.loss == "sigmoid_cross_entropy":
        return mx.sym.mean(mx.gluon.loss.SigmoidBinaryCrossEntropyLoss()(logits, labels))
    sym = mx.sym
    # Cross-entropy by hand: the gradient of oneDNN's log_softmax is off by 1e-6.
    shifted = sym.broadcast_sub(logits, sym.max(logits, axis=1, keepdims=True))
    total = sym.log(sym.sum(sym.exp(shifted), axis=1, keepdims=True))
    loss = sym.mean(total - sym.pick(shifted, labels, axis=1, keepdims=True))
    if plan.dice is None:
        return loss
    share = sym.exp(sym.broadcast_sub(shifted, total))
    return loss - mean_dice(sym, plan.dice, plan.shape_of(plan.outputs[0]), share, labels)


def mean_dice(sym: Any, dice: Dice, shape: tuple[int, ...], share: Any, labels: Any) -> Any:
    """The mean Dice of all classes but the first, which is the background."""
    order = (0, len(shape) - 1, *range(1, len(shape) - 1))
    truth = sym.transpose(sym.one_hot(labels, depth=shape[1]), axes=order)
    axes = dice.axes(len(shape))
    overlap = sym.sum(share * truth, axis=axes)
    both = sym.sum(share, axis=axes) + sym.sum(truth, axis=axes)
    of_class = (2 * overlap + dice.smooth) / (both + dice.smooth)
    return sym.mean(sym.slice_axis(of_class, axis=-1, begin=1, end=None))
