"""Forward and backward of every operator in numpy: ONNX's meaning, written to be read.

An operator is a class with `forward(node, *activations, *parameters)` and
`backward(node, gradient)`, which returns the gradients of its activations and then of its
parameters (None if there is none). Arrays are NCHW. `length` is the number of terms
that one output element sums, by which rounding noise is sized.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlbench_sdk.windows import crop, fold, overhang, pad, resize_matrix, unfold, window_counts


class Operator:
    """Keeps what the backward pass needs of one node."""

    length = 1

    def __init__(self, training: bool):
        self.training = training


class Conv(Operator):
    def forward(self, node, x, w, b=None):
        self.x, self.w, self.bias = x, w, b is not None
        self.length = w[0].size
        y = np.matmul(self.weights(node), self.columns(node, x))
        y = y.reshape(node.shape)
        return y + b.reshape(1, -1, 1, 1) if self.bias else y

    def weights(self, node):
        return self.w.reshape(node.group, self.w.shape[0] // node.group, -1)

    def columns(self, node, x):
        """[N, group, C/group·kh·kw, oh·ow]; a view for a plain 1×1 convolution."""
        padded = pad(x, node.pads)
        windows = unfold(padded, node.kernel_shape, node.strides, node.dilations)
        return windows.reshape(x.shape[0], node.group, -1, windows.shape[4] * windows.shape[5])

    def backward(self, node, dy):
        grads = dy.reshape(dy.shape[0], node.group, dy.shape[1] // node.group, -1)
        columns = self.columns(node, self.x)
        dw = sum(g @ c.transpose(0, 2, 1) for g, c in zip(grads, columns)).reshape(self.w.shape)
        dcolumns = np.matmul(self.weights(node).transpose(0, 2, 1), grads)
        del columns
        top, left, bottom, right = node.pads
        n, c, h, w = self.x.shape
        padded = (n, c, h + top + bottom, w + left + right)
        dwindows = dcolumns.reshape(n, c, *node.kernel_shape, *dy.shape[2:])
        dx = crop(fold(dwindows, padded, node.strides, node.dilations), node.pads, (h, w))
        return [dx, dw] + ([dy.sum((0, 2, 3))] if self.bias else [])


class ConvTranspose(Operator):
    def forward(self, node, x, w, b=None):
        self.x, self.w, self.bias = x, w, b is not None
        self.length = w.shape[0] // node.group
        n, c, h, width = x.shape
        flat = x.reshape(n, node.group, c // node.group, h * width)
        columns = np.matmul(self.weights(node).transpose(0, 2, 1), flat)
        windows = columns.reshape(n, node.shape[1], *node.kernel_shape, h, width)
        self.padded = self.padded_shape(node)
        y = crop(
            fold(windows, self.padded, node.strides, node.dilations), node.pads, node.shape[2:]
        )
        return y + b.reshape(1, -1, 1, 1) if self.bias else y

    def padded_shape(self, node):
        """Large enough for all windows and for the output padding."""
        top, left, bottom, right = node.pads
        n, c, h, w = node.shape
        return (n, c, h + top + bottom, w + left + right)

    def weights(self, node):
        return self.w.reshape(node.group, self.w.shape[0] // node.group, -1)

    def backward(self, node, dy):
        n, c, h, w = self.x.shape
        windows = unfold(pad(dy, node.pads), node.kernel_shape, node.strides, node.dilations)
        windows = windows[..., :h, :w]
        columns = windows.reshape(n, node.group, -1, h * w)
        dx = np.matmul(self.weights(node), columns).reshape(self.x.shape)
        flat = self.x.reshape(n, node.group, c // node.group, h * w)
        dw = np.matmul(flat, columns.transpose(0, 1, 3, 2)).sum(0).reshape(self.w.shape)
        return [dx, dw] + ([dy.sum((0, 2, 3))] if self.bias else [])


class BatchNormalization(Operator):
    """In training it normalises by the batch's biased variance and moves the running
    statistics, the variance with the unbiased estimator."""

    def forward(self, node, x, scale, bias, mean, variance):
        shape = (1, -1, 1, 1)
        self.scale = scale
        if self.training:
            m = x.size // x.shape[1]
            mu, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
            old = node.momentum
            self.running = (
                old * mean + (1 - old) * mu,
                old * variance + (1 - old) * var * self.correction(m),
            )
        else:
            mu, var = mean, variance
        self.inverse = 1 / np.sqrt(var + node.epsilon)
        self.normal = (x - mu.reshape(shape)) * self.inverse.reshape(shape)
        return self.normal * scale.reshape(shape) + bias.reshape(shape)

    @staticmethod
    def correction(m: int) -> float:
        return m / (m - 1) if m > 1 else 1.0

    def backward(self, node, dy):
        dbias, dscale = dy.sum((0, 2, 3)), (dy * self.normal).sum((0, 2, 3))
        factor = (self.scale * self.inverse).reshape(1, -1, 1, 1)
        if not self.training:
            return [dy * factor, dscale, dbias, None, None]
        m = dy.size // dy.shape[1]
        mean = (dbias / m).reshape(1, -1, 1, 1)
        slope = (dscale / m).reshape(1, -1, 1, 1)
        return [factor * (dy - mean - self.normal * slope), dscale, dbias, None, None]


class Relu(Operator):
    def forward(self, node, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, node, dy):
        return [dy * self.mask]


class Clip(Operator):
    def forward(self, node, x):
        self.mask = (x > node.min) & (x < node.max)
        return np.clip(x, node.min, node.max)

    def backward(self, node, dy):
        return [dy * self.mask]


class Sigmoid(Operator):
    def forward(self, node, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, node, dy):
        return [dy * self.y * (1 - self.y)]


class LeakyRelu(Operator):
    def forward(self, node, x):
        self.slope = np.where(x > 0, 1.0, node.alpha)
        return x * self.slope

    def backward(self, node, dy):
        return [dy * self.slope]


class PRelu(Operator):
    def forward(self, node, x, slope):
        self.x, self.slope = x, slope
        return np.where(x > 0, x, slope * x)

    def backward(self, node, dy):
        dslope = unbroadcast(np.where(self.x > 0, 0.0, dy * self.x), self.slope.shape)
        return [np.where(self.x > 0, dy, dy * self.slope), dslope]


class HardSigmoid(Operator):
    def forward(self, node, x):
        line = node.alpha * x + node.beta
        self.mask = (line > 0) & (line < 1)
        return np.clip(line, 0, 1)

    def backward(self, node, dy):
        return [dy * self.mask * node.alpha]


class HardSwish(Operator):
    def forward(self, node, x):
        gate = np.clip(x / 6 + 0.5, 0, 1)
        self.slope = gate + x / 6 * ((x > -3) & (x < 3))
        return x * gate

    def backward(self, node, dy):
        return [dy * self.slope]


class Gelu(Operator):
    """x·Φ(x), or its approximation by tanh."""

    erf = np.vectorize(math.erf, otypes=[np.float64])  # numpy has none

    def forward(self, node, x):
        if node.approximate == "tanh":
            factor = math.sqrt(2 / math.pi)
            t = np.tanh(factor * (x + 0.044715 * x**3))
            self.slope = (1 + t) / 2 + x / 2 * (1 - t * t) * factor * (1 + 3 * 0.044715 * x * x)
            return x / 2 * (1 + t)
        phi = (1 + self.erf(x / math.sqrt(2)).astype(x.dtype)) / 2
        self.slope = phi + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        return x * phi

    def backward(self, node, dy):
        return [dy * self.slope]


class LayerNormalization(Operator):
    def forward(self, node, x, scale, bias):
        self.axes = tuple(range(node.axis, x.ndim))
        self.scale = scale
        self.length = scale.size
        self.inverse = 1 / np.sqrt(x.var(self.axes, keepdims=True) + node.epsilon)
        self.normal = (x - x.mean(self.axes, keepdims=True)) * self.inverse
        return self.normal * scale + bias

    def backward(self, node, dy):
        others = tuple(range(node.axis))
        dnormal = dy * self.scale
        mean = dnormal.mean(self.axes, keepdims=True)
        slope = (dnormal * self.normal).mean(self.axes, keepdims=True)
        dx = self.inverse * (dnormal - mean - self.normal * slope)
        return [dx, (dy * self.normal).sum(others), dy.sum(others)]


class Softmax(Operator):
    def forward(self, node, x):
        e = np.exp(x - x.max(node.axis, keepdims=True))
        self.y = e / e.sum(node.axis, keepdims=True)
        return self.y

    def backward(self, node, dy):
        inner = (dy * self.y).sum(node.axis, keepdims=True)
        return [self.y * (dy - inner)]


class MaxPool(Operator):
    def forward(self, node, x):
        padded = pad(
            pad(x, node.pads, -np.inf), overhang(node, x.shape[2:], node.dilations), -np.inf
        )
        self.size, self.padded = x.shape[2:], padded.shape
        windows = unfold(padded, node.kernel_shape, node.strides, node.dilations)
        windows = windows[..., : node.shape[2], : node.shape[3]]
        flat = windows.reshape(*x.shape[:2], -1, *node.shape[2:])
        self.winner = flat.argmax(2)
        return np.take_along_axis(flat, self.winner[:, :, None], 2)[:, :, 0]

    def backward(self, node, dy):
        kh, kw = node.kernel_shape
        places = np.arange(kh * kw).reshape(1, 1, -1, 1, 1)
        flat = dy[:, :, None] * (self.winner[:, :, None] == places)
        windows = flat.reshape(*dy.shape[:2], kh, kw, *dy.shape[2:])
        folded = fold(windows, self.padded, node.strides, node.dilations)
        return [crop(folded, node.pads, self.size)]


class AveragePool(Operator):
    def forward(self, node, x):
        padded = pad(pad(x, node.pads), overhang(node, x.shape[2:]))
        self.size, self.padded = x.shape[2:], padded.shape
        self.length = node.kernel_shape[0] * node.kernel_shape[1]
        self.counts = window_counts(node, self.size)
        return self.windows(node, padded).sum((2, 3)) / self.counts

    @staticmethod
    def windows(node, padded):
        windows = unfold(padded, node.kernel_shape, node.strides, (1, 1))
        return windows[..., : node.shape[2], : node.shape[3]]

    def backward(self, node, dy):
        share = (dy / self.counts)[:, :, None, None]
        windows = np.broadcast_to(share, (*dy.shape[:2], *node.kernel_shape, *dy.shape[2:]))
        return [crop(fold(windows, self.padded, node.strides, (1, 1)), node.pads, self.size)]


class GlobalAveragePool(Operator):
    def forward(self, node, x):
        self.shape = x.shape
        return x.mean((2, 3), keepdims=True)

    def backward(self, node, dy):
        return [np.broadcast_to(dy / (self.shape[2] * self.shape[3]), self.shape)]


def unbroadcast(gradient: np.ndarray, shape) -> np.ndarray:
    """The gradient of what was broadcast from the right, as ONNX does."""
    whole = (1,) * (gradient.ndim - len(shape)) + tuple(shape)
    axes = tuple(i for i, extent in enumerate(whole) if extent != gradient.shape[i])
    return gradient.sum(axes, keepdims=True).reshape(shape) if axes else gradient


class Add(Operator):
    def forward(self, node, a, b):
        self.shapes = a.shape, b.shape
        return a + b

    def backward(self, node, dy):
        return [unbroadcast(dy, shape) for shape in self.shapes]


class Mul(Operator):
    def forward(self, node, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, node, dy):
        return [unbroadcast(dy * self.b, self.a.shape), unbroadcast(dy * self.a, self.b.shape)]


class Concat(Operator):
    def forward(self, node, *parts):
        self.ends = np.cumsum([p.shape[node.axis] for p in parts])[:-1]
        return np.concatenate(parts, node.axis)

    def backward(self, node, dy):
        return np.split(dy, self.ends, node.axis)


class Flatten(Operator):
    def forward(self, node, x):
        self.shape = x.shape
        return x.reshape(x.shape[0], -1)

    def backward(self, node, dy):
        return [dy.reshape(self.shape)]


class Reshape(Operator):
    def forward(self, node, x):
        self.shape = x.shape
        return x.reshape(x.shape[0], *node.attributes["shape"][1:])

    def backward(self, node, dy):
        return [dy.reshape(self.shape)]


class Transpose(Operator):
    def forward(self, node, x):
        return x.transpose(node.perm)

    def backward(self, node, dy):
        return [dy.transpose(np.argsort(node.perm))]


class Slice(Operator):
    def forward(self, node, x):
        self.shape = x.shape
        return x[self.part(node)]

    @staticmethod
    def part(node):
        return (slice(None),) * node.axis + (slice(node.start, node.end),)

    def backward(self, node, dy):
        dx = np.zeros(self.shape, dy.dtype)
        dx[self.part(node)] = dy
        return [dx]


class Gemm(Operator):
    def forward(self, node, x, w, b=None):
        self.x, self.w, self.bias = x, w, b is not None
        self.length = x.shape[1]
        y = node.alpha * (x @ w.T)
        return y + node.beta * b if self.bias else y

    def backward(self, node, dy):
        grads = [node.alpha * (dy @ self.w), node.alpha * (dy.T @ self.x)]
        return grads + ([node.beta * dy.sum(0)] if self.bias else [])


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


class Dropout(Operator):
    """Off: plans say so, because masks of two frameworks cannot be compared."""

    def forward(self, node, x):
        return x

    def backward(self, node, dy):
        return [dy]


class Resize(Operator):
    """Separable: one matrix for each spatial axis."""

    def forward(self, node, x):
        sides = zip(x.shape[2:], node.scales)
        self.matrices = [resize_matrix(node, *side).astype(x.dtype) for side in sides]
        return self.along(x, self.matrices)

    @staticmethod
    def along(x, matrices):
        """Every axis by its matrix."""
        for axis, matrix in enumerate(matrices, 2):
            x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
        return x

    def backward(self, node, dy):
        return [self.along(dy, [matrix.T for matrix in self.matrices])]


OPERATORS = {
    cls.__name__: cls
    for cls in (
        *(Conv, ConvTranspose, BatchNormalization, Relu, Clip, Sigmoid, Softmax, MaxPool),
        *(AveragePool, GlobalAveragePool, Add, Mul, Concat, Flatten, Gemm, LRN, Dropout, Resize),
        *(LeakyRelu, PRelu, HardSigmoid, HardSwish, Gelu, LayerNormalization),
        *(Reshape, Transpose, Slice),
    )
}
# Forms of operators, which runners name beside them: not every framework has them.
OPERATORS |= {"Add.parameter": Add, "Mul.parameter": Mul, "Gemm.nobias": Gemm}
