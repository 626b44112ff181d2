"""Channels last: how the plan's parameters lie in frameworks whose convolutions take HWIO, and
DHWIO of volumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .orders import NHWC, Orders, of_rank
from .plan import Node
from .windows import sides

Turn = Callable[[np.ndarray], np.ndarray]


class Layout:
    """How a parameter lies in the framework and in the plan."""

    def __init__(self, to_framework: Turn, to_plan: Turn) -> None:
        self.to_framework = lambda x: np.ascontiguousarray(to_framework(x))
        self.to_plan = lambda x: np.ascontiguousarray(to_plan(x))


def layout_of(orders: Orders, name: str, depthwise: bool = False) -> Layout:
    """A parameter's layout. With depthwise, convolutions of one channel a group have the weights
    [kh, kw, C, multiplier] that depthwise operators take."""
    plan = orders.plan
    node = next(n for n in plan.nodes if name in n.params)
    shape = plan.weights[name].shape
    if node.op == "Conv" and len(shape) == 4:
        _, per_group, kh, kw = shape
        if depthwise and node.group > 1 and per_group == 1:
            return Layout(
                lambda x: x.reshape(node.group, -1, kh, kw).transpose(2, 3, 0, 1),
                lambda x: x.transpose(2, 3, 0, 1).reshape(shape),
            )
    if node.op in ("Conv", "ConvTranspose") and len(shape) >= 4:
        return transposed((*range(2, len(shape)), 1, 0))
    if node.op == "Gemm" and len(shape) == 2:
        return dense(orders, node, shape)
    if node.op in ("Add", "Mul", "PRelu"):
        return transposed([axis - 1 for axis in orders.of[node.output][1:]])
    if node.op == "LayerNormalization":
        return transposed([axis - node.axis for axis in orders.of[node.output][node.axis :]])
    return Layout(lambda x: x, lambda x: x)


def transposed(axes: Sequence[int]) -> Layout:
    back = np.argsort(axes)
    return Layout(lambda x: x.transpose(axes), lambda x: x.transpose(back))


def dense(orders: Orders, node: Node, shape: tuple[int, ...]) -> Layout:
    """[in, out]; after a flatten in place, the inputs lie as the flatten read them."""
    maker = next((n for n in orders.plan.nodes if n.output == node.data[0]), None)
    if maker is None or maker.op != "Flatten" or not orders.flattens_in_place(maker):
        return Layout(np.transpose, np.transpose)
    read = orders.shapes[maker.data[0]]
    axes = (*orders.taken[maker.name][0][1:], 0)  # the batch's place is the outputs' here
    held, back = [read[axis] for axis in axes[:-1]], np.argsort(axes)
    return Layout(
        lambda x: x.reshape(-1, *read[1:]).transpose(axes).reshape(shape[1], shape[0]),
        lambda x: x.reshape(*held, shape[0]).transpose(back).reshape(shape),
    )


def explicit(pads: Any) -> list[list[int]]:
    """Pads as frameworks take them, for every axis."""
    return [[0, 0], *(list(side) for side in sides(pads)), [0, 0]]


def from_nchw(x: np.ndarray) -> np.ndarray:
    """Of images or volumes."""
    return np.ascontiguousarray(x.transpose(of_rank(NHWC, x.ndim)))
