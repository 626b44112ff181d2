"""The plan's operators by paddle.nn.functional, written into a static program. What computes a node
takes the values of its activations and its parameters, and returns a value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.table import Table
from dlbench_sdk.windows import average_correction, overhang, reach, resize_matrix, shifts, sides

LARGEST_EPSILON = 1e-3  # of Paddle's layer norm
LOWEST = float(np.finfo(np.float32).min)


class Operators(Table):
    def __init__(self, paddle: Any, plan: Plan) -> None:
        super().__init__(plan)
        self.paddle, self.functional = paddle, paddle.nn.functional

    def constant(self, value: np.ndarray) -> Any:
        return self.paddle.assign(value.astype(np.float32))

    def padded(self, x: Any, pads: Any, value: float = 0.0) -> Any:
        order = "NCHW" if len(pads) == 4 else "NCDHW"
        width = [pad for side in reversed(sides(pads)) for pad in side]  # the last axis first
        return self.functional.pad(x, width, value=value, data_format=order)

    def _conv(self, node: Node) -> Any:
        convolve = {2: self.functional.conv2d, 3: self.functional.conv3d}[node.axes]
        args = (list(node.strides), paired(node.pads), list(node.dilations), node.group)
        return lambda x, w, b=None: convolve(x, w, b, *args)

    def _convtranspose(self, node: Node) -> Any:
        transpose = {
            2: self.functional.conv2d_transpose,
            3: self.functional.conv3d_transpose,
        }[node.axes]
        settings = {
            "stride": list(node.strides),
            "padding": paired(node.pads),
            "output_padding": list(node.output_padding),
            "dilation": list(node.dilations),
            "groups": node.group,
        }
        return lambda x, w, b=None: transpose(x, w, b, **settings)

    def _batchnormalization(self, node: Node) -> Any:
        batch_norm, training = self.functional.batch_norm, self.plan.training

        def apply(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
            return batch_norm(x, mean, variance, scale, bias, training, node.momentum, node.epsilon)

        return apply

    def _instancenormalization(self, node: Node) -> Any:
        norm = self.functional.instance_norm
        return lambda x, scale, bias: norm(x, weight=scale, bias=bias, eps=node.epsilon)

    def _relu(self, node: Node) -> Any:
        return self.functional.relu

    def _clip(self, node: Node) -> Any:
        return lambda x: self.paddle.clip(x, node.min, node.max)

    def _sigmoid(self, node: Node) -> Any:
        return self.functional.sigmoid

    def _leakyrelu(self, node: Node) -> Any:
        return lambda x: self.functional.leaky_relu(x, node.alpha)

    def _prelu(self, node: Node) -> Any:
        return lambda x, slope: self.functional.prelu(x, self.paddle.reshape(slope, [-1]))

    def _hardsigmoid(self, node: Node) -> Any:
        return lambda x: self.functional.hardsigmoid(x, node.alpha, node.beta)

    def _hardswish(self, node: Node) -> Any:
        return self.functional.hardswish

    def _gelu(self, node: Node) -> Any:
        return lambda x: self.functional.gelu(x, node.approximate == "tanh")

    def _layernormalization(self, node: Node) -> Any:
        paddle, layer_norm = self.paddle, self.functional.layer_norm
        outer, axes = list(node.shape[: node.axis]), list(range(node.axis, len(node.shape)))
        size = math.prod(node.shape[node.axis :])

        def last(x: Any, scale: Any, bias: Any) -> Any:
            return layer_norm(x, [size], scale, bias, node.epsilon)

        def several(x: Any, scale: Any, bias: Any) -> Any:
            scale, bias = (paddle.reshape(p, [-1]) for p in (scale, bias))
            y = last(paddle.reshape(x, [*outer, size]), scale, bias)
            return paddle.reshape(y, list(node.shape))

        def written(x: Any, scale: Any, bias: Any) -> Any:
            centred = x - paddle.mean(x, axes, keepdim=True)
            variance = paddle.mean(centred * centred, axes, keepdim=True)
            return centred * paddle.rsqrt(variance + node.epsilon) * scale + bias

        if node.epsilon > LARGEST_EPSILON:
            return written
        return last if len(axes) == 1 else several  # oneDNN's takes one axis, the last

    def _softmax(self, node: Node) -> Any:
        return lambda x: self.functional.softmax(x, node.axis)

    def _maxpool(self, node: Node) -> Any:
        size = self.size_of(node)
        if set(node.dilations) != {1}:
            return self.dilated_maxpool(node)
        pool = {2: self.functional.max_pool2d, 3: self.functional.max_pool3d}[node.axes]
        args = list(node.kernel_shape), list(node.strides), paired(reach(node, size))
        return lambda x: pool(x, *args)

    def dilated_maxpool(self, node: Node) -> Any:
        """The maximum of shifted inputs: Paddle's pools have no dilations."""
        extra = overhang(node, self.size_of(node), node.dilations)
        pads = [p + e for p, e in zip(node.pads, extra)]
        maximum = self.paddle.maximum
        parts = [(slice(None), slice(None), *part) for part in shifts(node)]

        def apply(x: Any) -> Any:
            x = self.padded(x, pads, LOWEST)
            first, *others = [x[part] for part in parts]
            for other in others:
                first = maximum(first, other)
            return first

        return apply

    def _averagepool(self, node: Node) -> Any:
        size = self.size_of(node)
        kernel, strides, pads = list(node.kernel_shape), list(node.strides), reach(node, size)
        pool = {2: self.functional.avg_pool2d, 3: self.functional.avg_pool3d}[node.axes]
        begins, ends = pads[: node.axes], pads[node.axes :]
        if pads == list(node.pads) and begins == ends:
            uncounted = not node.count_include_pad
            return lambda x: pool(x, kernel, strides, begins, exclusive=uncounted)
        correction = average_correction(node, size)

        def apply(x: Any) -> Any:
            # A pad before it: with pads that differ from side to side the pool is wrong.
            y = pool(self.padded(x, pads), kernel, strides)
            return y if (correction == 1).all() else y * self.constant(correction)

        return apply

    def _globalaveragepool(self, node: Node) -> Any:
        pool = {
            2: self.functional.adaptive_avg_pool2d,
            3: self.functional.adaptive_avg_pool3d,
        }[node.axes]
        return lambda x: pool(x, 1)

    def _add(self, node: Node) -> Any:
        return self.paddle.add

    def _mul(self, node: Node) -> Any:
        return self.paddle.multiply

    def _concat(self, node: Node) -> Any:
        return lambda *parts: self.paddle.concat(list(parts), node.axis)

    def _flatten(self, node: Node) -> Any:
        return lambda x: self.paddle.flatten(x, 1)

    def _reshape(self, node: Node) -> Any:
        return lambda x: self.paddle.reshape(x, list(node.shape))

    def _transpose(self, node: Node) -> Any:
        return lambda x: self.paddle.transpose(x, list(node.perm))

    def _slice(self, node: Node) -> Any:
        return lambda x: self.paddle.slice(x, [node.axis], [node.start], [node.end])

    def _gemm(self, node: Node) -> Any:
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        return self.functional.linear

    def _lrn(self, node: Node) -> Any:
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}: its window lies otherwise")
        norm = self.functional.local_response_norm
        return lambda x: norm(x, node.size, node.alpha, node.beta, node.bias)

    def _dropout(self, node: Node) -> Any:
        return lambda x: x

    def _resize(self, node: Node) -> Any:
        how = (node.mode, node.coordinate_transformation_mode)
        interpolate, size = self.functional.interpolate, list(node.shape[2:])
        order = {2: "NCHW", 3: "NCDHW"}[node.axes]
        if self.plan.training and how == ("nearest", "asymmetric"):
            return lambda x: interpolate(x, size, mode="nearest", data_format=order)
        if self.plan.training and how == ("linear", "half_pixel"):
            mode = {2: "bilinear", 3: "trilinear"}[node.axes]
            return lambda x: interpolate(x, size, mode=mode, align_mode=0, data_format=order)
        # Paddle Inference refuses its own interpolation under oneDNN.
        return self.separable(node)

    def separable(self, node: Node) -> Any:
        """A product along each axis."""
        matmul, reshape = self.paddle.matmul, self.paddle.reshape
        *others, rows, columns = [
            resize_matrix(node, size, scale) for size, scale in zip(self.size_of(node), node.scales)
        ]

        def plane(x: Any) -> Any:
            return matmul(matmul(self.constant(rows), x), self.constant(columns.T))

        def apply(x: Any) -> Any:
            x = plane(x)
            for depth in others:
                n, c, d, h, w = x.shape
                slices = matmul(self.constant(depth), reshape(x, [n, c, d, h * w]))
                x = reshape(slices, [n, c, len(depth), h, w])
            return x

        return apply


def paired(pads: Any) -> list[int]:
    """Pads as Paddle's operators take them: of each axis, before and behind it."""
    return [pad for side in sides(pads) for pad in side]
