"""The losses that a plan trains with. But for the cross-entropy of one label an image they are
operators of the CPU device: IDEEP has none of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.plan import Plan

from .devices import Devices

LOSS = "training.loss"


class Loss:
    def __init__(self, devices: Devices, plan: Plan) -> None:
        self.devices, self.plan = devices, plan
        self.shape = plan.shape_of(plan.outputs[0])  # of the logits
        self.constants: dict[str, np.ndarray] = {}  # blobs of the CPU device that never change

    def labels(self, value: np.ndarray) -> np.ndarray:
        """As the operators take them: numbers of 32 bits, and pixels in two axes."""
        if self.plan.loss == "sigmoid_cross_entropy":
            return value
        plane = value.reshape(value.shape[0], -1, value.shape[-1]) if value.ndim > 3 else value
        return plane.astype(np.int32)

    def write(self, net: Any, logits: str, labels: str) -> Any:
        """Write the loss into a net that has made the logits, and the gradients of all."""
        if self.plan.loss == "softmax_cross_entropy" and len(self.shape) == 2:
            net.SoftmaxWithLoss([logits, labels], ["training.probabilities", LOSS])
            return net.AddGradientOperators([LOSS])
        held = "training.logits"
        self.devices.copy(net, "CopyIDEEPToCPU", logits, held)
        with self.devices.core.DeviceScope(self.devices.cpu):
            if self.plan.loss == "sigmoid_cross_entropy":
                self.sigmoid(net, held, labels)
            elif self.plan.dice is None:
                self.pixels(net, held, labels, LOSS)
            else:
                self.pixels(net, held, labels, "training.entropy")
                self.dice(net, held, labels, "training.dice")
                net.Sub(["training.entropy", "training.dice"], [LOSS])
            return net.AddGradientOperators([LOSS])

    def sigmoid(self, net: Any, logits: str, labels: str) -> None:
        """The operator's loss is one for each image, the mean over its classes."""
        net.SigmoidCrossEntropyWithLogits([logits, labels], ["training.losses"])
        net.AveragedLoss(["training.losses"], [LOSS])

    def pixels(self, net: Any, logits: str, labels: str, loss: str) -> None:
        images, classes, *size = self.shape
        if len(size) > 2:
            plane = "training.logits.plane"
            shape = [images, classes, -1, size[-1]]
            net.Reshape([logits], [plane, f"{plane}.shape"], shape=shape)
            logits = plane
        net.SpatialSoftmaxWithLoss([logits, labels], ["training.probabilities", loss])

    def dice(self, net: Any, logits: str, labels: str, mean: str) -> None:
        """Classes last, so that a label's row of the unit matrix is its one-hot form."""
        assert self.plan.dice is not None
        images, classes = self.shape[:2]
        axes = [0, *range(2, len(self.shape)), 1]
        each = [images, -1, classes]
        sums = {"axes": [0, 1] if self.plan.dice.batch else [1], "keepdims": 0}
        unit = self.constant("unit", np.eye(classes))
        smooth = self.constant("smooth", np.array([self.plan.dice.smooth]))

        def name(step: str) -> str:
            return f"training.dice.{step}"

        net.Transpose([logits], [name("last")], axes=axes)
        net.Softmax([name("last")], [name("softmax")], axis=len(self.shape) - 1)
        net.Reshape([name("softmax")], [name("p"), name("p.shape")], shape=each)
        net.FlattenToVec([labels], [name("labels")])
        net.Gather([unit, name("labels")], [name("rows")])
        net.StopGradient([name("rows")], [name("rows.fixed")])
        net.Reshape([name("rows.fixed")], [name("g"), name("g.shape")], shape=each)
        for step, operator in (("both", net.Mul), ("all", net.Add)):
            operator([name("p"), name("g")], [name(step)])
            net.ReduceSum([name(step)], [name(f"{step}.sum")], **sums)
        net.Scale([name("both.sum")], [name("twice")], scale=2.0)
        net.Add([name("twice"), smooth], [name("numerator")])
        net.Add([name("all.sum"), smooth], [name("denominator")])
        net.Div([name("numerator"), name("denominator")], [name("classes")])
        first = [1] if self.plan.dice.batch else [0, 1]
        ends = [-1] * len(first)
        net.Slice([name("classes")], [name("foreground")], starts=first, ends=ends)
        net.AveragedLoss([name("foreground")], [mean])

    def constant(self, name: str, value: np.ndarray) -> str:
        name = f"constant.training.{name}"
        self.constants[name] = value.astype(np.float32)
        return name
