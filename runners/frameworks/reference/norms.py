"""Normalisations."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .operator import Operator, of_channels, spatial


class BatchNormalization(Operator):
    """In training it normalises by the batch's biased variance and moves the running
    statistics, the variance with the unbiased estimator."""

    def forward(self, node, x, scale, bias, mean, variance):
        self.scale = scale
        if self.training:
            m, others = x.size // x.shape[1], (0, *spatial(x))
            mu, var = x.mean(others), x.var(others)
            old = node.momentum
            self.running = (
                old * mean + (1 - old) * mu,
                old * variance + (1 - old) * var * self.correction(m),
            )
        else:
            mu, var = mean, variance
        self.inverse = 1 / np.sqrt(var + node.epsilon)
        self.normal = (x - of_channels(mu, x.ndim)) * of_channels(self.inverse, x.ndim)
        return self.normal * of_channels(scale, x.ndim) + of_channels(bias, x.ndim)

    @staticmethod
    def correction(m: int) -> float:
        return m / (m - 1) if m > 1 else 1.0

    def backward(self, node, dy):
        others = (0, *spatial(dy))
        dbias, dscale = dy.sum(others), (dy * self.normal).sum(others)
        factor = of_channels(self.scale * self.inverse, dy.ndim)
        if not self.training:
            return [dy * factor, dscale, dbias, None, None]
        m = dy.size // dy.shape[1]
        mean, slope = of_channels(dbias / m, dy.ndim), of_channels(dscale / m, dy.ndim)
        return [factor * (dy - mean - self.normal * slope), dscale, dbias, None, None]


class OwnStatistics(Operator):
    """What normalises by its own mean and biased variance over some axes, in both modes."""

    def normalized(self, node, x, axes):
        self.axes = axes
        self.length = math.prod(x.shape[axis] for axis in axes)
        self.inverse = 1 / np.sqrt(x.var(axes, keepdims=True) + node.epsilon)
        self.normal = (x - x.mean(axes, keepdims=True)) * self.inverse
        return self.normal

    def differentiated(self, dy, scale, others):
        """With the axes that a parameter's gradient is summed over."""
        dnormal = dy * scale
        mean = dnormal.mean(self.axes, keepdims=True)
        slope = (dnormal * self.normal).mean(self.axes, keepdims=True)
        dx = self.inverse * (dnormal - mean - self.normal * slope)
        return [dx, (dy * self.normal).sum(others), dy.sum(others)]


class InstanceNormalization(OwnStatistics):
    """Each channel of each image."""

    def forward(self, node, x, scale, bias):
        self.scale = of_channels(scale, x.ndim)
        return self.normalized(node, x, spatial(x)) * self.scale + of_channels(bias, x.ndim)

    def backward(self, node, dy):
        return self.differentiated(dy, self.scale, (0, *self.axes))


class LayerNormalization(OwnStatistics):
    def forward(self, node, x, scale, bias):
        self.scale = scale
        return self.normalized(node, x, tuple(range(node.axis, x.ndim))) * scale + bias

    def backward(self, node, dy):
        return self.differentiated(dy, self.scale, tuple(range(node.axis)))


class LRN(Operator):
    def forward(self, node, x):
        self.x = x
        self.scale = node.bias + node.alpha / node.size * self.across(node, x * x)
        return x * self.scale**-node.beta

    @staticmethod
    def across(node, x, mirrored=False):
        """Sum over the window of channels; mirrored is the adjoint."""
        below, above = (node.size - 1) // 2, node.size // 2
        if mirrored:
            below, above = above, below
        padded = np.pad(x, ((0, 0), (below, above), (0, 0), (0, 0)))
        return sliding_window_view(padded, node.size, axis=1).sum(-1)

    def backward(self, node, dy):
        inner = dy * self.x * self.scale ** (-node.beta - 1)
        spread = self.across(node, inner, mirrored=True)
        factor = 2 * node.alpha * node.beta / node.size
        return [dy * self.scale**-node.beta - factor * self.x * spread]
