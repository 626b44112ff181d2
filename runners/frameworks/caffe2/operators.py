"""The plan's operators by Caffe2's nets. What computes a node writes its operators into a net: it
takes the net, the blobs of the activations and the blob of the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.table import Table
from dlbench_sdk.windows import average_correction, overhang, reach, resize_matrix

LOWEST = -3.0e38


@dataclass
class Devices:
    """Caffe2's core, the device that computes, and the CPU device, which has all operators."""

    core: Any
    fast: Any
    cpu: Any


class Operators(Table):
    def __init__(self, devices: Devices, plan: Plan, input_gradient: bool) -> None:
        super().__init__(plan)
        self.devices, self.input_gradient = devices, input_gradient
        self.constants: dict[str, tuple[np.ndarray, bool]] = {}  # and whether on the CPU device

    def constant(self, node: Node, name: str, value: np.ndarray, on_cpu: bool = True) -> str:
        """A blob that never changes."""
        name = f"constant.{node.name}.{name}"
        self.constants[name] = value.astype(np.float32), on_cpu
        return name

    def on_cpu(self, net: Any, inputs: Any, output: str, write: Any) -> None:
        """Write operators that IDEEP lacks: its tensors are copied to the CPU device and the
        result to IDEEP."""
        held = [f"{name}.for.{output}" for name in inputs]
        for name, copy in zip(inputs, held):
            self.append(net, "CopyIDEEPToCPU", name, copy)
        with self.devices.core.DeviceScope(self.devices.cpu):
            write(held, f"{output}.cpu")
        self.append(net, "CopyCPUToIDEEP", f"{output}.cpu", output)

    def append(self, net: Any, operator: str, source: str, target: str) -> None:
        made = self.devices.core.CreateOperator(
            operator, [source], [target], device_option=self.devices.fast
        )
        net.Proto().op.extend([made])

    def padded(self, net: Any, x: str, node: Node, pads: Any, value: float = 0.0) -> str:
        """IDEEP's operators fail on pads that differ from side to side."""
        top, left, bottom, right = pads
        sides = {"pad_t": top, "pad_l": left, "pad_b": bottom, "pad_r": right}

        def write(inputs: Any, output: Any) -> Any:
            net.PadImage(inputs, [output], value=value, mode="constant", order="NCHW", **sides)

        name = f"padded.{node.name}"
        self.on_cpu(net, [x], name, write)
        return name

    def cpu_operator(self, operator: str, params: Any = (), **settings: Any) -> Any:
        """An operator of activations and parameters on the CPU device."""

        def write(net: Any, inputs: Any, output: Any) -> Any:
            run = getattr(net, operator)
            self.on_cpu(net, [*inputs, *params], output, lambda x, y: run(x, [y], **settings))

        return write

    def wrong_on_ideep(self, node: Node) -> bool:
        """IDEEP's gradient of the weights of a depthwise convolution with strides is wrong from
        some hundred channels on (operator case conv/depthwise-240)."""
        depthwise = node.group > 1 and node.group == self.plan.channels_of(node)
        return self.plan.training and depthwise and max(node.strides) > 1

    def _conv(self, node: Node) -> Any:
        even = node.pads[:2] == node.pads[2:]
        if self.wrong_on_ideep(node):
            return self.cpu_operator(
                "Conv",
                node.params,
                kernels=list(node.kernel_shape),
                strides=list(node.strides),
                pads=list(node.pads),
                dilations=list(node.dilations),
                group=node.group,
                order="NCHW",
            )

        def write(net: Any, inputs: Any, output: Any) -> Any:
            x = inputs[0] if even else self.padded(net, inputs[0], node, node.pads)
            settings = {"training_mode": 1} if self.plan.training else {}
            first = node is self.plan.nodes[0]
            if self.plan.training and even and first and not self.input_gradient:
                settings["no_gradient_to_input"] = 1
            net.Conv(
                [x, *node.params],
                [output],
                kernels=list(node.kernel_shape),
                strides=list(node.strides),
                pads=list(node.pads) if even else [0, 0, 0, 0],
                dilations=list(node.dilations),
                group=node.group,
                order="NCHW",
                **settings,
            )

        return write

    def _convtranspose(self, node: Node) -> Any:
        if list(node.dilations) != [1, 1]:
            raise Unsupported("dilated ConvTranspose: Caffe2's has no dilations")
        if node.group != 1:
            raise Unsupported(f"ConvTranspose in {node.group} groups on IDEEP")
        top, left = node.pads[:2]
        ends = [node.shape[2] + top, node.shape[3] + left]
        adjs = []
        for i, size in enumerate(self.size_of(node)):
            whole = (size - 1) * node.strides[i] + node.kernel_shape[i]
            adjs.append(max(0, ends[i] - whole))

        def write(net: Any, inputs: Any, output: Any) -> Any:
            # The whole output and then its inner part: pads are per side.
            whole = f"whole.{node.name}"
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
        if list(node.dilations) != [1, 1]:
            raise Unsupported(f"MaxPool with dilations {node.dilations}: Caffe2's has none")
        extra = overhang(node, self.size_of(node))
        pads = [p + e for p, e in zip(node.pads, extra)]
        even = pads[:2] == pads[2:]

        def write(net: Any, inputs: Any, output: Any) -> Any:
            x = inputs[0] if even else self.padded(net, inputs[0], node, pads, LOWEST)
            self.pool(net.MaxPool, node, x, output, pads if even else [0, 0, 0, 0])

        return write

    def pool(self, operator: Any, node: Node, x: str, output: str, pads: Any) -> None:
        operator(
            [x],
            [output],
            kernels=list(node.kernel_shape),
            strides=list(node.strides),
            pads=list(pads),
            order="NCHW",
        )

    def _averagepool(self, node: Node) -> Any:
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
        return lambda net, inputs, output: net.AveragePool(
            inputs, [output], kernels=kernels, strides=[1, 1], order="NCHW"
        )

    def _add(self, node: Node) -> Any:
        alike = len({self.plan.shape_of(n) for n in node.data}) == 1
        if alike and not node.params:
            return lambda net, inputs, output: net.Sum(inputs, [output])
        return self.cpu_operator("Add", node.params)

    def _mul(self, node: Node) -> Any:
        return self.cpu_operator("Mul", node.params)

    def _concat(self, node: Node) -> Any:
        return lambda net, inputs, output: net.Concat(
            inputs, [output, f"split.{node.name}"], axis=node.axis
        )

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
        h, w = self.size_of(node)
        rows = self.constant(node, "rows", resize_matrix(node, h, node.scales[0]))
        columns = self.constant(node, "columns", resize_matrix(node, w, node.scales[1]))
        nothing = [
            self.constant(node, "no_rows", np.zeros(node.shape[2])),
            self.constant(node, "no_columns", np.zeros(node.shape[3])),
        ]
        turned = [0, 1, 3, 2]

        def write(net: Any, inputs: Any, output: Any) -> Any:
            self.on_cpu(net, inputs, output, lambda x, y: resize(net, x, y))

        def resize(net: Any, inputs: Any, output: Any) -> Any:
            wide, high = f"wide.{node.name}", f"high.{node.name}"
            net.FC([*inputs, columns, nothing[1]], [wide], axis=3)
            net.Transpose([wide], [f"{wide}.turned"], axes=turned)
            net.FC([f"{wide}.turned", rows, nothing[0]], [high], axis=3)
            net.Transpose([high], [output], axes=turned)

        return write
