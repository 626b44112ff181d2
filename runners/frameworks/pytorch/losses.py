"""The losses of plans that train, by torch.nn.functional; of the Dice there is none, so that it is
written in tensor operations, as nnU-Net writes it. They are computed in float32, whatever the
network's precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlbench_sdk.plan import Dice, Plan

Loss = Callable[[Any, Any], Any]  # of logits and labels


def loss_of(torch: Any, plan: Plan) -> Loss:
    functional = torch.nn.functional
    if plan.loss == "sigmoid_cross_entropy":
        return lambda z, y: functional.binary_cross_entropy_with_logits(z.float(), y)
    if plan.dice is None:
        return lambda z, y: functional.cross_entropy(z.float(), y)
    dice = plan.dice

    def loss(logits: Any, labels: Any) -> Any:
        logits = logits.float()
        return functional.cross_entropy(logits, labels) - mean_dice(torch, logits, labels, dice)

    return loss


def mean_dice(torch: Any, logits: Any, labels: Any, dice: Dice) -> Any:
    """Over the classes but the background, and over the images if each has its own."""
    shares = torch.softmax(logits, 1)
    truth = torch.zeros_like(shares).scatter_(1, labels.unsqueeze(1), 1.0)
    over = dice.axes(logits.dim())
    both = (shares * truth).sum(over)
    either = shares.sum(over) + truth.sum(over)
    return ((2 * both + dice.smooth) / (either + dice.smooth))[..., 1:].mean()
