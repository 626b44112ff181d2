"""The plan's operators by Caffe2's nets."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Unsupported
from dlbench_sdk.windows import average_correction, overhang, reach, resize_matrix

from .volumes import Volumes, sliding

LOWEST = -3.0e38


class Operators(Volumes):
    def wrong_on_ideep(self, node: Node) -> bool:
        """IDEEP's gradient of the weights of a depthwise convolution with strides is wrong from
        some hundred channels on (operator case conv/depthwise-240)."""
        depthwise = node.group > 1 and node.group == self.plan.channels_of(node)
        return self.plan.training and depthwise and max(node.strides) > 1

    def _conv(self, node: Node) -> Any:
        if node.axes > 2 or self.wrong_on_ideep(node):
            return self.convolution(node)
        even = node.pads[:2] == node.pads[2:]

        def write(net: Any, inputs: Any, output: Any) -> Any:
            x = inputs[0] if even else self.padded(net, inputs[0], node, node.pads)
            settings = {"training_mode": 1} if self.plan.training else {}
            if even and self.ends_gradient(node):
                settings["no_gradient_to_input"] = 1
            net.Conv(
                [x, *node.params],
                [output],
                dilations=list(node.dilations),
                group=node.group,
                **sliding(node, node.pads if even else [0, 0, 0, 0]),
                **settings,
            )

        return write

    def _convtranspose(self, node: Node) -> Any:
        if node.axes > 2:
            return self.transposed_volume(node)
        if list(node.dilations) != [1, 1]:
            raise Unsupported("dilated ConvTranspose: Caffe2's has no dilations")
        if node.group != 1:
            raise Unsupported(f"ConvTranspose in {node.group} groups on IDEEP")
        top, left = node.pads[:2]
        ends = [node.shape[2] + top, node.shape[3] + left]
        wholes, adjs = [], []
        for i, size in enumerate(self.size_of(node)):
            whole = (size - 1) * node.strides[i] + node.kernel_shape[i]
            adjs.append(max(0, ends[i] - whole))
            wholes.append(whole + adjs[i])
        exact = (top, left) == (0, 0) and wholes == ends

        def write(net: Any, inputs: Any, output: Any) -> Any:
            # The whole output and then its inner part: pads are per side.
            whole = output if exact else f"whole.{node.name}"
            settings = {"training_mode": 1} if self.plan.training else {}
            net.ConvTranspose(
                [*inputs, *node.params],
                [whole],
                kernels=list(node.kernel_shape),
                strides=list(node.strides),
                adjs=adjs,
                order="NCHW",
                **settings,
            )
            if not exact:
                self.on_cpu(net, [whole], output, lambda x, y: cut(net, x, y))

        def cut(net: Any, inputs: Any, output: Any) -> Any:
            rows = f"rows.{node.name}"
            net.Slice(inputs, [rows], starts=[0, 0, top, 0], ends=[-1, -1, ends[0], -1])
            net.Slice([rows], [output], starts=[0, 0, 0, left], ends=[-1, -1, -1, ends[1]])

        return write

    def _batchnormalization(self, node: Node) -> Any:
        scale, bias, mean, variance = node.params

        def write(net: Any, inputs: Any, output: Any) -> Any:
            outputs, training = [output], self.plan.training
            if training:
                saved = f"{node.name}.saved_mean", f"{node.name}.saved_variance"
                outputs += [mean, variance, *saved]
            net.SpatialBN(
                [*inputs, scale, bias, mean, variance],
                outputs,
                epsilon=node.epsilon,
                momentum=node.momentum,
                is_test=0 if training else 1,
                order="NCHW",
            )

        return write

    def _instancenormalization(self, node: Node) -> Any:
        saved = [f"{node.name}.saved_mean", f"{node.name}.saved_inverse"]

        def write(net: Any, inputs: Any, output: Any) -> Any:
            self.on_cpu(net, [*inputs, *node.params], output, lambda x, y: normalize(net, x, y))

        def normalize(net: Any, inputs: Any, output: Any) -> Any:
            net.InstanceNorm(inputs, [output, *saved], epsilon=node.epsilon, order="NCHW")

        return write

    def _relu(self, node: Node) -> Any:
        return lambda net, inputs, output: net.Relu(inputs, [output])

    def _clip(self, node: Node) -> Any:
        return self.cpu_operator("Clip", min=node.min, max=node.max)

    def _sigmoid(self, node: Node) -> Any:
        return self.cpu_operator("Sigmoid")

    def _leakyrelu(self, node: Node) -> Any:
        if node.alpha >= 0:
            return lambda net, inputs, output: net.LeakyRelu(inputs, [output], alpha=node.alpha)
        # Its gradient reads the sign of the output: PRelu's reads the input's.
        slope = self.constant(node, "slope", np.array([node.alpha]))

        def write(net: Any, inputs: Any, output: Any) -> Any:
            self.on_cpu(net, inputs, output, lambda x, y: net.PRelu([*x, slope], [y]))

        return write

    def _prelu(self, node: Node) -> Any:
        return self.cpu_operator("PRelu", node.params)

    def _hardsigmoid(self, node: Node) -> Any:
        return self.cpu_operator("HardSigmoid", alpha=node.alpha, beta=node.beta)

    def _hardswish(self, node: Node) -> Any:
        gate = f"gate.{node.name}"

        def swish(net: Any, inputs: Any, output: Any) -> Any:
            net.HardSigmoid(inputs, [gate], alpha=1 / 6, beta=0.5)
            net.Mul([*inputs, gate], [output])

        return lambda net, inputs, output: self.on_cpu(
            net, inputs, output, lambda x, y: swish(net, x, y)
        )

    def _gelu(self, node: Node) -> Any:
        return self.cpu_operator("Gelu", fast_gelu=node.approximate == "tanh")

    def _layernormalization(self, node: Node) -> Any:
        saved = [f"{node.name}.saved_mean", f"{node.name}.saved_deviation"]

        def write(net: Any, inputs: Any, output: Any) -> Any:
            self.on_cpu(net, [*inputs, *node.params], output, lambda x, y: normalize(net, x, y))

        def normalize(net: Any, inputs: Any, output: Any) -> Any:
            net.LayerNorm(
                inputs,
                [output, *saved],
                axis=node.axis,
                epsilon=node.epsilon,
                elementwise_affine=True,
            )

        return write

    def _softmax(self, node: Node) -> Any:
        rank = len(node.shape)
        order = [i for i in range(rank) if i != node.axis] + [node.axis]
        inverse = [order.index(i) for i in range(rank)]

        def write(net: Any, inputs: Any, output: Any) -> Any:
            # Over the last axis: Caffe2's takes all axes from the given one on together.
            turned, done = f"turned.{node.name}", f"softmax.{node.name}"
            net.Transpose(inputs, [turned], axes=order)
            net.Softmax([turned], [done], axis=rank - 1)
            net.Transpose([done], [output], axes=inverse)

        return write

    def _maxpool(self, node: Node) -> Any:
        if any(d != 1 for d in node.dilations):
            raise Unsupported(f"MaxPool with dilations {node.dilations}: Caffe2's has none")
        extra = overhang(node, self.size_of(node))
        pads = [p + e for p, e in zip(node.pads, extra)]
        if node.axes > 2:
            return self.cpu_operator("MaxPool", **sliding(node, pads))
        even = pads[:2] == pads[2:]

        def write(net: Any, inputs: Any, output: Any) -> Any:
            x = inputs[0] if even else self.padded(net, inputs[0], node, pads, LOWEST)
            self.pool(net.MaxPool, node, x, output, pads if even else [0, 0, 0, 0])

        return write

    def pool(self, operator: Any, node: Node, x: str, output: str, pads: Any) -> None:
        operator([x], [output], **sliding(node, pads))

    def _averagepool(self, node: Node) -> Any:
        if node.axes > 2:
            return self.average_of_volume(node)
        pads = reach(node, self.size_of(node))
        correction = average_correction(node, self.size_of(node))
        if not any(pads):
            return lambda net, inputs, output: self.pool(
                net.AveragePool, node, inputs[0], output, pads
            )
        factor = self.constant(node, "correction", np.broadcast_to(correction, node.shape))

        def write(net: Any, inputs: Any, output: Any) -> Any:
            whole = f"whole.{node.name}"
            x = self.padded(net, inputs[0], node, pads)
            if (correction == 1).all():
                self.pool(net.AveragePool, node, x, output, [0, 0, 0, 0])
                return
            self.pool(net.AveragePool, node, x, whole, [0, 0, 0, 0])
            self.on_cpu(net, [whole], output, lambda x, y: net.Mul([*x, factor], [y]))

        return write

    def _globalaveragepool(self, node: Node) -> Any:
        kernels = list(self.size_of(node))
        settings = {"kernels": kernels, "strides": [1] * node.axes, "order": "NCHW"}
        # IDEEP's gradient is wrong for up to eight channels that come from the CPU device.
        if node.axes > 2 or (self.plan.training and node.shape[1] <= 8):
            return self.cpu_operator("AveragePool", **settings)
        return lambda net, inputs, output: net.AveragePool(inputs, [output], **settings)

    def _add(self, node: Node) -> Any:
        alike = len({self.plan.shape_of(n) for n in node.data}) == 1
        if alike and not node.params:
            return lambda net, inputs, output: net.Sum(inputs, [output])
        return self.cpu_operator("Add", node.params)

    def _mul(self, node: Node) -> Any:
        return self.cpu_operator("Mul", node.params)

    def _concat(self, node: Node) -> Any:
        if self.breaks_blocks(node):

            def write(net: Any, inputs: Any, output: Any) -> Any:
                outputs = f"split.{node.name}"
                self.on_cpu(
                    net, inputs, output, lambda x, y: net.Concat(x, [y, outputs], axis=node.axis)
                )

            return write
        return lambda net, inputs, output: net.Concat(
            inputs, [output, f"split.{node.name}"], axis=node.axis
        )

    def breaks_blocks(self, node: Node) -> bool:
        """oneDNN holds channels in blocks of 16 or less, and IDEEP fails where a part begins within
        a block: always if a part is less than one, and in the gradient if that is in blocks too.
        What a Reshape reads is not."""
        parts = [self.plan.shape_of(name)[1] for name in node.data[:-1]]
        if node.axis != 1 or all(channels % 16 == 0 for channels in parts):
            return False
        readers = {reader.op for reader in self.plan.nodes if node.output in reader.data}
        return min(parts) < 16 or readers != {"Reshape"}

    def _flatten(self, node: Node) -> Any:
        return lambda net, inputs, output: net.Flatten(inputs, [output])

    def _reshape(self, node: Node) -> Any:
        return lambda net, inputs, output: net.Reshape(
            inputs, [output, f"shape.{node.name}"], shape=list(node.shape)
        )

    def _transpose(self, node: Node) -> Any:
        return lambda net, inputs, output: net.Transpose(inputs, [output], axes=list(node.perm))

    def _slice(self, node: Node) -> Any:
        starts, ends = [0] * len(node.shape), [-1] * len(node.shape)
        starts[node.axis], ends[node.axis] = node.start, node.end
        return self.cpu_operator("Slice", starts=starts, ends=ends)

    def _gemm(self, node: Node) -> Any:
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        params = list(node.params)
        if len(params) == 1:  # FC wants a bias, and IDEEP has no MatMul
            nothing = np.zeros(node.shape[1])
            params.append(self.constant(node, "no_bias", nothing, on_cpu=False))
        return lambda net, inputs, output: net.FC([*inputs, *params], [output])

    def _lrn(self, node: Node) -> Any:
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}")
        return lambda net, inputs, output: net.LRN(
            inputs,
            [output, f"scale.{node.name}"],
            size=node.size,
            alpha=node.alpha,
            beta=node.beta,
            bias=node.bias,
            order="NCHW",
        )

    def _dropout(self, node: Node) -> Any:
        return lambda net, inputs, output: None

    def _resize(self, node: Node) -> Any:
        how = node.mode, node.coordinate_transformation_mode
        if how == ("nearest", "asymmetric") and node.axes == 2:
            height, width = (float(scale) for scale in node.scales)
            return self.cpu_operator("ResizeNearest", height_scale=height, width_scale=width)
        steps = []  # one for each axis: its matrix, and a bias of zeros, which FC wants
        for i, size in enumerate(self.size_of(node)):
            matrix = resize_matrix(node, size, node.scales[i])
            steps.append(
                (
                    self.constant(node, f"matrix{i}", matrix),
                    self.constant(node, f"zeros{i}", np.zeros(len(matrix))),
                )
            )
        # The last axis becomes the first, and the one before it the last.
        turn = [0, 1, 1 + node.axes, *range(2, 1 + node.axes)]

        def write(net: Any, inputs: Any, output: Any) -> Any:
            self.on_cpu(net, inputs, output, lambda x, y: resize(net, x, y))

        def resize(net: Any, inputs: Any, output: Any) -> Any:
            held = inputs[0]
            for i in reversed(range(node.axes)):
                long, turned = f"long{i}.{node.name}", f"turned{i}.{node.name}"
                net.FC([held, *steps[i]], [long], axis=1 + node.axes)
                held = turned if i else output
                net.Transpose([long], [held], axes=turn)

        return write
