"""Runners that are wrong on purpose, and one that is honest, for the tests of parity.

`python3 mutant.py NAME` starts the runner of that name over the same library as any other
adapter; `python3 mutant.py` lists them. All compute in numpy float32. Every mistake is one
that a published comparison or a framework's default made.
"""

from __future__ import annotations

import dataclasses
import re
import sys

import numpy as np

from dlbench_sdk.plan import Plan
from dlbench_sdk.server import Server, stop_on_sigterm
from frameworks.reference import operators as ops
from frameworks.reference.adapter import MULTIPLIES, Interpreter, Reference


class Mutant(Reference):
    """The framework whose networks are of a class below."""

    def __init__(self, network: type[Float32]):
        self.network = network

    def open(self, device: str, threads: int):
        d = super().open(device, threads)
        return dataclasses.replace(d, noise=False, running_variance=self.network.running_variance)

    def build(self, plan: Plan):
        return self.network(plan)


class Float32(Interpreter):
    """honest: the reference's formulas in float32"""

    dtype = np.float32
    running_variance = "unbiased"

    def __init__(self, plan: Plan):
        # A class inside a runner takes the place of the operator of its name.
        self.operators = {name: getattr(self, name, op) for name, op in ops.OPERATORS.items()}
        super().__init__(dataclasses.replace(plan, nodes=reshaped(plan, self.rewrite(plan))))

    def rounded(self, x, length: float = 1, summands=None):
        """To the plan's precision."""
        return ROUND[self.plan.precision](x)

    def stored(self, x):
        return x

    def weight(self, node, name: str):
        w = self.params[name]
        return ROUND[self.plan.precision](w) if node.op in MULTIPLIES else w

    def rewrite(self, plan: Plan) -> list:
        """The nodes that this runner computes instead of the plan's."""
        return list(plan.nodes)


class LearningRateInside(Float32):
    """honest: the learning rate is inside the velocity, which is equal while it is constant"""

    def step(self, slot: int):
        if not self.plan.training:
            return super().step(slot)
        loss, gradients, running = self.backward(slot)
        self.params.update(running)
        rate, momentum = self.plan.optimizer.learning_rate, self.plan.optimizer.momentum
        for name in self.plan.trainable:
            g = rate * gradients[name]
            self.velocity[name] = momentum * self.velocity[name] - g
            self.params[name] = self.params[name] + momentum * self.velocity[name] - g
        return loss


class Biased(Float32):
    """honest: keeps the biased running variance, and says so"""

    class BatchNormalization(ops.BatchNormalization):
        correction = staticmethod(lambda m: 1.0)

    running_variance = "biased"


# The network is another one.


class StrideV1(Float32):
    """a bottleneck halves the resolution in its 1×1 convolution (ResNet v1, not v1.5)"""

    def rewrite(self, plan):
        makers, nodes = {n.output: n for n in plan.nodes}, {n.name: n for n in plan.nodes}
        for node in plan.nodes:
            if node.op != "Conv" or node.kernel_shape != [3, 3] or node.strides != [2, 2]:
                continue
            before = makers.get(node.data[0])
            while before is not None and before.op in ("Relu", "BatchNormalization"):
                before = makers.get(before.data[0])
            if before is not None and before.op == "Conv" and before.kernel_shape == [1, 1]:
                nodes[node.name] = changed(node, strides=[1, 1])
                nodes[before.name] = changed(before, strides=[2, 2])
        return list(nodes.values())


class SamePadding(Float32):
    """pads like SAME: the odd pixel at the bottom and at the right"""

    def rewrite(self, plan):
        shapes = {plan.input: plan.input_shape} | {n.output: n.shape for n in plan.nodes}
        return [same(n, shapes[n.data[0]]) for n in plan.nodes]


