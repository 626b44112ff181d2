"""A framework's operators: one method each."""

from __future__ import annotations

from typing import Any

from .plan import Node, Plan, Unsupported


class Table:
    """What computes the nodes of a plan: made by the method that is named like the operator,
    `_relu`. What it makes is the adapter's own business."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def operator(self, node: Node) -> Any:
        """What computes a node. Refusals name the node."""
        make = getattr(self, f"_{node.op.lower()}", None)
        try:
            if make is None:
                raise Unsupported(f"operator {node.op}")
            return make(node)
        except Unsupported as refusal:
            raise Unsupported(f"node {node.name!r}: {refusal}") from None

    def size_of(self, node: Node) -> tuple[int, ...]:
        """Height and width of what a node reads, before them the depth of a volume."""
        return self.plan.shape_of(node.data[0])[2:]


def is_sixth(node: Node) -> bool:
    """Whether a HardSigmoid is the one that frameworks have: with slope 1/6, in 32 bits."""
    return abs(node.alpha - 1 / 6) < 1e-7 and node.beta == 0.5
