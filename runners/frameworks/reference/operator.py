"""What every operator of the reference is: forward, and backward by what forward kept."""

from __future__ import annotations

import numpy as np


class Operator:
    """Keeps what the backward pass needs of one node."""

    length = 1  # how many terms an element of the output sums

    def __init__(self, training: bool):
        self.training = training


def of_channels(v: np.ndarray, rank: int) -> np.ndarray:
    """A value of each channel, as it multiplies images or volumes."""
    return v.reshape(1, -1, *[1] * (rank - 2))


def spatial(x: np.ndarray) -> tuple[int, ...]:
    """The axes of an image or a volume: all but the batch's and the channels'."""
    return tuple(range(2, x.ndim))
