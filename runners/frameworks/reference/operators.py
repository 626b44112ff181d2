"""Forward and backward of every operator in numpy: ONNX's meaning, written to be read.

An operator is a class with `forward(node, *activations, *parameters)` and
`backward(node, gradient)`, which returns the gradients of its activations and then of its
parameters (None if there is none). Arrays are NCHW, or NCDHW of volumes. `length` is the number
of terms that one output element sums, by which rounding noise is sized. Convolutions, pools and
normalisations have files of their own.
"""

from __future__ import annotations

import math

import numpy as np

from dlbench_sdk.plan import VOLUMES
from dlbench_sdk.windows import resize_matrix

from .convolutions import Conv, ConvTranspose
from .norms import LRN, BatchNormalization, InstanceNormalization, LayerNormalization
from .operator import Operator
from .pools import AveragePool, GlobalAveragePool, MaxPool


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


class Softmax(Operator):
    def forward(self, node, x):
        e = np.exp(x - x.max(node.axis, keepdims=True))
        self.y = e / e.sum(node.axis, keepdims=True)
        return self.y

    def backward(self, node, dy):
        inner = (dy * self.y).sum(node.axis, keepdims=True)
        return [self.y * (dy - inner)]


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
        *(Reshape, Transpose, Slice, InstanceNormalization),
    )
}
# Forms of operators, which runners name beside them: not every framework has them.
OPERATORS |= {"Add.parameter": Add, "Mul.parameter": Mul, "Gemm.nobias": Gemm}
OPERATORS |= {form: OPERATORS[form[: -len(".3d")]] for form in VOLUMES}
