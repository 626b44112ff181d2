"""Axes in orders of a framework's own: whatever a network does with them, the plan's values come
out, and what people write without a transposition for channels last has none here."""

from __future__ import annotations

from dataclasses import replace

import adapters
import numpy as np
import plans
import pytest

from dlbench_sdk.nhwc import layout_of
from dlbench_sdk.orders import NCHW, NHWC, Orders, Turning, grouped


class Numpy(Turning):
    """Operators that move elements, on numpy's arrays."""

    def turned(self, x, order):
        return x.transpose(order)

    def _reshape(self, node):
        return lambda x: x.reshape(self.orders.held_shape(node.output))

    def _flatten(self, node):
        return lambda x: x.reshape(node.shape)

    def _slice(self, node):
        return lambda x: x[self.orders.part(node)]

    def _concat(self, node):
        return lambda *parts: np.concatenate(parts, self.orders.axis(node))

    def _mul(self, node):
        return np.multiply

    def _gemm(self, node):
        return np.matmul

    def _layernormalization(self, node):
        axes = tuple(self.orders.axes(node))

        def apply(x, scale, bias):
            normal = (x - x.mean(axes, keepdims=True)) / np.sqrt(
                x.var(axes, keepdims=True) + node.epsilon
            )
            return normal * scale + bias

        return apply


def on_orders(plan, images):
    """Every value of a network that is computed in another order, in the plan's; and what turns."""
    table = Numpy(plan, images)
    orders = table.orders
    held = {plan.input: orders.to_held(plan.input, plan.inputs[0])}
    params = {n: layout_of(orders, n).to_framework(v) for n, v in plan.weights.items()}
    for node in plan.nodes:
        operands = [*(held[n] for n in node.data), *(params[n] for n in node.params)]
        held[node.output] = table.operator(node)(*operands)
        assert orders.plan_shape(node.output, held[node.output].shape) == list(node.shape)
    for name, value in plan.weights.items():
        assert (layout_of(orders, name).to_plan(params[name]) == value).all(), name
    turned = [node.name for node in plan.nodes if any(orders.turns[node.name])]
    return {name: orders.to_plan(name, value) for name, value in held.items()}, turned


def by_the_reference(plan):
    every = (plan.input, *(node.output for node in plan.nodes))
    return adapters.network("reference", replace(plan, outputs=every)).outputs(0)


def chain(directory, *steps):
    """A network of operators that move elements: (operator, shape after it, attributes), each after
    the other, and then a dense layer."""
    nodes, parameters, last = [], [], "input"
    for i, (op, shape, attributes) in enumerate(steps):
        inputs = [last]
        if op == "LayerNormalization":
            for name in (f"scale{i}", f"bias{i}"):
                parameters.append(plans.parameter(name, *shape[attributes["axis"] :]))
                inputs.append(name)
        if op == "Mul":
            parameters.append(plans.parameter(f"p{i}", shape[1], *[1] * (len(shape) - 2)))
            inputs.append(f"p{i}")
        if op == "Concat":
            inputs.append("input")
        if op == "Reshape":
            nodes.append(plans.reshaped(f"n{i}", last, shape))
        else:
            nodes.append(plans.node(f"n{i}", op, inputs, shape, **attributes))
        last = f"n{i}"
    features = int(np.prod(shape[1:]))
    nodes.append(plans.node("flat", "Flatten", [last], (2, features), axis=1))
    parameters.append(plans.parameter("w", 4, features))
    nodes.append(plans.node("logits", "Gemm", ["flat", "w"], (2, 4), **plans.GEMM))
    return plans.loaded(directory, plans.document(nodes, parameters, shape=(2, 4, 6, 5)))


