"""The plan as an ONNX model, for the frameworks that take one: its operators carry ONNX's names
already. It needs the package `onnx`, which only their images have."""

from __future__ import annotations

from typing import Any

import numpy as np

from .plan import Node, Plan
from .quantized import Edges

OPSET, IR = 17, 8
GELU = 20, 9  # the first that have it
# Attributes that ONNX takes as they stand in the plan; others are translated below.
SAME = {
    "Conv": ("kernel_shape", "strides", "pads", "dilations", "group"),
    "ConvTranspose": ("kernel_shape", "strides", "pads", "dilations", "group", "output_padding"),
    "BatchNormalization": ("epsilon", "momentum"),
    "InstanceNormalization": ("epsilon",),
    "Softmax": ("axis",),
    "MaxPool": ("kernel_shape", "strides", "pads", "dilations", "ceil_mode"),
    "AveragePool": ("kernel_shape", "strides", "pads", "ceil_mode", "count_include_pad"),
    "Concat": ("axis",),
    "Flatten": ("axis",),
    "Gemm": ("alpha", "beta"),
    "LRN": ("alpha", "beta", "bias", "size"),
    "LeakyRelu": ("alpha",),
    "HardSigmoid": ("alpha", "beta"),
    "Gelu": ("approximate",),
    "LayerNormalization": ("axis", "epsilon"),
    "Transpose": ("perm",),
}


class Writer:
    edges = Edges  # of a plan in int8

    def __init__(self, onnx: Any, plan: Plan) -> None:
        self.onnx, self.plan = onnx, plan
        self.constants: list[Any] = []

    def model(self, outputs: list[str]) -> Any:
        """The plan as an ONNX model."""
        helper, numpy_helper = self.onnx.helper, self.onnx.numpy_helper
        kind = self.onnx.TensorProto.FLOAT
        quantization = self.plan.quantization
        edges = quantization and self.edges(self.onnx, self.plan, quantization)
        self.constants = [
            numpy_helper.from_array(v, n)
            for n, v in self.plan.weights.items()
            if not edges or n not in edges.whole
        ]
        if edges:
            nodes = edges.nodes(self.operators)
            self.constants += edges.constants
        else:
            nodes = [made for node in self.plan.nodes for made in self.operators(node)]
        graph = helper.make_graph(
            nodes,
            "plan",
            [helper.make_tensor_value_info(self.plan.input, kind, self.plan.input_shape)],
            [helper.make_tensor_value_info(n, kind, self.plan.shape_of(n)) for n in outputs],
            self.constants,
        )
        gelu = any(node.op == "Gelu" for node in self.plan.nodes)
        opset, ir = GELU if gelu else (OPSET, IR)
        opsets = [helper.make_opsetid("", opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=ir)

    def operators(self, node: Node) -> list[Any]:
        """What computes a node: one operator, if nobody needs more."""
        return [self.operator(node)]

    def operator(self, node: Node) -> Any:
        attributes = {name: node.attributes[name] for name in SAME.get(node.op, ())}
        inputs = [*node.data, *node.params]
        if node.op == "Clip":
            inputs += [self.constant(node, "min", node.min), self.constant(node, "max", node.max)]
        elif node.op == "Gemm":
            attributes["transB"] = 1
        elif node.op == "Reshape":
            inputs.append(self.constant(node, "shape", node.attributes["shape"], np.int64))
        elif node.op == "Slice":
            for name in ("start", "end", "axis"):
                inputs.append(self.constant(node, name, [node.attributes[name]], np.int64))
        elif node.op == "Resize":
            scales = [1.0, 1.0, *node.scales]
            inputs += ["", self.constant(node, "scales", scales)]
            attributes["mode"] = node.mode
            attributes["nearest_mode"] = "floor"
            how = node.coordinate_transformation_mode
            attributes["coordinate_transformation_mode"] = how
        return self.onnx.helper.make_node(node.op, inputs, [node.output], node.name, **attributes)

    def constant(self, node: Node, name: str, value: Any, kind: type = np.float32) -> str:
        name = f"{node.name}:{name}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(value, kind), name))
        return name
