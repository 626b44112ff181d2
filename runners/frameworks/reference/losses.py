"""The losses with their gradients by the logits. Logits are [N, C], or [N, C, spatial axes…] of
pixels, each of which has a label then. What sums over pixels is given to `summed`, with the number
of terms, for the noise of rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .operator import spatial

Summed = Callable[[np.ndarray, int], np.ndarray]
Loss = tuple[Any, np.ndarray]  # and the gradient


def exactly(total: np.ndarray, terms: int) -> np.ndarray:
    return total


def softmax_cross_entropy(logits: np.ndarray, labels: np.ndarray, summed: Summed = exactly) -> Loss:
    """The mean over all labels, of images or of pixels."""
    pixels = math.prod(logits.shape[2:])
    log_p = log_softmax(logits)
    loss = -np.take_along_axis(log_p, labels[:, None], 1).mean()
    if pixels > 1:
        loss = summed(loss, pixels)
    return loss, (np.exp(log_p) - one_hot(labels, logits)) / labels.size


def dice_cross_entropy(
    logits: np.ndarray, labels: np.ndarray, smooth: float, batch: bool, summed: Summed = exactly
) -> Loss:
    """The cross-entropy minus the mean Dice of the classes without class 0, the background
    (nnU-Net: Isensee et al. 2021). The sums of a Dice go over an image, or over the batch."""
    entropy, dlogits = softmax_cross_entropy(logits, labels, summed)
    p, g = np.exp(log_softmax(logits)), one_hot(labels, logits)
    axes = (0, *spatial(logits)) if batch else spatial(logits)
    pixels = math.prod(logits.shape[2:])
    overlap = summed((p * g).sum(axes, keepdims=True), pixels)
    both = summed(p.sum(axes, keepdims=True) + g.sum(axes, keepdims=True), pixels)
    dice = (2 * overlap + smooth) / (both + smooth)
    dp = (dice - 2 * g) / (both + smooth) / dice[:, 1:].size
    dp[:, 0] = 0
    dlogits = dlogits + p * (dp - (p * dp).sum(1, keepdims=True))
    return entropy - dice[:, 1:].mean(), dlogits


def sigmoid_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> Loss:
    """The mean over all images and classes; a label says of each class whether it is there."""
    y = labels.astype(logits.dtype)
    losses = np.maximum(logits, 0) - logits * y + np.log1p(np.exp(-abs(logits)))
    p = np.exp(-np.logaddexp(0, -logits))
    return losses.mean(), (p - y) / y.size


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def one_hot(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Of the logits' shape."""
    classes = np.arange(logits.shape[1]).reshape(1, -1, *[1] * (logits.ndim - 2))
    return (labels[:, None] == classes).astype(logits.dtype)
