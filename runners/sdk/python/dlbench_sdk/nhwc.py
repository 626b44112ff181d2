"""Channels last: how the plan's tensors lie in frameworks that compute on NHWC and HWIO."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .plan import Node, Plan

Turn = Callable[[np.ndarray], np.ndarray]
AXES = (0, 3, 1, 2)  # where each of the plan's axes lies


class Layout:
    """How a parameter lies in the framework and in the plan."""

    def __init__(self, to_framework: Turn, to_plan: Turn) -> None:
        self.to_framework = lambda x: np.ascontiguousarray(to_framework(x))
        self.to_plan = lambda x: np.ascontiguousarray(to_plan(x))


def layout_of(plan: Plan, name: str, depthwise: bool = False, last: bool = True) -> Layout:
    """A parameter's layout. With depthwise, convolutions of one channel a group have the weights
    [kh, kw, C, multiplier] that depthwise operators take. Without last, activations are NCHW and
    only weights are turned around."""
    node = next(n for n in plan.nodes if name in n.params)
    shape = plan.weights[name].shape
    if node.op == "Conv" and len(shape) == 4:
        _, per_group, kh, kw = shape
        if depthwise and node.group > 1 and per_group == 1:
            return Layout(
                lambda x: x.reshape(node.group, -1, kh, kw).transpose(2, 3, 0, 1),
                lambda x: x.transpose(2, 3, 0, 1).reshape(shape),
            )
        return Layout(lambda x: x.transpose(2, 3, 1, 0), lambda x: x.transpose(3, 2, 0, 1))
    if node.op == "ConvTranspose" and len(shape) == 4:
        return Layout(lambda x: x.transpose(2, 3, 1, 0), lambda x: x.transpose(3, 2, 0, 1))
    if node.op == "Gemm" and len(shape) == 2:
        maker = next((n for n in plan.nodes if n.output == node.data[0]), None)
        if last and maker is not None and maker.op == "Flatten" and flattens_in_place(plan, maker):
            _, c, h, w = plan.shape_of(maker.data[0])
            return Layout(
                lambda x: x.reshape(-1, c, h, w).transpose(2, 3, 1, 0).reshape(c * h * w, -1),
                lambda x: x.reshape(h, w, c, -1).transpose(3, 2, 0, 1).reshape(shape),
            )
        return Layout(np.transpose, np.transpose)
    return Layout(lambda x: x, lambda x: x)


def flattens_in_place(plan: Plan, node: Node) -> bool:
    """Whether a flatten may keep the order of NHWC because only dense layers read it: their
    weights are permuted at load instead."""
    if len(plan.shape_of(node.data[0])) != 4 or node.output in plan.outputs:
        return False
    return all(n.op == "Gemm" for n in plan.nodes if node.output in n.data)


def axis(node: Node) -> int:
    """Where a node's axis lies."""
    return AXES[node.axis] if len(node.shape) == 4 else node.axis


def explicit(pads: Any) -> list[list[int]]:
    """Pads as frameworks take them, for every axis."""
    top, left, bottom, right = pads
    return [[0, 0], [top, bottom], [left, right], [0, 0]]


def from_nchw(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x


def to_nchw(x: np.ndarray) -> np.ndarray:
    return x.transpose(AXES) if x.ndim == 4 else x


def shape_to_nchw(shape: Any) -> list[int]:
    shape = list(shape)
    return [shape[i] for i in AXES] if len(shape) == 4 else shape