def same(node, shape):
    if node.op not in ("Conv", "MaxPool", "AveragePool") or not any(node.pads):
        return node
    before, after = [], []
    for size, k, s in zip(shape[2:], node.kernel_shape, node.strides):
        total = max(0, (-(-size // s) - 1) * s + k - size)
        before.append(total // 2)
        after.append(total - total // 2)
    return changed(node, pads=before + after)


class PoolCeil(Float32):
    """max pools round their output's size up"""

    def rewrite(self, plan):
        return [changed(n, ceil_mode=1) if n.op == "MaxPool" else n for n in plan.nodes]


class CountedPadding(Float32):
    """average pools count the padding"""

    def rewrite(self, plan):
        average = [n.op == "AveragePool" for n in plan.nodes]
        return [changed(n, count_include_pad=1) if a else n for n, a in zip(plan.nodes, average)]


class SkippedLayer(Float32):
    """one rectifier in the middle is left out"""

    def rewrite(self, plan):
        relus = [n for n in plan.nodes if n.op == "Relu"]
        if len(relus) < 3:  # an operator case
            return list(plan.nodes)
        middle = relus[len(relus) // 2]
        return [dataclasses.replace(n, op="Dropout") if n is middle else n for n in plan.nodes]


class SkippedBranch(Float32):
    """the last residual branch is left out: its block is only the shortcut"""

    def rewrite(self, plan):
        adds = [n for n in plan.nodes if n.op == "Add"]
        if len(adds) < 2:  # an operator case
            return list(plan.nodes)
        return [changed(n, skipped=n is adds[-1]) for n in plan.nodes]

    class Add(ops.Add):
        def forward(self, node, a, b):
            return super().forward(node, 0 * a if node.attributes.get("skipped") else a, b)

        def backward(self, node, dy):
            da, db = super().backward(node, dy)
            return [0 * da if node.attributes.get("skipped") else da, db]


# An operator is another one.


class BatchNormEpsilon(Float32):
    """batch norm's ε is 1e-3, Keras' default"""

    def rewrite(self, plan):
        return with_batch_norm(plan, epsilon=1e-3)


class BatchNormMomentum(Float32):
    """batch norm keeps 0.99 of the old statistics, Keras' default"""

    def rewrite(self, plan):
        return with_batch_norm(plan, momentum=0.99)


class BatchNormMomentumSwapped(Float32):
    """batch norm's momentum is taken for the share of the new statistics"""

    def rewrite(self, plan):
        return with_batch_norm(plan, momentum=0.1)


def with_batch_norm(plan, **attributes):
    return [changed(n, **attributes) if n.op == "BatchNormalization" else n for n in plan.nodes]


class RunningStatisticsIgnored(Float32):
    """inference normalises by the batch, as in training"""

    class BatchNormalization(ops.BatchNormalization):
        def __init__(self, training):
            super().__init__(True)


class RunningStatisticsKept(Float32):
    """training does not move the running statistics"""

    class BatchNormalization(ops.BatchNormalization):
        def forward(self, node, x, scale, bias, mean, variance):
            y = super().forward(node, x, scale, bias, mean, variance)
            self.running = (mean, variance)
            return y


class ScaleIgnored(Float32):
    """batch norm's scale is taken for one (fix_gamma)"""

    class BatchNormalization(ops.BatchNormalization):
        def forward(self, node, x, scale, *rest):
            return super().forward(node, x, np.ones_like(scale), *rest)


class BiasedVariance(Biased):
    """the running variance is biased, and called unbiased"""

    running_variance = "unbiased"


class UnbiasedVariance(Float32):
    """the running variance is unbiased, and called biased"""

    running_variance = "biased"


class TransposedDense(Float32):
    """dense weights are read as [in, out]"""

    class Gemm(ops.Gemm):
        def forward(self, node, x, w, b):
            return super().forward(node, x, np.ascontiguousarray(w.reshape(w.shape[::-1]).T), b)


class BiasForgotten(Float32):
    """convolutions and dense layers have no bias"""

    class Conv(ops.Conv):
        def forward(self, node, x, w, *bias):
            return super().forward(node, x, w, *[0 * b for b in bias])

    class Gemm(ops.Gemm):
        def forward(self, node, x, w, b):
            return super().forward(node, x, w, 0 * b)


class LrnSum(Float32):
    """local response norm's α multiplies the sum, not the mean"""

    def rewrite(self, plan):
        return [changed(n, alpha=n.alpha * n.size) if n.op == "LRN" else n for n in plan.nodes]


class DropoutOn(Float32):
    """training drops activations out"""

    class Dropout(ops.Dropout):
        def forward(self, node, x):
            if not self.training:
                return x
            keep = np.random.default_rng(1).uniform(size=x.shape) >= node.ratio
            return (x * keep / (1 - node.ratio)).astype(x.dtype)


# The numbers have fewer bits.


class Float16(Float32):
    """computes in float16, parameters and all"""

    def rounded(self, x, length: float = 1, summands=None):
        return to_float16(x)

    stored = rounded


class BFloat16(Float32):
    """computes in bfloat16, parameters and all"""

    def rounded(self, x, length: float = 1, summands=None):
        return keep_bits(x, 7)

    stored = rounded


class PlainFloat32(Float32):
    """computes in float32 what it says it computes in fewer bits"""

    def rounded(self, x, length: float = 1, summands=None):
        return x

    def weight(self, node, name: str):
        return self.params[name]


def to_float16(x):
    return np.asarray(x).astype(np.float16).astype(np.float32)


def keep_bits(x, mantissa: int):
    """Round float32 to fewer bits of mantissa, to nearest."""
    drop = 23 - mantissa
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(1 << (drop - 1))) & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)
    return rounded.view(np.float32).reshape(np.shape(x))


ROUND = {
    "fp32": lambda x: x,
    "tf32": lambda x: keep_bits(x, 10),
    "bf16": lambda x: keep_bits(x, 7),
    "fp16": to_float16,
    "int8": lambda x: x,
}


class TF32(Float32):
    """convolutions and dense layers multiply in TF32, on by default on some GPUs"""

    class Conv(ops.Conv):
        def forward(self, node, x, w, *bias):
            return super().forward(node, keep_bits(x, 10), keep_bits(w, 10), *bias)

    class Gemm(ops.Gemm):
        def forward(self, node, x, w, b):
            return super().forward(node, keep_bits(x, 10), keep_bits(w, 10), b)


# The step is another one.


class LearningRate(Float32):
    """the learning rate is 10 % too large"""

    def __init__(self, plan):
        if plan.optimizer:
            rate = 1.1 * plan.optimizer.learning_rate
            optimizer = dataclasses.replace(plan.optimizer, learning_rate=rate)
            plan = dataclasses.replace(plan, optimizer=optimizer)
        super().__init__(plan)


class ClassicalMomentum(Float32):
    """momentum without Nesterov's look ahead"""

    def step(self, slot: int):
        if not self.plan.training:
            return super().step(slot)
        loss, gradients, running = self.backward(slot)
        self.params.update(running)
        rate, momentum = self.plan.optimizer.learning_rate, self.plan.optimizer.momentum
        for name in self.plan.trainable:
            self.velocity[name] = momentum * self.velocity[name] + gradients[name]
            self.params[name] = self.params[name] - rate * self.velocity[name]
        return loss


class MomentumForgotten(Float32):
    """the velocity starts from zero at every step"""

    def step(self, slot: int):
        if self.plan.training:
            self.velocity = {k: np.zeros_like(v) for k, v in self.velocity.items()}
        return super().step(slot)


class SumForMean(Float32):
    """the loss is summed over the batch"""

    def loss(self, logits, labels):
        mean, gradient = super().loss(logits, labels)
        return mean * len(labels), gradient * len(labels)


class GradientsSummed(Float32):
    """the loss is a mean, its gradients are summed over the batch"""

    def loss(self, logits, labels):
        mean, gradient = super().loss(logits, labels)
        return mean, gradient * len(labels)


class SwappedLabels(Float32):
    """labels belong to the next image"""

    def loss(self, logits, labels):
        return super().loss(logits, np.roll(labels, 1))


# The timed loop computes something else than what was verified.


class StaleOutput(Float32):
    """after the first step its output is handed out again"""

    def reset(self):
        super().reset()
        self.first = None

    def step(self, slot: int):
        if self.first is None:
            self.first = super().step(slot)
        return self.first


class StaleInput(Float32):
    """every step takes the first batch"""

    def step(self, slot: int):
        return super().step(0)


def changed(node, **attributes):
    return dataclasses.replace(node, attributes={**node.attributes, **attributes})


def reshaped(plan: Plan, nodes: list) -> tuple:
    """Give every node the shape that its changed attributes lead to."""
    shapes, out = {plan.input: tuple(plan.input_shape)}, []
    for node in nodes:
        shape = shape_of(node, [shapes[name] for name in node.data])
        out.append(dataclasses.replace(node, shape=shape))
        shapes[node.output] = shape
    return tuple(out)


def shape_of(node, inputs) -> tuple:
    x = inputs[0]
    if node.op in ("Conv", "MaxPool", "AveragePool"):
        return (x[0], node.shape[1], *(side(node, i, extent) for i, extent in enumerate(x[2:])))
    if node.op in ("Relu", "BatchNormalization", "Dropout", "LRN", "Clip", "Sigmoid"):
        return x
    if node.op == "Add":
        return np.broadcast_shapes(*inputs)
    return tuple(node.shape)


def side(node, axis: int, size: int) -> int:
    attributes = node.attributes
    axes = len(node.kernel_shape)
    reach = attributes.get("dilations", [1] * axes)[axis] * (node.kernel_shape[axis] - 1) + 1
    room = size + node.pads[axis] + node.pads[axis + axes] - reach
    stride = node.strides[axis]
    n = room // stride + 1
    # A window that would start in the padding behind the input does not count.
    if attributes.get("ceil_mode") and room % stride and n * stride < size + node.pads[axis]:
        n += 1
    return n


def name_of(cls: type) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()


def family(cls: type) -> list[type]:
    return [cls] + [c for child in cls.__subclasses__() for c in family(child)]


def main(base: type[Float32], prefix: str = "") -> int:
    runners = {prefix + name_of(cls): cls for cls in family(base)}
    if len(sys.argv) != 2:
        for name, cls in runners.items():
            print(f"{name}\t{cls.__doc__}")
        return 0
    stop_on_sigterm()
    network = runners[sys.argv[1]]
    return Server(sys.argv[1], lambda: Mutant(network), [__file__]).serve(sys.stdin)


if __name__ == "__main__":
    sys.exit(main(Float32))
