"""The plan's operators by tf.nn and tf.raw_ops, on NHWC and NDHWC. What computes a node takes its
activations and its parameters; batch norm returns its moved statistics beside its output."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlbench_sdk.nhwc import explicit, from_nchw
from dlbench_sdk.orders import NHWC, Order, Turning
from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.table import is_sixth
from dlbench_sdk.windows import average_correction, is_same, reach, resize_matrix, sides


class Operators(Turning):
    def __init__(self, tf: Any, plan: Plan, compiled: bool) -> None:
        super().__init__(plan, NHWC)
        self.tf, self.compiled = tf, compiled  # by XLA

    def turned(self, x: Any, order: Order) -> Any:
        return self.tf.transpose(x, order)

    def _conv(self, node: Node) -> Any:
        dilated = set(node.dilations) != {1}
        if self.plan.training and dilated:
            raise Unsupported("the gradient of a dilated Conv: there is none on CPUs")
        if node.axes == 3 and dilated:
            raise Unsupported("a dilated Conv of volumes: there is none on CPUs")
        padding = "SAME" if is_same(node) else around(node.pads)
        before = None
        if padding not in ("SAME", "VALID") and (self.plan.training or node.axes == 3):
            # oneDNN's backward convolutions take no explicit padding: with a
            # pad before it the whole step is theirs, which was faster. Those
            # of volumes take none at all.
            before, padding = padding, "VALID"
        convolve = self.convolution(node, padding)
        if before:
            convolve = self.padded_before(convolve, before)
        if len(node.params) == 1:
            return convolve
        return lambda x, w, b: self.tf.nn.bias_add(convolve(x, w), b)

    def convolution(self, node: Node, padding: Any) -> Any:
        nn, strides = self.tf.nn, [1, *node.strides, 1]
        if node.axes == 3:

            def convolve(x: Any, w: Any) -> Any:
                return nn.conv3d(x, w, strides, padding)
        elif 1 < node.group == self.plan.channels_of(node):
            if len(set(node.strides)) > 1:
                raise Unsupported(f"depthwise Conv with strides {node.strides}")
            return lambda x, w: nn.depthwise_conv2d(
                x, w, strides, padding, dilations=node.dilations
            )
        else:

            def convolve(x: Any, w: Any) -> Any:
                return nn.conv2d(x, w, node.strides, padding, dilations=node.dilations)

        return self.in_groups(convolve, node.group) if node.group > 1 else convolve

    def padded_before(self, convolve: Any, pads: Any) -> Any:
        tf = self.tf
        if self.plan.training and len(pads) == 5:
            # Grappler merges a Pad and a Conv3D, fails at it if a gradient reads the pad, too,
            # and gives up all its other mergers; it knows no PadV2.
            return lambda x, w: convolve(
                tf.raw_ops.PadV2(input=x, paddings=pads, constant_values=0.0), w
            )
        return lambda x, w: convolve(tf.pad(x, pads), w)

    def in_groups(self, convolve: Any, group: int) -> Any:
        tf = self.tf

        def apply(x: Any, w: Any) -> Any:
            parts = zip(tf.split(x, group, axis=-1), tf.split(w, group, axis=-1))
            return tf.concat([convolve(*part) for part in parts], axis=-1)

        return apply

    def _convtranspose(self, node: Node) -> Any:
        if node.group != 1:
            raise Unsupported(f"ConvTranspose in {node.group} groups")
        if set(node.dilations) != {1}:
            raise Unsupported("dilated ConvTranspose: there is none on CPUs")
        nn, (n, c, *size) = self.tf.nn, node.shape
        transpose = {2: nn.conv2d_transpose, 3: nn.conv3d_transpose}[node.axes]
        whole = [n, *(s + sum(pads) for s, pads in zip(size, sides(node.pads))), c]
        inner = (slice(None), *(slice(p, p + s) for p, s in zip(node.pads, size)))

        def apply(x: Any, weights: Any, bias: Any = None) -> Any:
            # The whole output and then its inner part: the operator's own
            # padding has to be the one of a forward convolution.
            y = transpose(x, weights, whole, node.strides, "VALID")[inner]
            return y if bias is None else nn.bias_add(y, bias)

        return apply

    def _batchnormalization(self, node: Node) -> Any:
        tf, training = self.tf, self.plan.training
        factor = 1 - node.momentum if training else 1.0

        def apply(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
            y = tf.raw_ops.FusedBatchNormV3(
                x=x,
                scale=scale,
                offset=bias,
                mean=mean,
                variance=variance,
                epsilon=node.epsilon,
                exponential_avg_factor=factor,
                is_training=training,
                data_format="NHWC" if len(x.shape) == 4 else "NDHWC",
            )
            return y.y, y.batch_mean, y.batch_variance

        return apply

    def _instancenormalization(self, node: Node) -> Any:
        return self.normalized(node, range(1, 1 + node.axes))

    def _relu(self, node: Node) -> Any:
        return self.tf.nn.relu

    def _clip(self, node: Node) -> Any:
        return lambda x: self.tf.clip_by_value(x, node.min, node.max)

    def _sigmoid(self, node: Node) -> Any:
        return self.tf.sigmoid

    def _leakyrelu(self, node: Node) -> Any:
        return lambda x: self.tf.nn.leaky_relu(x, node.alpha)

    def _prelu(self, node: Node) -> Any:
        relu = self.tf.nn.relu
        return lambda x, slope: relu(x) - slope * relu(-x)

    def _hardsigmoid(self, node: Node) -> Any:
        if is_sixth(node):
            return lambda x: self.tf.nn.relu6(x + 3.0) / 6.0
        return lambda x: self.tf.clip_by_value(node.alpha * x + node.beta, 0.0, 1.0)

    def _hardswish(self, node: Node) -> Any:
        return lambda x: x * self.tf.nn.relu6(x + 3.0) / 6.0

    def _gelu(self, node: Node) -> Any:
        return lambda x: self.tf.nn.gelu(x, approximate=node.approximate == "tanh")

    def _layernormalization(self, node: Node) -> Any:
        return self.normalized(node, self.orders.axes(node))

    def normalized(self, node: Node, axes: Any) -> Any:
        nn, axes = self.tf.nn, list(axes)

        def apply(x: Any, scale: Any, bias: Any) -> Any:
            mean, variance = nn.moments(x, axes, keepdims=True)
            return nn.batch_normalization(x, mean, variance, bias, scale, node.epsilon)

        return apply

    def _softmax(self, node: Node) -> Any:
        axis = self.orders.axis(node)
        return lambda x: self.tf.nn.softmax(x, axis)

    def _maxpool(self, node: Node) -> Any:
        if set(node.dilations) != {1}:
            raise Unsupported(f"MaxPool with dilations {node.dilations}")
        tf, kernel, strides = self.tf, node.kernel_shape, node.strides
        pool = {2: tf.nn.max_pool2d, 3: tf.nn.max_pool3d}[node.axes]
        padding = around(reach(node, self.size_of(node)))
        if padding == "VALID" or (node.axes == 2 and not self.compiled):
            return lambda x: pool(x, kernel, strides, padding)

        def apply(x: Any) -> Any:  # pools of volumes and XLA's have no explicit padding
            x = tf.pad(x, padding, constant_values=-np.inf)
            return pool(x, kernel, strides, "VALID")

        return apply

    def _averagepool(self, node: Node) -> Any:
        tf, size = self.tf, self.size_of(node)
        pool = {2: tf.nn.avg_pool2d, 3: tf.nn.avg_pool3d}[node.axes]
        correction = from_nchw(average_correction(node, size))
        padding = explicit(reach(node, size))

        def apply(x: Any) -> Any:
            x = tf.pad(x, padding) if any(map(any, padding)) else x
            y = pool(x, node.kernel_shape, node.strides, "VALID")
            return y if (correction == 1).all() else y * correction

        return apply

    def _globalaveragepool(self, node: Node) -> Any:
        axes = list(range(1, 1 + node.axes))
        return lambda x: self.tf.reduce_mean(x, axes, keepdims=True)

    def _add(self, node: Node) -> Any:
        return self.tf.add

    def _mul(self, node: Node) -> Any:
        return self.tf.multiply

    def _concat(self, node: Node) -> Any:
        axis = self.orders.axis(node)
        return lambda *parts: self.tf.concat(parts, axis)

    def _flatten(self, node: Node) -> Any:
        return lambda x: self.tf.reshape(x, node.shape)

    def _reshape(self, node: Node) -> Any:
        shape = self.orders.held_shape(node.output)
        return lambda x: self.tf.reshape(x, shape)

    def _slice(self, node: Node) -> Any:
        part = self.orders.part(node)
        return lambda x: x[part]

    def _gemm(self, node: Node) -> Any:
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        if len(node.params) == 1:
            return self.tf.matmul
        return lambda x, w, b: self.tf.nn.bias_add(self.tf.matmul(x, w), b)

    def _lrn(self, node: Node) -> Any:
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}")
        # TensorFlow's alpha multiplies the sum of squares, ONNX's their mean.
        alpha, radius = node.alpha / node.size, node.size // 2
        return lambda x: self.tf.nn.lrn(x, radius, node.bias, alpha, node.beta)

    def _dropout(self, node: Node) -> Any:
        return lambda x: x

    def _resize(self, node: Node) -> Any:
        tf, size, scales = self.tf, self.size_of(node), node.scales
        how = (node.mode, node.coordinate_transformation_mode)
        if node.axes == 2 and how == ("nearest", "asymmetric"):
            return lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, node.shape[2:])
        if node.axes == 2 and how == ("linear", "half_pixel"):
            return lambda x: tf.image.resize(x, node.shape[2:], "bilinear", antialias=False)
        if how == ("nearest", "asymmetric"):
            return self.repeated(scales)
        matrices = [resize_matrix(node, *axis).astype(np.float32) for axis in zip(size, scales)]
        return self.separable(matrices)

    def repeated(self, scales: Any) -> Any:
        def apply(x: Any) -> Any:
            for axis, scale in enumerate(scales, 1):
                x = self.tf.repeat(x, scale, axis)
            return x

        return apply

    def separable(self, matrices: list[np.ndarray]) -> Any:
        """A product along each axis; TensorFlow resizes no volumes."""
        tf = self.tf

        def apply(x: Any) -> Any:
            for axis, matrix in enumerate(matrices, 1):
                shape = list(x.shape)
                flat = tf.reshape(x, [math.prod(shape[:axis]), shape[axis], -1])
                shape[axis] = len(matrix)
                x = tf.reshape(tf.matmul(matrix, flat), shape)
            return x

        return apply


def around(pads: Any) -> Any:
    """Padding as TensorFlow's operators take it; zeros that are spelt out are slower than none."""
    return explicit(pads) if any(pads) else "VALID"
