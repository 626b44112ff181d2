"""The whole numbers of a plan in int8: what its weights and biases are, and the operators of ONNX
that stand around whatever computes with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .plan import Node, Plan, Quantization, Scale


def weights(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A product's weights in int8, and the scale of each of its output channels: the least power
    of two that is no less than the largest weight / 127."""
    largest = np.abs(w.astype(np.float64)).reshape(len(w), -1).max(1) / 127
    scales = power(np.where(largest > 0, largest, largest.max()))
    shaped = scales.reshape(-1, *[1] * (w.ndim - 1))
    return np.rint(w / shaped).astype(np.int8), scales.astype(np.float32)


def power(x: np.ndarray) -> np.ndarray:
    """The least power of two that is no less than a number; 1 for zero."""
    fraction, exponent = np.frexp(x)
    return np.where(x > 0, np.ldexp(1.0, np.where(fraction == 0.5, exponent - 1, exponent)), 1.0)


def bias(b: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """A product's bias in int32, by the scales of its sums."""
    limits = np.iinfo(np.int32)
    return np.clip(np.rint(b / scales.astype(np.float64)), limits.min, limits.max).astype(np.int32)


class Edges:
    """QuantizeLinear and DequantizeLinear as ONNX nodes, around the operators of a plan."""

    def __init__(self, onnx: Any, plan: Plan, quantization: Quantization) -> None:
        self.onnx, self.plan, self.quantization = onnx, plan, quantization
        self.constants: list[Any] = []
        self.products = [n for n in plan.nodes if n.name in quantization.products]
        self.whole = {name for node in self.products for name in node.params}

    def nodes(self, operators: Callable[[Node], Sequence[Any]]) -> list[Any]:
        """All of the plan's, each as that makes it."""
        made = []
        first = self.quantization.activations.get(self.plan.input)
        if first is not None:
            made += self.both(self.plan.input, first, self.read(self.plan.input))
        for node in self.plan.nodes:
            made += self.dequantized(node) if node.name in self.quantization.products else []
            scale = self.quantization.activations.get(node.output)
            params = tuple(f"{p}:float" if p in self.whole else p for p in node.params)
            data = tuple(map(self.read, node.data))
            output = node.output if scale is None else f"{node.output}:float"
            made += operators(replace(node, data=data, params=params, output=output))
            if scale is not None:
                made += self.rounded(node, output, scale)
        return made

    def read(self, name: str) -> str:
        """What reads an activation: the network's input keeps its name, and is float."""
        if name == self.plan.input and name in self.quantization.activations:
            return f"{name}:quantized"
        return name

    def rounded(self, node: Node, output: str, scale: Scale) -> list[Any]:
        """What a node made, as others read it."""
        return self.both(output, scale, node.output)

    def both(self, name: str, scale: Scale, output: str) -> list[Any]:
        """An activation is made whole, and stands for what that comes to."""
        edges = [
            self.constant(f"{output}:scale", np.float32(scale.scale)),
            self.constant(f"{output}:zero", np.uint8(scale.zero_point)),
        ]
        make, whole = self.onnx.helper.make_node, f"{output}:uint8"
        return [
            make("QuantizeLinear", [name, *edges], [whole]),
            make("DequantizeLinear", [whole, *edges], [output]),
        ]

    def dequantized(self, node: Node) -> list[Any]:
        """The weights and the bias of a product."""
        whole, scales = weights(self.plan.weights[node.params[0]])
        made = [self.parameter(node.params[0], whole, scales)]
        if len(node.params) > 1:
            sums = scales * np.float32(self.quantization.activations[node.data[0]].scale)
            whole = bias(self.plan.weights[node.params[1]], sums)
            made.append(self.parameter(node.params[1], whole, sums))
        return made

    def parameter(self, name: str, whole: np.ndarray, scales: np.ndarray) -> Any:
        inputs = [
            self.constant(name, whole),
            self.constant(f"{name}:scale", scales),
            self.constant(f"{name}:zero", np.zeros(len(scales), whole.dtype)),
        ]
        return self.onnx.helper.make_node("DequantizeLinear", inputs, [f"{name}:float"], axis=0)

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(value), name))
        return name
