"""Pools: each place of the window is one shifted part of the padded input."""

from __future__ import annotations

import math

import numpy as np

from dlbench_sdk.windows import ALL, crop, overhang, pad, shifts, window_counts

from .operator import Operator, spatial


def parts(node, dilations=None) -> list[tuple[slice, ...]]:
    """What each place of the window sees of a padded input."""
    return [ALL + window for window in shifts(node, dilations)]


class MaxPool(Operator):
    def forward(self, node, x):
        padded = pad(x, node.pads, -np.inf)
        padded = pad(padded, overhang(node, x.shape[2:], node.dilations), -np.inf)
        self.size, self.padded = x.shape[2:], padded.shape
        y = np.full(node.shape, -np.inf, x.dtype)
        self.winner = np.zeros(node.shape, np.int16)  # the first of equal ones
        for i, part in enumerate(parts(node)):
            better = padded[part] > y
            np.copyto(y, padded[part], where=better)
            self.winner[better] = i
        return y

    def backward(self, node, dy):
        dx = np.zeros(self.padded, dy.dtype)
        for i, part in enumerate(parts(node)):
            dx[part] += dy * (self.winner == i)
        return [crop(dx, node.pads, self.size)]


class AveragePool(Operator):
    def forward(self, node, x):
        padded = pad(pad(x, node.pads), overhang(node, x.shape[2:]))
        self.size, self.padded = x.shape[2:], padded.shape
        self.length = math.prod(node.kernel_shape)
        self.counts = window_counts(node, self.size).astype(x.dtype)
        self.parts = parts(node, [1] * len(self.size))
        return sum(padded[part] for part in self.parts) / self.counts

    def backward(self, node, dy):
        dx, share = np.zeros(self.padded, dy.dtype), dy / self.counts
        for part in self.parts:
            dx[part] += share
        return [crop(dx, node.pads, self.size)]


class GlobalAveragePool(Operator):
    def forward(self, node, x):
        self.shape = x.shape
        return x.mean(spatial(x), keepdims=True)

    def backward(self, node, dy):
        return [np.broadcast_to(dy / math.prod(self.shape[2:]), self.shape)]
