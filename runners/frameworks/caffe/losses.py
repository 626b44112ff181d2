"""The losses that a net trains with, as layers behind the one that makes the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .operators import Writer

LABELS, LOSS = "labels", "loss"


class Loss:
    def __init__(self, net: Writer, logits: str) -> None:
        self.net, self.logits, plan = net, logits, net.plan
        self.shape = plan.shape_of(plan.outputs[0])  # of the logits
        self.labels = net.given(LABELS, plan.labels[0].shape)
        if plan.loss == "sigmoid_cross_entropy":
            self.sigmoid()
        elif plan.dice is None:
            self.softmax(LOSS)
        else:
            self.softmax("entropy").loss_weight.append(0.0)
            dice = self.dice(plan.dice.smooth, plan.dice.batch)
            layer = net.layer("Eltwise", LOSS, ["entropy", dice], LOSS)
            layer.eltwise_param.coeff.extend([1.0, -1.0])
            layer.loss_weight.append(1.0)

    def softmax(self, top: str) -> Any:
        """Its mean is over images and pixels."""
        return self.net.layer("SoftmaxWithLoss", top, [self.logits, self.labels], top)

    def sigmoid(self) -> None:
        """By default it divides by the images only, not by their classes."""
        layer = self.net.layer("SigmoidCrossEntropyLoss", LOSS, [self.logits, self.labels], LOSS)
        layer.loss_param.normalization = self.net.pb.LossParameter.FULL

    def dice(self, smooth: float, batch: bool) -> str:
        """The mean over the classes but the first, and over the images if each has its own."""
        net = self.net
        net.layer("Softmax", "dice.p", [self.logits], "dice.p")
        classes = self.one_hot()
        both = net.product("dice.both", ["dice.p", classes], "dice.both")
        net.layer("Eltwise", "dice.all", ["dice.p", classes], "dice.all")
        above = net.power(self.sums(both, batch), "dice.above", "dice.above", 2.0, smooth)
        below = net.power(self.sums("dice.all", batch), "dice.below", "dice.below", 1.0, smooth)
        net.layer("Power", "dice.inverse", [below], "dice.inverse").power_param.power = -1.0
        each = net.product("dice.each", [above, "dice.inverse"], "dice.each")
        mean = net.layer("Reduction", "dice.mean", [each], "dice.mean").reduction_param
        mean.operation = net.pb.ReductionParameter.MEAN
        return "dice.mean"

    def one_hot(self) -> str:
        """A label is of a class if it is above the class before it, but not above the class."""
        net = self.net
        plane = net.reshaped(self.labels, "dice.labels", [self.shape[0], 1, *self.shape[2:]])
        above = [f"dice.above{border}" for border in range(self.shape[1] + 1)]
        for border, name in enumerate(above):
            net.layer("Threshold", name, [plane], name).threshold_param.threshold = border - 0.5
        parts = [f"dice.class{number}" for number in range(self.shape[1])]
        for name, borders in zip(parts, zip(above, above[1:])):
            net.layer("Eltwise", name, borders, name).eltwise_param.coeff.extend([1.0, -1.0])
        net.layer("Concat", "dice.classes", parts, "dice.classes")
        return "dice.classes"

    def sums(self, x: str, batch: bool) -> str:
        """Over the pixels by Reduction. Of those sums a matrix leaves out the first class's, and
        adds those of all images if the batch has one Dice."""
        images, classes = self.shape[:2]
        pixels, row, name = f"{x}.pixels", f"{x}.row", f"{x}.sums"
        self.net.layer("Reduction", pixels, [x], pixels).reduction_param.axis = 2
        self.net.reshaped(pixels, row, [1, images * classes])
        kept = np.eye(images * classes).reshape(images, classes, -1)[:, 1:]
        matrix = kept.sum(0) if batch else kept.reshape(-1, images * classes)
        p = self.net.layer("InnerProduct", name, [row], name, fixed=1).inner_product_param
        p.num_output, p.bias_term = len(matrix), False
        self.net.fixed[name] = matrix
        return name
