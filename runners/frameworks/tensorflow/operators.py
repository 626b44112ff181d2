"""The plan's operators by tf.nn and tf.raw_ops, on NHWC. What computes a node takes its activations
and its parameters; batch norm returns its moved statistics beside its output."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.nhwc import explicit, from_nchw
from dlbench_sdk.orders import NHWC, Order, Turning
from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.table import is_sixth
from dlbench_sdk.windows import average_correction, is_same, reach, resize_matrix


class Operators(Turning):
    def __init__(self, tf: Any, plan: Plan, compiled: bool) -> None:
        super().__init__(plan, NHWC)
        self.tf, self.compiled = tf, compiled  # by XLA

    def turned(self, x: Any, order: Order) -> Any:
        return self.tf.transpose(x, order)

    def _conv(self, node: Node) -> Any:
        nn = self.tf.nn
        strides, dilations, same = node.strides, node.dilations, is_same(node)
        padding = "SAME" if same else around(node.pads)
        if self.plan.training and list(dilations) != [1, 1]:
            raise Unsupported("the gradient of a dilated Conv: there is none on CPUs")
        channels = self.plan.channels_of(node)
        if node.group > 1 and node.group == channels:
            if strides[0] != strides[1]:
                raise Unsupported(f"depthwise Conv with strides {strides}")

            def convolve(x: Any, w: Any) -> Any:
                square = [1, *strides, 1]
                return nn.depthwise_conv2d(x, w, square, padding, dilations=dilations)
        else:

            def convolve(x: Any, w: Any) -> Any:
                return nn.conv2d(x, w, strides, padding, dilations=dilations)

        if node.group > 1 and node.group != channels:
            convolve = self.in_groups(convolve, node.group)
        if self.plan.training and any(node.pads) and not same:
            # oneDNN's backward convolutions take no explicit padding: with a
            # pad before it the whole step is theirs, which was faster.
            convolve, padding = self.padded_before(convolve, padding), "VALID"
        if len(node.params) == 1:
            return convolve
        return lambda x, w, b: nn.bias_add(convolve(x, w), b)

    def padded_before(self, convolve: Any, pads: Any) -> Any:
        return lambda x, w: convolve(self.tf.pad(x, pads), w)

    def in_groups(self, convolve: Any, group: int) -> Any:
        tf = self.tf

        def apply(x: Any, w: Any) -> Any:
            parts = zip(tf.split(x, group, axis=3), tf.split(w, group, axis=3))
            return tf.concat([convolve(*part) for part in parts], axis=3)

        return apply

    def _convtranspose(self, node: Node) -> Any:
        if node.group != 1:
            raise Unsupported(f"ConvTranspose in {node.group} groups")
        if list(node.dilations) != [1, 1]:
            raise Unsupported("dilated ConvTranspose: there is none on CPUs")
        tf, (n, c, h, w) = self.tf, node.shape
        top, left, bottom, right = node.pads

        def apply(x: Any, weights: Any, bias: Any = None) -> Any:
            # The whole output and then its inner part: the operator's own
            # padding has to be the one of a forward convolution.
            whole = [n, h + top + bottom, w + left + right, c]
            y = tf.nn.conv2d_transpose(x, weights, whole, node.strides, "VALID")
            y = y[:, top : top + h, left : left + w, :]
            return y if bias is None else tf.nn.bias_add(y, bias)

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
            )
            return y.y, y.batch_mean, y.batch_variance

        return apply

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
        nn, axes = self.tf.nn, self.orders.axes(node)

        def apply(x: Any, scale: Any, bias: Any) -> Any:
            mean, variance = nn.moments(x, axes, keepdims=True)
            return nn.batch_normalization(x, mean, variance, bias, scale, node.epsilon)

        return apply

    def _softmax(self, node: Node) -> Any:
        axis = self.orders.axis(node)
        return lambda x: self.tf.nn.softmax(x, axis)

    def _maxpool(self, node: Node) -> Any:
        if list(node.dilations) != [1, 1]:
            raise Unsupported(f"MaxPool with dilations {node.dilations}")
        tf, kernel, strides = self.tf, node.kernel_shape, node.strides
        padding = around(reach(node, self.plan.shape_of(node.data[0])[2:]))
        if not self.compiled or padding == "VALID":
            return lambda x: tf.nn.max_pool2d(x, kernel, strides, padding)

        def apply(x: Any) -> Any:  # XLA's pools have no explicit padding
            x = tf.pad(x, padding, constant_values=-np.inf)
            return tf.nn.max_pool2d(x, kernel, strides, "VALID")

        return apply

    def _averagepool(self, node: Node) -> Any:
        tf, nn = self.tf, self.tf.nn
        size = self.plan.shape_of(node.data[0])[2:]
        correction = from_nchw(average_correction(node, size))
        padding = explicit(reach(node, size))

        def apply(x: Any) -> Any:
            x = tf.pad(x, padding) if any(map(any, padding)) else x
            y = nn.avg_pool2d(x, node.kernel_shape, node.strides, "VALID")
            return y if (correction == 1).all() else y * correction

        return apply

    def _globalaveragepool(self, node: Node) -> Any:
        return lambda x: self.tf.reduce_mean(x, [1, 2], keepdims=True)

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
        tf, (_, _, h, w) = self.tf, self.plan.shape_of(node.data[0])
        rows = resize_matrix(node, h, node.scales[0]).astype(np.float32)
        columns = resize_matrix(node, w, node.scales[1]).astype(np.float32)
        how = (node.mode, node.coordinate_transformation_mode)
        size = list(node.shape[2:])
        if how == ("nearest", "asymmetric"):
            return lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, size)
        if how == ("linear", "half_pixel"):
            return lambda x: tf.image.resize(x, size, "bilinear", antialias=False)
        return lambda x: tf.einsum("ph,nhwc,qw->npqc", rows, x, columns)


def around(pads: Any) -> Any:
    """Padding as TensorFlow's operators take it; zeros that are spelt out are slower than none."""
    return explicit(pads) if any(pads) else "VALID"
