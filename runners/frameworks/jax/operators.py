"""The plan's operators by jax.lax and jax.numpy, on NHWC. What computes a node takes its
activations and its parameters; batch norm returns its moved statistics beside its output."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.nhwc import explicit, from_nchw
from dlbench_sdk.orders import NHWC, Order, Turning
from dlbench_sdk.plan import Node, Plan
from dlbench_sdk.table import is_sixth
from dlbench_sdk.windows import overhang, reach, resize_matrix, shifts, window_counts

CHANNELS_LAST = ("NHWC", "HWIO", "NHWC")


class Operators(Turning):
    def __init__(self, jax: Any, plan: Plan) -> None:
        super().__init__(plan, NHWC)
        self.jax, self.np, self.lax = jax, jax.numpy, jax.lax

    def turned(self, x: Any, order: Order) -> Any:
        return x.transpose(order)

    def _conv(self, node: Node) -> Any:
        convolve = self.lax.conv_general_dilated
        padding = explicit(node.pads)[1:3]

        def apply(x: Any, w: Any, b: Any = None) -> Any:
            y = convolve(
                x,
                w,
                node.strides,
                padding,
                rhs_dilation=node.dilations,
                dimension_numbers=CHANNELS_LAST,
                feature_group_count=node.group,
            )
            return y if b is None else y + b

        return apply

    def _convtranspose(self, node: Node) -> Any:
        jnp, convolve, groups = self.np, self.lax.conv_general_dilated, node.group
        padding = []
        for i, (size, out) in enumerate(zip(self.size_of(node), node.shape[2:])):
            tail = node.dilations[i] * (node.kernel_shape[i] - 1)
            before = tail - node.pads[i]
            spread = (size - 1) * node.strides[i] + 1
            padding.append((before, out - spread - before + tail))

        def apply(x: Any, w: Any, b: Any = None) -> Any:
            kh, kw, outward, inward = w.shape
            w = jnp.flip(w, (0, 1)).reshape(kh, kw, outward, groups, inward // groups)
            w = w.transpose(0, 1, 4, 3, 2).reshape(kh, kw, inward // groups, groups * outward)
            y = convolve(
                x,
                w,
                (1, 1),
                padding,
                lhs_dilation=node.strides,
                rhs_dilation=node.dilations,
                dimension_numbers=CHANNELS_LAST,
                feature_group_count=groups,
            )
            return y if b is None else y + b

        return apply

    def _batchnormalization(self, node: Node) -> Any:
        lax, training, old = self.lax, self.plan.training, node.momentum

        def apply(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
            moved = mean, variance
            if training:
                moved = mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            y = (x - mean) * (lax.rsqrt(variance + node.epsilon) * scale) + bias
            return y, *moved

        def moving(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
            y, batch_mean, batch_variance = apply(x, scale, bias, mean, variance)
            new = 1 - old
            return y, old * mean + new * batch_mean, old * variance + new * batch_variance

        return moving if training else apply

    def _relu(self, node: Node) -> Any:
        return self.jax.nn.relu

    def _clip(self, node: Node) -> Any:
        return lambda x: self.np.clip(x, node.min, node.max)

    def _sigmoid(self, node: Node) -> Any:
        return self.jax.nn.sigmoid

    def _leakyrelu(self, node: Node) -> Any:
        return lambda x: self.jax.nn.leaky_relu(x, node.alpha)

    def _prelu(self, node: Node) -> Any:
        return lambda x, slope: self.np.where(x > 0, x, slope * x)

    def _hardsigmoid(self, node: Node) -> Any:
        if is_sixth(node):
            return self.jax.nn.hard_sigmoid
        return lambda x: self.np.clip(node.alpha * x + node.beta, 0.0, 1.0)

    def _hardswish(self, node: Node) -> Any:
        return self.jax.nn.hard_swish

    def _gelu(self, node: Node) -> Any:
        return lambda x: self.jax.nn.gelu(x, node.approximate == "tanh")

    def _layernormalization(self, node: Node) -> Any:
        lax, axes = self.lax, self.orders.axes(node)

        def apply(x: Any, scale: Any, bias: Any) -> Any:
            mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
            return (x - mean) * (lax.rsqrt(variance + node.epsilon) * scale) + bias

        return apply

    def _softmax(self, node: Node) -> Any:
        axis = self.orders.axis(node)
        return lambda x: self.jax.nn.softmax(x, axis)

    def _maxpool(self, node: Node) -> Any:
        lax = self.lax
        extra = overhang(node, self.size_of(node), node.dilations)
        padding = explicit([p + e for p, e in zip(node.pads, extra)])
        if list(node.dilations) != [1, 1]:
            return self.dilated_maxpool(node, padding)
        window, strides = (1, *node.kernel_shape, 1), (1, *node.strides, 1)
        return lambda x: lax.reduce_window(x, -np.inf, lax.max, window, strides, padding)

    def dilated_maxpool(self, node: Node, padding: Any) -> Any:
        """The maximum of shifted images: reduce_window has no gradient with dilations."""
        jnp, windows = self.np, shifts(node)

        def apply(x: Any) -> Any:
            x = jnp.pad(x, padding, constant_values=-np.inf)
            return jnp.stack([x[:, rows, columns] for rows, columns in windows]).max(0)

        return apply

    def _averagepool(self, node: Node) -> Any:
        lax, size = self.lax, self.size_of(node)
        counts = from_nchw(window_counts(node, size))
        counts = counts.astype(np.float32)
        padding = explicit(reach(node, size))
        window, strides = (1, *node.kernel_shape, 1), (1, *node.strides, 1)
        return lambda x: lax.reduce_window(x, 0.0, lax.add, window, strides, padding) / counts

    def _globalaveragepool(self, node: Node) -> Any:
        return lambda x: x.mean((1, 2), keepdims=True)

    def _add(self, node: Node) -> Any:
        return self.np.add

    def _mul(self, node: Node) -> Any:
        return self.np.multiply

    def _concat(self, node: Node) -> Any:
        axis = self.orders.axis(node)
        return lambda *parts: self.np.concatenate(parts, axis)

    def _flatten(self, node: Node) -> Any:
        return lambda x: x.reshape(node.shape)

    def _reshape(self, node: Node) -> Any:
        shape = self.orders.held_shape(node.output)
        return lambda x: x.reshape(shape)

    def _slice(self, node: Node) -> Any:
        part = self.orders.part(node)
        return lambda x: x[part]

    def _gemm(self, node: Node) -> Any:
        if len(node.params) == 1:
            return lambda x, w: node.alpha * (x @ w)
        return lambda x, w, b: node.alpha * (x @ w) + node.beta * b

    def _lrn(self, node: Node) -> Any:
        lax, window = self.lax, (1, 1, 1, node.size)
        padding = [(0, 0), (0, 0), (0, 0), ((node.size - 1) // 2, node.size // 2)]

        def apply(x: Any) -> Any:
            squares = lax.reduce_window(x * x, 0.0, lax.add, window, (1, 1, 1, 1), padding)
            return x * (node.bias + node.alpha / node.size * squares) ** -node.beta

        return apply

    def _dropout(self, node: Node) -> Any:
        return lambda x: x

    def _resize(self, node: Node) -> Any:
        h, w = self.size_of(node)
        rows = resize_matrix(node, h, node.scales[0]).astype(np.float32)
        columns = resize_matrix(node, w, node.scales[1]).astype(np.float32)
        return lambda x: self.np.einsum("ph,nhwc,qw->npqc", rows, x, columns)
