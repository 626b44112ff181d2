"""Where the axes of each activation lie in a framework that holds images otherwise than the plan.

An order lists, for each axis that is held, which of the plan's axes it is: NHWC is (0, 2, 3, 1). A
Transpose of the plan moves nothing then, it gives axes other numbers, and a value is turned only
before what cannot work on the order that it has. So a layer norm between two Transposes, or a
channel shuffle, costs what it costs those who write it for channels last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .plan import Node, Plan
from .table import Table

Order = tuple[int, ...]
NHWC: Order = (0, 2, 3, 1)
NCHW: Order = (0, 1, 2, 3)
# What works on images and volumes only; all else works on any order.
IMAGES = (
    *("Conv", "ConvTranspose", "BatchNormalization", "InstanceNormalization", "MaxPool"),
    *("AveragePool", "GlobalAveragePool", "LRN", "Resize"),
)


def of_rank(images: Order, rank: int) -> Order:
    """The order of images, NHWC or NCHW, for values of another rank: NDHWC or NCDHW."""
    if images.index(1) == 1:
        return tuple(range(rank))
    return (0, *range(2, rank), 1)


class Orders:
    def __init__(self, plan: Plan, images: Order) -> None:
        self.plan, self.images = plan, images
        given = of_rank(images, len(plan.input_shape))
        self.of: dict[str, Order] = {plan.input: given}  # by activation
        self.taken: dict[str, list[Order]] = {}  # by node, of each of its activations
        self.turns: dict[str, list[Order | None]] = {}  # transpositions before a node
        self.shapes = {plan.input: plan.input_shape, **{n.output: n.shape for n in plan.nodes}}
        for node in plan.nodes:
            taken, order = self.placed(node)
            self.taken[node.name], self.of[node.output] = taken, order
            self.turns[node.name] = [turn(self.of[x], to) for x, to in zip(node.data, taken)]

    def placed(self, node: Node) -> tuple[list[Order], Order]:
        """The orders that a node takes its activations in, and the one of its output."""
        held = self.of[node.data[0]]
        if node.op in IMAGES:
            order = of_rank(self.images, len(held))
            return [order], order
        if node.op == "Transpose":
            return [held], tuple(list(node.perm).index(axis) for axis in held)
        if node.op == "Flatten":
            return [held if self.flattens_in_place(node) else tuple(range(len(held)))], (0, 1)
        if node.op == "Reshape":
            before, after = reshaped(self.shapes[node.data[0]], node.shape, held)
            return [before], after
        if node.op == "LayerNormalization":
            held = tuple(sorted(held, key=lambda axis: axis >= node.axis))  # sorted() is stable
        return [held] * len(node.data), held

    def flattens_in_place(self, node: Node) -> bool:
        """Whether a flatten may keep what it reads in its order because only dense layers read it:
        their weights are permuted at load instead."""
        if node.output in self.plan.outputs:
            return False
        return all(n.op == "Gemm" for n in self.plan.nodes if node.output in n.data)

    def axis(self, node: Node) -> int:
        """Where a node's axis lies."""
        return self.taken[node.name][0].index(node.axis)

    def axes(self, node: Node) -> list[int]:
        """Where the axes from a layer norm's to the last lie: they are the last here, too."""
        rank = len(node.shape)
        return list(range(node.axis, rank))

    def part(self, node: Node) -> tuple[slice, ...]:
        """What a Slice takes."""
        return (*[slice(None)] * self.axis(node), slice(node.start, node.end))

    def held_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.shapes[name][axis] for axis in self.of[name])

    def taken_shape(self, node: Node) -> tuple[int, ...]:
        """The shape of what a node reads, as it takes it."""
        return tuple(self.shapes[node.data[0]][axis] for axis in self.taken[node.name][0])

    def to_held(self, name: str, value: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(value.transpose(self.of[name]))

    def to_plan(self, name: str, value: np.ndarray) -> np.ndarray:
        return value.transpose(np.argsort(self.of[name]))

    def plan_shape(self, name: str, shape: Any) -> list[int]:
        extents = list(shape)
        return [extents[place] for place in np.argsort(self.of[name])]


class Turning(Table):
    """A framework's operators on axes that lie in orders of their own."""

    def __init__(self, plan: Plan, images: Order) -> None:
        super().__init__(plan)
        self.orders = Orders(plan, images)

    def turned(self, x: Any, order: Order) -> Any:
        """The framework's transposition."""
        raise NotImplementedError

    def operator(self, node: Node) -> Any:
        made, turns = super().operator(node), self.orders.turns[node.name]
        if not any(turns):
            return made

        def apply(*operands: Any) -> Any:
            data = [self.turned(x, to) if to else x for x, to in zip(operands, turns)]
            return made(*data, *operands[len(turns) :])

        return apply

    def channels_last(self, name: str, x: Any) -> Any:
        """A value with its channels, or classes, last: turned only where it does not lie so."""
        held = self.orders.of[name]
        to = turn(held, of_rank(NHWC, len(held)))
        return self.turned(x, to) if to else x

    def _transpose(self, node: Node) -> Any:
        return lambda x: x  # axes have other numbers now


def turn(held: Order, wanted: Order) -> Order | None:
    """The transposition from one order to another; none if it would move nothing."""
    return None if held == wanted else tuple(held.index(axis) for axis in wanted)


def reshaped(before: Sequence[int], after: Sequence[int], held: Order) -> tuple[Order, Order]:
    """The order that a reshape takes a value in, and the one that it leaves: axes that become
    others together have to lie together, in the plan's order, and others may lie anywhere."""
    groups = grouped(before, after)
    group_of = {axis: i for i, (old, _) in enumerate(groups) for axis in old}
    places = list(dict.fromkeys(group_of[axis] for axis in held))
    taken = tuple(axis for i in places for axis in groups[i][0])
    return taken, tuple(axis for i in places for axis in groups[i][1])


def grouped(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The axes before and after a reshape in the smallest groups that hold the same elements."""
    groups, i, j = [], 0, 0
    while i < len(before) and j < len(after):
        old, new = [i], [j]
        have, want = before[i], after[j]
        i, j = i + 1, j + 1
        while have != want:
            if have < want:
                old, have, i = [*old, i], have * before[i], i + 1
            else:
                new, want, j = [*new, j], want * after[j], j + 1
        groups.append((old, new))
    old, new = groups[-1]  # what is left are axes of one element
    groups[-1] = [*old, *range(i, len(before))], [*new, *range(j, len(after))]
    return groups
