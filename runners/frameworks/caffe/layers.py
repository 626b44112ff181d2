"""What every operator's layers are made of: the message that they are added to, and the layers that
many operators need."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Plan
from dlbench_sdk.table import Table


class Layers(Table):
    """A net that is being written. What computes a node takes the blobs of its activations and adds
    layers that end in `self.output`."""

    output: str

    def __init__(self, pb: Any, plan: Plan) -> None:
        super().__init__(plan)
        self.pb = pb
        self.constants: dict[str, np.ndarray] = {}  # inputs that never change
        self.fixed: dict[str, np.ndarray] = {}  # parameters that never change, by layer
        self.message = pb.NetParameter(name=plan.workload)

    def given(self, name: str, shape: Any) -> str:
        layer = self.layer("Input", name, [], name)
        layer.input_param.shape.add().dim.extend(shape)
        return name

    def layer(
        self, kind: str, name: str, bottoms: Any, top: str, trained: int = 0, fixed: int = 0
    ) -> Any:
        layer = self.message.layer.add(name=name, type=kind, bottom=bottoms, top=[top])
        for rate in [1.0] * trained + [0.0] * fixed:
            layer.param.add(lr_mult=rate, decay_mult=0.0)
        return layer

    def reshaped(self, x: str, top: str, shape: Any) -> str:
        self.layer("Reshape", top, [x], top).reshape_param.shape.dim.extend(shape)
        return top

    def power(self, x: str, name: str, top: str, scale: float, shift: float) -> str:
        p = self.layer("Power", name, [x], top).power_param
        p.scale, p.shift = scale, shift
        return top

    def product(self, name: str, factors: Any, top: str) -> str:
        layer = self.layer("Eltwise", name, factors, top)
        layer.eltwise_param.operation = self.pb.EltwiseParameter.PROD
        return top

    def clipped(self, x: str, name: str, low: float, high: float, top: str) -> None:
        p = self.layer("Clip", name, [x], top).clip_param
        p.min, p.max = low, high

    def crop(self, node: Node, whole: str, offsets: Any) -> None:
        like = self.given(f"size.{node.name}", node.shape)
        layer = self.layer("Crop", f"crop.{node.name}", [whole, like], self.output)
        layer.crop_param.axis = 2
        layer.crop_param.offset.extend(offsets)
