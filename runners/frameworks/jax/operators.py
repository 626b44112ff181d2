"""The plan's operators by jax.lax and jax.numpy, on NHWC and NDHWC. What computes a node takes its
activations and its parameters; batch norm returns its moved statistics beside its output."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.nhwc import explicit, from_nchw
from dlbench_sdk.orders import NHWC, Order, Turning
from dlbench_sdk.plan import Node, Plan
from dlbench_sdk.table import is_sixth
from dlbench_sdk.windows import overhang, reach, resize_matrix, shifts, sides, window_counts

# By the number of spatial axes.
CHANNELS_LAST = {2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


class Operators(Turning):
    def __init__(self, jax: Any, plan: Plan) -> None:
        super().__init__(plan, NHWC)
        self.jax, self.np, self.lax = jax, jax.numpy, jax.lax

    def turned(self, x: Any, order: Order) -> Any:
        return x.transpose(order)

    def _conv(self, node: Node) -> Any:
        convolve = self.lax.conv_general_dilated
        padding = sides(node.pads)

        def apply(x: Any, w: Any, b: Any = None) -> Any:
            y = convolve(
                x,
                w,
                node.strides,
                padding,
                rhs_dilation=node.dilations,
                dimension_numbers=CHANNELS_LAST[node.axes],
                feature_group_count=node.group,
            )
            return y if b is None else y + b

        return apply

    def _convtranspose(self, node: Node) -> Any:
        gapless = list(node.kernel_shape) == list(node.strides) and set(node.dilations) == {1}
        if gapless and node.group == 1 and not any([*node.pads, *node.output_padding]):
            return self.tiled(node)
        jnp, convolve, groups = self.np, self.lax.conv_general_dilated, node.group
        padding, axes = [], tuple(range(node.axes))
        for i, (size, out) in enumerate(zip(self.size_of(node), node.shape[2:])):
            tail = node.dilations[i] * (node.kernel_shape[i] - 1)
            before = tail - node.pads[i]
            spread = (size - 1) * node.strides[i] + 1
            padding.append((before, out - spread - before + tail))

        def apply(x: Any, w: Any, b: Any = None) -> Any:
            *kernel, outward, inward = w.shape
            w = jnp.flip(w, axes).reshape(*kernel, outward, groups, inward // groups)
            w = w.transpose(*axes, node.axes + 2, node.axes + 1, node.axes)
            y = convolve(
                x,
                w.reshape(*kernel, inward // groups, groups * outward),
                [1] * node.axes,
                padding,
                lhs_dilation=node.strides,
                rhs_dilation=node.dilations,
                dimension_numbers=CHANNELS_LAST[node.axes],
                feature_group_count=groups,
            )
            return y if b is None else y + b

        return apply

    def tiled(self, node: Node) -> Any:
        """A ConvTranspose whose kernel is its stride: each element of the input makes a tile of the
        output, and no two tiles overlap. XLA took 190 times as long on a CPU for one of volumes as
        a convolution with a dilated input, which is how the others are computed."""
        jnp, axes = self.np, node.axes
        pairs = [
            axis for pair in zip(range(1, 1 + axes), range(1 + axes, 1 + 2 * axes)) for axis in pair
        ]
        n, channels, *size = node.shape

        def apply(x: Any, w: Any, b: Any = None) -> Any:
            y = jnp.tensordot(x, w, (-1, -1))  # [N, D, H, W, kd, kh, kw, C]
            y = y.transpose(0, *pairs, 1 + 2 * axes).reshape(n, *size, channels)
            return y if b is None else y + b

        return apply

    def _batchnormalization(self, node: Node) -> Any:
        lax, training, old = self.lax, self.plan.training, node.momentum
        axes = tuple(range(1 + node.axes))

        def apply(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
            moved = mean, variance
            if training:
                moved = mean, variance = x.mean(axes), x.var(axes)
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

    def _instancenormalization(self, node: Node) -> Any:
        return self.normalized(node, range(1, 1 + node.axes))

    def _layernormalization(self, node: Node) -> Any:
        return self.normalized(node, self.orders.axes(node))

    def normalized(self, node: Node, axes: Any) -> Any:
        lax, axes = self.lax, tuple(axes)

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
        if set(node.dilations) != {1}:
            return self.dilated_maxpool(node, padding)
        window, strides = (1, *node.kernel_shape, 1), (1, *node.strides, 1)
        return lambda x: lax.reduce_window(x, -np.inf, lax.max, window, strides, padding)

    def dilated_maxpool(self, node: Node, padding: Any) -> Any:
        """The maximum of shifted inputs: reduce_window has no gradient with dilations."""
        jnp, windows = self.np, [(slice(None), *part) for part in shifts(node)]

        def apply(x: Any) -> Any:
            x = jnp.pad(x, padding, constant_values=-np.inf)
            return jnp.stack([x[part] for part in windows]).max(0)

        return apply

    def _averagepool(self, node: Node) -> Any:
        lax, size = self.lax, self.size_of(node)
        counts = from_nchw(window_counts(node, size))
        counts = counts.astype(np.float32)
        padding = explicit(reach(node, size))
        window, strides = (1, *node.kernel_shape, 1), (1, *node.strides, 1)
        return lambda x: lax.reduce_window(x, 0.0, lax.add, window, strides, padding) / counts

    def _globalaveragepool(self, node: Node) -> Any:
        axes = tuple(range(1, 1 + node.axes))
        return lambda x: x.mean(axes, keepdims=True)

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
        jnp, scales = self.np, list(enumerate(node.scales, 1))
        if (node.mode, node.coordinate_transformation_mode) == ("nearest", "asymmetric"):

            def repeated(x: Any) -> Any:
                for axis, scale in scales:
                    x = jnp.repeat(x, scale, axis)
                return x

            return repeated
        matrices = [
            resize_matrix(node, size, scale).astype(np.float32)
            for size, scale in zip(self.size_of(node), node.scales)
        ]
        # As jax.image.resize computes it, a product along each axis.
        if node.axes == 3:
            return lambda x: jnp.einsum("ndhwc,rd,ph,qw->nrpqc", x, *matrices)
        return lambda x: jnp.einsum("nhwc,ph,qw->npqc", x, *matrices)
