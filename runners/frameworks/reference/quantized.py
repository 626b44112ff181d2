"""A plan in int8, computed in float64: by the plan's own words, and by nothing that the runners
share, so that a mistake there shows."""

from __future__ import annotations

import math

import numpy as np

from dlbench_sdk.plan import Node, Plan, Scale

# Whose results float32 holds exactly if it holds their operands.
EXACT = frozenset(
    ("Relu", "Clip", "MaxPool", "Concat", "Flatten", "Reshape", "Slice", "Transpose", "Dropout")
)


def whole(x: np.ndarray, scale: Scale) -> np.ndarray:
    """What an activation in uint8 stands for: the nearest whole number of steps, halves to even,
    from 0 to 255."""
    steps = np.clip(np.rint(x / scale.scale) + scale.zero_point, 0, 255)
    return ((steps - scale.zero_point) * scale.scale).astype(x.dtype)


def parameters(plan: Plan) -> dict[str, np.ndarray]:
    """Weights of products in int8, with a scale for each output channel, and their biases in int32
    with that of the sums."""
    found: dict[str, np.ndarray] = {}
    if plan.quantization is None:
        return found
    for node in plan.nodes:
        if node.name not in plan.quantization.products:
            continue
        w = plan.weights[node.params[0]].astype(np.float64)
        largest = [float(np.abs(channel).max()) for channel in w]
        scales = np.array([step(size or max(largest)) for size in largest])
        found[node.params[0]] = rounded(w, scales.reshape(-1, *[1] * (w.ndim - 1)), 2**7 - 1)
        for name in node.params[1:]:
            sums = scales * plan.quantization.activations[node.data[0]].scale
            found[name] = rounded(plan.weights[name].astype(np.float64), sums, 2**31 - 1)
    return found


def rounded(x: np.ndarray, scale: np.ndarray, most: int) -> np.ndarray:
    return np.clip(np.rint(x / scale), -most, most) * scale


def step(largest: float) -> float:
    """The least power of two of which 127 reach the largest weight; 1 if all are zero."""
    scale = 1.0
    if largest > 0:
        while scale * 127 < largest:
            scale *= 2
        while scale / 2 * 127 >= largest:
            scale /= 2
    return scale


def exact(node: Node, plan: Plan) -> bool:
    """Whether honest runners get a node's results to the last bit. Sums of steps are whole, and a
    division by a power of two is exact."""
    quantization = plan.quantization
    if quantization is None:
        return False
    if node.op in EXACT or node.name in quantization.products:
        return True
    whole = all(name in quantization.activations for name in (*node.data, *node.params))
    if node.op == "GlobalAveragePool":
        return whole and math.prod(plan.shape_of(node.data[0])[2:]).bit_count() == 1
    return whole and node.op == "Add"
