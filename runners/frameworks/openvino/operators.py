"""The plan's operators in ONNX, those in other words of which OpenVINO computes something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dlbench_sdk.onnx_model import Writer
from dlbench_sdk.plan import Node, Scale
from dlbench_sdk.quantized import Edges


class RoundedEdges(Edges):
    def rounded(self, node: Node, output: str, scale: Scale) -> list[Any]:
        """OpenVINO leaves the rounding of a product out if a sum follows that is rounded, too; but
        not if something stands between. A leaky rectifier whose slope is 1 changes nothing."""
        summed = any(n.op == "Add" and node.output in n.data for n in self.plan.nodes)
        if node.name not in self.quantization.products or not summed:
            return super().rounded(node, output, scale)
        same = f"{node.output}:same"
        make = self.onnx.helper.make_node
        return [
            make("LeakyRelu", [output], [same], alpha=1.0),
            *self.both(same, scale, node.output),
        ]


class Operators(Writer):
    edges = RoundedEdges

    def operators(self, node: Node) -> list[Any]:
        if node.op == "LRN" and not float(node.bias).is_integer():
            return self.lrn(node)
        if node.op == "AveragePool" and node.ceil_mode and node.count_include_pad:
            return self.average_of_padded(node)
        return super().operators(node)

    def lrn(self, node: Node) -> list[Any]:
        """OpenVINO cuts the bias to an integer: normalise with a bias of 1, and scale.
        x / (k + a·s)^b is k^-b · x / (1 + a/k·s)^b."""
        attributes = {**node.attributes, "alpha": node.alpha / node.bias, "bias": 1.0}
        normal = replace(node, attributes=attributes, output=f"{node.name}:normal")
        scale = self.constant(node, "scale", node.bias**-node.beta)
        multiply = self.onnx.helper.make_node("Mul", [normal.output, scale], [node.output])
        return [self.operator(normal), multiply]

    def average_of_padded(self, node: Node) -> list[Any]:
        """Where sizes are rounded up, OpenVINO also counts what lies beyond the padding: pad with
        zeros before, and count what is there."""
        begins, ends = node.pads[: node.axes], node.pads[node.axes :]
        pads = self.constant(node, "pads", [0, 0, *begins, 0, 0, *ends], np.int64)
        padded = f"{node.name}:padded"
        pad = self.onnx.helper.make_node("Pad", [node.data[0], pads], [padded], mode="constant")
        attributes = {**node.attributes, "pads": [0] * len(node.pads), "count_include_pad": 0}
        return [pad, self.operator(replace(node, attributes=attributes, data=(padded,)))]
