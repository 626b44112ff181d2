"""The plan as Caffe's NetParameter, layer by layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Plan, Unsupported

from .losses import Loss
from .windows import Windows

SEEN_INPUT = "seen input"

# Gelu is x/2 · (1 + tanh(x · polynomial of x²)); these are the coefficients. By definition for
# its approximation; for the one by erf fitted by least squares to atanh(erf(x/√2))/x where that
# bears on the result. Its erf is off by at most 6e-8, as float32's own rounding is.
GELU_TANH = (math.sqrt(2 / math.pi), math.sqrt(2 / math.pi) * 0.044715)
GELU_ERF = (
    *(0.797884945, 0.0363330846, -3.25950648e-05, -5.5306157e-05),
    *(3.96473775e-06, -1.32262811e-07, 1.75615602e-09),
)


class Writer(Windows):
    """Writes one net. Observed, nothing is in place and the gradient reaches the input, which is
    a parameter there: no other input gets one."""

    def __init__(self, pb: Any, plan: Plan, observed: bool) -> None:
        super().__init__(pb, plan)
        self.overwrites = not observed
        self.blobs = {plan.input: "data"}  # of the plan's activations
        self.write(plan.in_place("Relu") if self.overwrites else set())

    def write(self, in_place: set[str]) -> None:
        plan = self.plan
        if self.overwrites:
            self.given("data", plan.input_shape)
        else:
            layer = self.layer("Parameter", SEEN_INPUT, [], "data", trained=1)
            layer.parameter_param.shape.dim.extend(plan.input_shape)
        for node in plan.nodes:
            inputs = [self.blobs[n] for n in node.data]
            self.output = inputs[0] if node.name in in_place else f"value.{node.name}"
            self.operator(node)(*inputs)
            self.blobs[node.output] = self.output
        if plan.training:
            Loss(self, self.blobs[plan.outputs[0]])

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
        return lambda x: self.clipped(x, node.name, node.min, node.max, self.output)

    def _leakyrelu(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            layer = self.layer("ReLU", node.name, [x], self.output)
            layer.relu_param.negative_slope = node.alpha

        return build

    def _prelu(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            layer = self.layer("PReLU", node.name, [x], self.output, trained=1)
            layer.prelu_param.channel_shared = self.is_one(node)

        return build

    def is_one(self, node: Node) -> bool:
        """Whether a node's parameter is one value for all channels."""
        return self.plan.weights[node.params[0]].size == 1

    def hard_sigmoid(self, x: str, name: str, alpha: float, beta: float, top: str) -> str:
        line = self.power(x, f"line.{name}", f"line.{name}", alpha, beta)
        self.clipped(line, f"clip.{name}", 0.0, 1.0, top)
        return top

    def _hardsigmoid(self, node: Node) -> Any:
        return lambda x: self.hard_sigmoid(x, node.name, node.alpha, node.beta, self.output)

    def _hardswish(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            gate = self.hard_sigmoid(x, node.name, 1 / 6, 0.5, f"gate.{node.name}")
            self.product(node.name, [x, gate], self.output)

        return build

    def _gelu(self, node: Node) -> Any:
        """x/2 · (1 + tanh(x · polynomial of x²)), by Horner's rule."""
        terms = GELU_TANH if node.approximate == "tanh" else GELU_ERF

        def build(x: Any) -> Any:
            def name(step: Any) -> str:
                return f"gelu.{step}.{node.name}"

            square = self.product(name("square"), [x, x], name("square"))
            sum_ = self.power(square, name("last"), name("last"), terms[-1], terms[-2])
            for i, term in enumerate(terms[-3::-1]):
                raised = self.product(name(f"raised{i}"), [sum_, square], name(f"raised{i}"))
                sum_ = self.power(raised, name(f"sum{i}"), name(f"sum{i}"), 1.0, term)
            inner = self.product(name("inner"), [x, sum_], name("inner"))
            self.layer("TanH", name("tanh"), [inner], name("tanh"))
            half = self.power(name("tanh"), name("half"), name("half"), 0.5, 0.5)
            self.product(node.name, [x, half], self.output)

        return build

    def _layernormalization(self, node: Node) -> Any:
        """A BatchNorm whose channels are the groups that are normalised, always by their own
        statistics, and a Scale."""

        def build(x: Any) -> Any:
            normal = self.normalized(x, node, math.prod(node.shape[: node.axis]))
            scale = self.layer("Scale", f"{node.name}.scale", [normal], self.output, trained=2)
            scale.scale_param.axis, scale.scale_param.num_axes = node.axis, -1
            scale.scale_param.bias_term = True

        return build

    def _instancenormalization(self, node: Node) -> Any:
        """As a layer norm, with a group for each channel of each image. Not MVN, which adds
        epsilon to the deviation, not to the variance."""

        def build(x: Any) -> Any:
            normal = self.normalized(x, node, node.shape[0] * node.shape[1])
            scale = self.layer("Scale", f"{node.name}.scale", [normal], self.output, trained=2)
            scale.scale_param.bias_term = True

        return build

    def normalized(self, x: str, node: Node, groups: int) -> str:
        flat, normal = f"groups.{node.name}", f"normal.{node.name}"
        self.reshaped(x, flat, [1, groups, -1])
        layer = self.layer("BatchNorm", node.name, [flat], f"flat.{normal}", fixed=3)
        layer.batch_norm_param.use_global_stats = False
        layer.batch_norm_param.eps = node.epsilon
        return self.reshaped(f"flat.{normal}", normal, node.shape)

    def _softmax(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            self.layer("Softmax", node.name, [x], self.output).softmax_param.axis = node.axis

        return build

    def _add(self, node: Node) -> Any:
        return self.elementwise(node, "Bias", self.pb.EltwiseParameter.SUM)

    def _mul(self, node: Node) -> Any:
        return self.elementwise(node, "Scale", self.pb.EltwiseParameter.PROD)

    def elementwise(self, node: Node, broadcast: str, operation: int) -> Any:
        if node.params:
            return self.of_parameter(node, broadcast)
        first, second = (self.plan.shape_of(n) for n in node.data)

        def build(a: Any, b: Any) -> Any:
            if first == second:
                layer = self.layer("Eltwise", node.name, [a, b], self.output)
                layer.eltwise_param.operation = operation
                return
            large, small = (a, b) if first == node.shape else (b, a)
            flat = self.reshaped(small, f"flat.{node.name}", node.shape[:2])
            layer = self.layer(broadcast, node.name, [large, flat], self.output)
            (layer.bias_param if broadcast == "Bias" else layer.scale_param).axis = 0

        if first != second and (*node.shape[:2], *[1] * node.axes) not in (first, second):
            raise Unsupported(f"{node.op} of {first} and {second}")
        return build

    def of_parameter(self, node: Node, kind: str) -> Any:
        """Bias and Scale have one value for each channel, or one for all."""

        def build(x: Any) -> Any:
            layer = self.layer(kind, node.name, [x], self.output, trained=1)
            p = layer.bias_param if kind == "Bias" else layer.scale_param
            p.num_axes = 0 if self.is_one(node) else 1

        return build

    def _concat(self, node: Node) -> Any:
        def build(*parts: Any) -> Any:
            layer = self.layer("Concat", node.name, parts, self.output)
            layer.concat_param.axis = node.axis

        return build

    def _flatten(self, node: Node) -> Any:
        # Not Flatten, whose gradient does not get through a Reshape before it: the one shares its
        # output's memory, the other its input's.
        return lambda x: self.reshaped(x, self.output, node.shape)

    def _reshape(self, node: Node) -> Any:
        return lambda x: self.reshaped(x, self.output, node.shape)

    def _transpose(self, node: Node) -> Any:
        """BatchReindex puts the rows of a matrix in another order; rows are what the permutation
        leaves together, single elements if it moves the last axis."""
        shape, perm = self.plan.shape_of(node.data[0]), list(node.perm)
        together = len(perm)
        while together > 1 and perm[together - 1] == together - 1:
            together -= 1
        rows = np.arange(np.prod(shape[:together])).reshape(shape[:together])
        order = rows.transpose(perm[:together]).reshape(-1)
        if order.size > 2**24:
            raise Unsupported(f"Transpose of {order.size} rows: BatchReindex counts in float32")

        def build(x: Any) -> Any:
            index = self.given(f"order.{node.name}", order.shape)
            self.constants[index] = order
            matrix = self.reshaped(x, f"rows.{node.name}", [order.size, -1])
            moved = f"moved.{node.name}"
            self.layer("BatchReindex", node.name, [matrix, index], moved)
            self.reshaped(moved, self.output, node.shape)

        return build

    def _slice(self, node: Node) -> Any:
        """A Slice layer cuts the whole into parts; those that are not wanted are silenced."""
        extent = self.plan.shape_of(node.data[0])[node.axis]

        def build(x: Any) -> Any:
            before, after = f"before.{node.name}", f"after.{node.name}"
            layer = self.layer("Slice", node.name, [x], self.output)
            layer.slice_param.axis = node.axis
            unused = []
            if node.start > 0:
                layer.top.insert(0, before)
                unused.append(before)
            if node.end < extent:
                layer.top.append(after)
                unused.append(after)
            layer.slice_param.slice_point.extend(
                p for p in (node.start, node.end) if 0 < p < extent
            )
            if unused:
                silence = self.layer("Silence", f"silence.{node.name}", unused, "")
                del silence.top[:]

        return build

    def _gemm(self, node: Node) -> Any:
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")

        def build(x: Any) -> Any:
            count = len(node.params)
            layer = self.layer("InnerProduct", node.name, [x], self.output, trained=count)
            p = layer.inner_product_param
            p.num_output, p.bias_term = node.shape[1], count > 1

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