IMAGE = (2, 4, 6, 5)
LAST, FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
SHUFFLE = (
    ("Reshape", (2, 2, 2, 6, 5), {}),
    ("Transpose", (2, 2, 2, 6, 5), {"perm": [0, 2, 1, 3, 4]}),
    ("Reshape", IMAGE, {}),
)
NORM = (
    ("Transpose", (2, 6, 5, 4), {"perm": LAST}),
    ("LayerNormalization", (2, 6, 5, 4), {"axis": 3, "epsilon": 1e-3}),
    ("Transpose", IMAGE, {"perm": FIRST}),
)
CHAINS = {  # and what of them turns in NHWC
    "channel shuffle": (SHUFFLE, ["n2"]),
    "layer norm over channels": (NORM, []),
    "layer norm over images": (
        [("LayerNormalization", IMAGE, {"axis": 1, "epsilon": 1e-3})],
        [],
    ),
    "layer norm over columns": (
        [("LayerNormalization", IMAGE, {"axis": 3, "epsilon": 1e-3})],
        ["n0"],
    ),
    "rows and columns become one": ([("Reshape", (2, 4, 30), {})], []),
    "channels and rows become one": ([("Reshape", (2, 24, 5), {})], ["n0"]),
    "slices": (
        [
            ("Transpose", (2, 5, 4, 6), {"perm": FIRST}),
            ("Slice", (2, 5, 4, 3), {"axis": 3, "start": 2, "end": 5}),
            ("Slice", (2, 5, 2, 3), {"axis": 2, "start": 0, "end": 2}),
        ],
        [],
    ),
    "a scale of other channels": (
        [("Transpose", (2, 5, 4, 6), {"perm": FIRST}), ("Mul", (2, 5, 4, 6), {})],
        [],
    ),
    "a concat of two orders": (
        [
            ("Transpose", (2, 6, 5, 4), {"perm": LAST}),
            ("Reshape", (2, 4, 6, 5), {}),
            ("Concat", (2, 8, 6, 5), {"axis": 1}),
        ],
        ["n2"],
    ),
    "axes of one element": (
        [("Reshape", (2, 120), {}), ("Reshape", (2, 120, 1, 1), {}), ("Reshape", (2, 1, 120), {})],
        ["n0"],
    ),
}


@pytest.mark.parametrize("images", [NHWC, NCHW], ids=["NHWC", "NCHW"])
@pytest.mark.parametrize("name", CHAINS)
def test_the_plans_values_come_out(name, images, tmp_path):
    steps, turned = CHAINS[name]
    plan = chain(tmp_path, *steps)
    want = by_the_reference(plan)
    got, turns = on_orders(plan, images)
    for value in set(want) - {"flat"}:  # only the dense layer, whose weights are permuted, reads it
        np.testing.assert_allclose(got[value], want[value], rtol=1e-5, atol=1e-6, err_msg=value)
    if images == NHWC:
        assert turns == turned


def test_what_wants_channels_last_gets_them(tmp_path):
    plan = chain(tmp_path, ("Transpose", (2, 6, 5, 4), {"perm": LAST}))
    x = plan.inputs[0]
    for images in (NHWC, NCHW):
        table = Numpy(plan, images)
        for name, value in ((plan.input, x), ("n0", x.transpose(LAST)), ("logits", x[:, :, 0, 0])):
            last = table.channels_last(name, table.orders.to_held(name, value))
            np.testing.assert_array_equal(last, np.moveaxis(value, 1, -1))
    held = Numpy(plan, NHWC).orders.to_held(plan.input, x)
    assert Numpy(plan, NHWC).channels_last(plan.input, held) is held


@pytest.mark.parametrize(
    ("before", "after", "groups"),
    [
        ((2, 4, 6), (2, 2, 2, 6), [([0], [0]), ([1], [1, 2]), ([2], [3])]),
        ((2, 4, 6), (2, 24), [([0], [0]), ([1, 2], [1])]),
        ((2, 4, 6), (2, 8, 3), [([0], [0]), ([1, 2], [1, 2])]),
        ((1, 4, 1, 1), (1, 4), [([0], [0]), ([1, 2, 3], [1])]),
        ((1, 1, 4), (1, 4, 1), [([0], [0]), ([1, 2], [1, 2])]),
    ],
)
def test_axes_are_grouped(before, after, groups):
    assert grouped(before, after) == groups


def test_a_flatten_that_more_than_dense_layers_read_is_in_the_plans_order(tmp_path):
    plan = chain(tmp_path, *NORM)
    flat = next(n for n in plan.nodes if n.op == "Flatten")
    assert Orders(plan, NHWC).flattens_in_place(flat)
    seen = replace(plan, outputs=("logits", flat.output))
    orders = Orders(seen, NHWC)
    assert not orders.flattens_in_place(flat) and orders.turns[flat.name] == [(0, 3, 1, 2)]
