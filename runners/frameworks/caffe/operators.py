"""The plan as Caffe's NetParameter, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.table import Table
from dlbench_sdk.windows import average_correction

LABELS, LOSS = "labels", "loss"


class Writer(Table):
    """Writes one net. What computes a node takes the blobs of its activations and adds layers that
    end in `self.output`. Observed, nothing is in place and the gradient reaches the input."""

    def __init__(self, pb: Any, plan: Plan, observed: bool) -> None:
        super().__init__(plan)
        self.pb, self.overwrites = pb, not observed
        self.constants: dict[str, np.ndarray] = {}  # inputs that never change
        self.message = pb.NetParameter(name=plan.workload, force_backward=observed)
        self.blobs = {plan.input: "data"}  # of the plan's activations
        self.write(plan.in_place("Relu") if self.overwrites else set())

    def write(self, in_place: set[str]) -> None:
        plan = self.plan
        self.given("data", plan.input_shape)
        for node in plan.nodes:
            inputs = [self.blobs[n] for n in node.data]
            self.output = inputs[0] if node.name in in_place else f"value.{node.name}"
            self.operator(node)(*inputs)
            self.blobs[node.output] = self.output
        if plan.training:
            self.given(LABELS, (plan.batch,))
            logits = self.blobs[plan.outputs[0]]
            self.layer("SoftmaxWithLoss", LOSS, [logits, LABELS], LOSS)

    def given(self, name: str, shape: Any) -> str:
        layer = self.layer("Input", name, [], name)
        layer.input_param.shape.add().dim.extend(shape)
        return name

    def layer(
        self, kind: str, name: str, bottoms: Any, top: str, trained: int = 0, fixed: int = 0
    ) -> Any:
        layer = self.message.layer.add(name=name, type=kind, bottom=bottoms, top=[top])
        for rate in [1.0] * trained + [0.0] * fixed:
            layer.param.add(lr_mult=rate, decay_mult=0.0)
        return layer

    def padding(self, node: Node, most: int | None = None) -> tuple[list[int], list[int]]:
        """Pads for both sides that give all of the plan's windows, and how many windows too many
        they give before the first one: Caffe pads both sides alike."""
        pads, skipped = [], []
        dilations = node.attributes.get("dilations", [1, 1])
        for i, size in enumerate(self.size_of(node)):
            stride, first = node.strides[i], node.pads[i]
            window = dilations[i] * (node.kernel_shape[i] - 1) + 1
            pad = first
            while (size + 2 * pad - window) // stride + 1 - (pad - first) // stride < (
                node.shape[2 + i]
            ):
                pad += stride
            if most is not None and pad >= node.kernel_shape[i]:
                raise Unsupported(f"{node.op} with pads {node.pads}: Caffe pads less than a window")
            pads.append(pad)
            skipped.append((pad - first) // stride)
        return pads, skipped

    def cropped(self, node: Node, name: str, offsets: Any, before: dict[str, Any]) -> None:
        """A layer whose output is cropped to the plan's; before makes the layer."""
        size = [
            (s + 2 * p - d * (k - 1) - 1) // t + 1
            for s, p, d, k, t in zip(
                self.size_of(node),
                before["pads"],
                node.attributes.get("dilations", [1, 1]),
                node.kernel_shape,
                node.strides,
            )
        ]
        if list(offsets) == [0, 0] and size == list(node.shape[2:]):
            before["make"](self.output)
            return
        before["make"](f"whole.{name}")
        self.crop(node, f"whole.{name}", offsets)

    def crop(self, node: Node, whole: str, offsets: Any) -> None:
        like = self.given(f"size.{node.name}", node.shape)
        layer = self.layer("Crop", f"crop.{node.name}", [whole, like], self.output)
        layer.crop_param.axis = 2
        layer.crop_param.offset.extend(offsets)

    def _conv(self, node: Node) -> Any:
        pads, skipped = self.padding(node)

        def build(x: Any) -> Any:
            def make(top: Any) -> Any:
                count = len(node.params)
                layer = self.layer("Convolution", node.name, [x], top, trained=count)
                self.convolve(layer, node, pads)

            self.cropped(node, node.name, skipped, {"pads": pads, "make": make})

        return build

    def convolve(self, layer: Any, node: Node, pads: Any) -> None:
        p = layer.convolution_param
        p.num_output, p.group, p.bias_term = node.shape[1], node.group, len(node.params) > 1
        p.kernel_size.extend(node.kernel_shape)
        p.stride.extend(node.strides)
        p.dilation.extend(node.dilations)
        p.pad.extend(pads)

    def _convtranspose(self, node: Node) -> Any:
        for i, size in enumerate(self.size_of(node)):
            reach = node.dilations[i] * (node.kernel_shape[i] - 1) + 1
            if node.pads[i] + node.shape[2 + i] > (size - 1) * node.strides[i] + reach:
                raise Unsupported("ConvTranspose with output_padding: Deconvolution has none")

        def build(x: Any) -> Any:
            whole, count = f"whole.{node.name}", len(node.params)
            layer = self.layer("Deconvolution", node.name, [x], whole, trained=count)
            self.convolve(layer, node, [0, 0])
            self.crop(node, whole, node.pads[:2])

        return build

    def _batchnormalization(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            top = x if self.overwrites and self.alone(node) else f"normal.{node.name}"
            layer = self.layer("BatchNorm", node.name, [x], top, fixed=3)
            layer.batch_norm_param.use_global_stats = not self.plan.training
            layer.batch_norm_param.moving_average_fraction = node.momentum
            layer.batch_norm_param.eps = node.epsilon
            if self.overwrites:
                self.output = top
            scale = self.layer("Scale", f"{node.name}.scale", [top], self.output, trained=2)
            scale.scale_param.bias_term = True

        return build

    def alone(self, node: Node) -> bool:
        """Whether nobody else reads a node's input, and the layer that made it does not need it."""
        readers = [n for n in self.plan.nodes if node.data[0] in n.data]
        makers = [n.op for n in self.plan.nodes if n.output == node.data[0]]
        return len(readers) == 1 and makers == ["Conv"] and node.data[0] not in self.plan.outputs

    def simple(self, kind: str, node: Node) -> Any:
        """A layer without parameters; its settings are filled in by the caller."""
        return lambda *inputs: self.layer(kind, node.name, inputs, self.output)

    def _relu(self, node: Node) -> Any:
        return self.simple("ReLU", node)

    def _sigmoid(self, node: Node) -> Any:
        return self.simple("Sigmoid", node)

    def _clip(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            # min + relu(x - min) - relu(x - max)
            parts = []
            for name, bound in (("min", node.min), ("max", node.max)):
                blob = f"{name}.{node.name}"
                shift = self.layer("Power", f"shift.{blob}", [x], f"shift.{blob}")
                shift.power_param.shift = -bound
                self.layer("ReLU", blob, [f"shift.{blob}"], blob)
                parts.append(blob)
            both = self.layer("Eltwise", f"between.{node.name}", parts, f"between.{node.name}")
            both.eltwise_param.coeff.extend([1.0, -1.0])
            last = self.layer("Power", node.name, [f"between.{node.name}"], self.output)
            last.power_param.shift = node.min

        return build

    def _softmax(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            self.layer("Softmax", node.name, [x], self.output).softmax_param.axis = node.axis

        return build

    def pool(self, node: Node, kind: int, x: str, pads: Any, top: str) -> None:
        p = self.layer("Pooling", node.name, [x], top).pooling_param
        p.pool, p.round_mode = kind, self.pb.PoolingParameter.FLOOR
        p.kernel_h, p.kernel_w = node.kernel_shape
        p.stride_h, p.stride_w = node.strides
        p.pad_h, p.pad_w = pads

    def _maxpool(self, node: Node) -> Any:
        if list(node.dilations) != [1, 1]:
            raise Unsupported(f"MaxPool with dilations {node.dilations}: Caffe's Pooling has none")
        pads, skipped = self.padding(node, most=1)

        def build(x: Any) -> Any:
            def make(top: Any) -> Any:
                self.pool(node, self.pb.PoolingParameter.MAX, x, pads, top)

            self.cropped(node, node.name, skipped, {"pads": pads, "make": make})

        return build

    def _averagepool(self, node: Node) -> Any:
        size = self.size_of(node)
        pads, skipped = self.padding(node, most=1)
        correction = np.broadcast_to(average_correction(node, size), node.shape)
        exact = (correction == 1).all()

        def build(x: Any) -> Any:
            def make(top: Any) -> Any:
                self.pool(node, self.pb.PoolingParameter.AVE, x, pads, top)

            final = self.output
            if not exact:
                self.output = f"average.{node.name}"
            self.cropped(node, node.name, skipped, {"pads": pads, "make": make})
            if not exact:
                factor = self.given(f"correction.{node.name}", node.shape)
                self.constants[factor] = correction
                product = self.layer("Eltwise", f"times.{node.name}", [self.output, factor], final)
                product.eltwise_param.operation = self.pb.EltwiseParameter.PROD
                self.output = final

        return build

    def _globalaveragepool(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            p = self.layer("Pooling", node.name, [x], self.output).pooling_param
            p.pool, p.global_pooling = self.pb.PoolingParameter.AVE, True

        return build

    def _add(self, node: Node) -> Any:
        return self.elementwise(node, "Bias", self.pb.EltwiseParameter.SUM)

    def _mul(self, node: Node) -> Any:
        return self.elementwise(node, "Scale", self.pb.EltwiseParameter.PROD)

    def elementwise(self, node: Node, broadcast: str, operation: int) -> Any:
        first, second = (self.plan.shape_of(n) for n in node.data)

        def build(a: Any, b: Any) -> Any:
            if first == second:
                layer = self.layer("Eltwise", node.name, [a, b], self.output)
                layer.eltwise_param.operation = operation
                return
            large, small = (a, b) if first == node.shape else (b, a)
            self.layer("Flatten", f"flat.{node.name}", [small], f"flat.{node.name}")
            layer = self.layer(broadcast, node.name, [large, f"flat.{node.name}"], self.output)
            (layer.bias_param if broadcast == "Bias" else layer.scale_param).axis = 0

        if first != second and (*node.shape[:2], 1, 1) not in (first, second):
            raise Unsupported(f"{node.op} of {first} and {second}")
        return build

    def _concat(self, node: Node) -> Any:
        def build(*parts: Any) -> Any:
            layer = self.layer("Concat", node.name, parts, self.output)
            layer.concat_param.axis = node.axis

        return build

    def _flatten(self, node: Node) -> Any:
        return self.simple("Flatten", node)

    def _gemm(self, node: Node) -> Any:
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")

        def build(x: Any) -> Any:
            layer = self.layer("InnerProduct", node.name, [x], self.output, trained=2)
            layer.inner_product_param.num_output = node.shape[1]

        return build

    def _lrn(self, node: Node) -> Any:
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}")

        def build(x: Any) -> Any:
            p = self.layer("LRN", node.name, [x], self.output).lrn_param
            p.local_size, p.alpha, p.beta, p.k = node.size, node.alpha, node.beta, node.bias

        return build

    def _dropout(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            self.output = x

        return build

    def _resize(self, node: Node) -> Any:
        how = node.mode, node.coordinate_transformation_mode
        if how != ("nearest", "asymmetric"):
            raise Unsupported(
                f"Resize {how[0]} with {how[1]} coordinates: no layer clamps at edges"
            )
        scales = [int(node.scales_h), int(node.scales_w)]

        def build(x: Any) -> Any:
            layer = self.layer("Deconvolution", node.name, [x], self.output, fixed=1)
            p = layer.convolution_param
            p.num_output, p.group, p.bias_term = node.shape[1], node.shape[1], False
            p.kernel_size.extend(scales)
            p.stride.extend(scales)
            p.weight_filler.type, p.weight_filler.value = "constant", 1.0

        return build
