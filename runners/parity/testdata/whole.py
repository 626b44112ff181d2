"""Like mutant.py, of inference in whole numbers: what runners of quantised graphs get wrong."""

from __future__ import annotations

import dataclasses
import sys
from typing import ClassVar

import numpy as np
from mutant import Float32, changed, main

from dlbench_sdk.plan import Scale
from dlbench_sdk.windows import pad
from frameworks.reference import operators as ops
from frameworks.reference import quantized


class Honest(Float32):
    """honest: the quantised graph in float32"""


# There are other whole numbers.


class NotQuantised(Honest):
    """computes in float32 what it says it computes in int8"""

    def parameters(self):
        return {}

    def quantized(self, x, scale):
        return x


class OnlyWeights(Honest):
    """only weights are quantised, activations stay float32"""

    def quantized(self, x, scale):
        return x


class OneActivation(Honest):
    """the activation in the middle is not quantised"""

    def activation(self, name, x, node=None, length=1.0):
        all_names = list(self.plan.quantization.activations)
        if name == all_names[len(all_names) // 2]:
            return x
        return super().activation(name, x, node, length)


class PerTensor(Honest):
    """weights have one scale for the whole tensor"""

    def parameters(self):
        found = {}
        for name, w in weights(self.plan):
            scale = quantized.step(float(np.abs(w).max()))
            found[name] = quantized.rounded(w.astype(np.float64), np.float64(scale), 127)
        return super().parameters() | found


class InputChannels(Honest):
    """weights have a scale for each input channel"""

    def parameters(self):
        found = {}
        for name, w in weights(self.plan):
            of = np.abs(w.swapaxes(0, 1)).reshape(w.shape[1], -1).max(1)
            scales = np.array([quantized.step(float(size)) for size in of])
            shaped = scales.reshape(1, -1, *[1] * (w.ndim - 2))
            found[name] = quantized.rounded(w.astype(np.float64), shaped, 127)
        return super().parameters() | found


class SevenBits(Honest):
    """weights have seven bits (reduce_range)"""

    def parameters(self):
        found = {}
        for name, w in weights(self.plan):
            of = [2 * quantized.step(float(np.abs(channel).max())) for channel in w]
            scales = np.array(of).reshape(-1, *[1] * (w.ndim - 1))
            found[name] = quantized.rounded(w.astype(np.float64), scales, 63)
        return super().parameters() | found


class FloatBias(Honest):
    """biases are not quantised"""

    def parameters(self):
        names = {name for name, _ in weights(self.plan)}
        return {name: w for name, w in super().parameters().items() if name in names}


# An activation is rounded in another way.


class HalvesAway(Honest):
    """halves are rounded away from zero"""

    def quantized(self, x, scale):
        steps = x / scale.scale
        steps = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
        return whole(steps, scale, x)


class Truncated(Honest):
    """whole numbers are cut off"""

    def quantized(self, x, scale):
        return whole(np.trunc(x / scale.scale), scale, x)


class ZeroPointOff(Honest):
    """the zero point that is taken off is one less than that which was added"""

    def quantized(self, x, scale):
        off = np.float32(scale.scale if scale.zero_point else 0)
        return super().quantized(x, scale) + off


class NoZeroPoint(Honest):
    """what is negative is cut off, because no zero point is added"""

    def quantized(self, x, scale):
        return super().quantized(x, Scale(scale.scale, 0))


class PaddedWithZero(Honest):
    """convolutions are padded with the whole number zero, not with the zero point"""

    def __init__(self, plan):
        self.Conv.scales = plan.quantization.activations if plan.quantization else {}
        super().__init__(plan)

    class Conv(ops.Conv):
        scales: ClassVar[dict[str, Scale]] = {}

        def forward(self, node, x, w, *bias):
            scale = self.scales.get(node.data[0])
            if scale is not None and any(node.pads):
                x = pad(x, node.pads, -scale.zero_point * scale.scale)
                node = changed(node, pads=[0] * len(node.pads))
            return super().forward(node, x, w, *bias)


class ScaleOfTheNext(Honest):
    """each activation has the scale of the next one"""

    def __init__(self, plan):
        q = plan.quantization
        if q is not None:
            scales = list(q.activations.values())
            turned = dict(zip(q.activations, [*scales[1:], *scales[:1]]))
            plan = dataclasses.replace(
                plan, quantization=dataclasses.replace(q, activations=turned)
            )
        super().__init__(plan)


class OwnScales(Honest):
    """it calibrates by itself: scales that are a tenth smaller"""

    def quantized(self, x, scale):
        return super().quantized(x, Scale(scale.scale * 0.9, scale.zero_point))


class SaturatesEarly(Honest):
    """activations saturate at 127 steps, as int8 does that is taken for uint8"""

    def quantized(self, x, scale):
        most = (127 - scale.zero_point) * scale.scale if scale.zero_point == 0 else np.inf
        return np.minimum(super().quantized(x, scale), most).astype(x.dtype)


def weights(plan):
    """The weights of all products."""
    for node in plan.nodes:
        if plan.quantization is not None and node.name in plan.quantization.products:
            yield node.params[0], plan.weights[node.params[0]]


def whole(steps, scale, x):
    steps = np.clip(steps + scale.zero_point, 0, 255) - scale.zero_point
    return (steps * scale.scale).astype(x.dtype)


if __name__ == "__main__":
    sys.exit(main(Honest, "int8-"))
