"""The reference: numpy in float64, no framework, forward and backward."""

from __future__ import annotations

import ctypes
import glob
import math
import os
import platform
from typing import Any

import numpy as np

from dlbench_sdk.contract import Description, DeviceUnavailable, Framework, Network, Terms
from dlbench_sdk.plan import LOSSES, QUANTIZED, Node, Plan, Scale, Unsupported

from . import quantized
from .losses import dice_cross_entropy, sigmoid_cross_entropy, softmax_cross_entropy
from .operator import spatial
from .operators import OPERATORS

# Unit roundoff: half the distance from 1 to the next number of that precision. What int8 computes
# in float, it computes in float32.
ROUNDOFF = {"fp32": 2.0**-24, "tf32": 2.0**-11, "fp16": 2.0**-11, "bf16": 2.0**-8, "int8": 2.0**-24}
FLOAT32 = ("fp32", "int8")

MULTIPLIES = ("Conv", "ConvTranspose", "Gemm")
# Whose second parameter is a bias for each channel.
SUMS = (*MULTIPLIES, "BatchNormalization", "InstanceNormalization")


class Reference(Framework):
    """numpy, with as many threads as its BLAS was given by the environment."""

    def open(self, device: str, threads: int) -> Description:
        if device != "cpu":
            raise DeviceUnavailable(f"the reference computes on the CPU, not on {device}")
        config = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return Description(
            framework="numpy",
            version=np.__version__,
            build={
                "blas": f"{config['name']} {config['version']}",
                "python": platform.python_version(),
            },
            operators=[*OPERATORS, *LOSSES, QUANTIZED],
            running_variance="unbiased",
            terms=terms_of("fp64"),
            noise=True,
            precisions=tuple(ROUNDOFF),
            no_training={"int8": "whole numbers have no gradients"},
        )

    def build(self, plan: Plan) -> Network:
        return Interpreter(plan)


def terms_of(precision: str) -> Terms:
    return Terms(blas_threads(), "NCHW", "eager", precision)


class Interpreter(Network):
    """Interprets the plan node by node. Gradients are reverse-mode differentiation by hand.

    With noise it is Monte Carlo arithmetic (Parker 1997): every node's result, forward and
    backward, is multiplied by 1 + u·√n·ξ, where u is the unit roundoff, n the number of terms
    that one element sums (rounding errors of a sum grow like √n: Higham and Mary 2019), and ξ
    is uniform in ±1. Of fewer bits than float32's, sums are kept in float32, as hardware keeps
    them; weights are rounded before they multiply; and what frameworks keep in float32 there
    (parameters, velocity, running statistics, the loss) has only float32's noise. In int8 only
    what computes in float has noise: the rest is exact in every honest runner.
    """

    dtype: type = np.float64
    operators = OPERATORS

    def __init__(self, plan: Plan) -> None:
        for node in plan.nodes:
            if node.op not in self.operators:
                raise Unsupported(f"node {node.name!r}: operator {node.op}")
        self.plan = plan
        self.noise: tuple[str, float, np.random.Generator] | None = None
        self.inputs: list[np.ndarray] = [x.astype(self.dtype) for x in plan.inputs]
        self.seen_shapes: dict[str, list[int]] = {}
        self.whole = self.parameters()
        self.reset()

    def terms(self) -> Terms:
        return terms_of("fp64" if self.dtype == np.float64 else "fp32")

    def close(self) -> None:
        pass  # its arrays go with it

    def reset(self) -> None:
        self.params: dict[str, np.ndarray] = {
            k: v.astype(self.dtype) for k, v in (self.plan.weights | self.whole).items()
        }
        self.velocity = {k: np.zeros_like(self.params[k]) for k in self.plan.trainable}

    def state(self) -> dict[str, np.ndarray]:
        return dict(self.params)

    def shapes(self) -> dict[str, list[int]]:
        if not self.seen_shapes:
            self.forward(self.inputs[0], differentiable=False)
        return self.seen_shapes

    def set_input(self, slot: int, values: np.ndarray) -> None:
        self.inputs[slot] = values.astype(self.dtype)

    def wait(self, handle: Any) -> None:
        pass  # numpy returns when it is done

    def read(self, handle: Any) -> np.ndarray:
        return np.asarray(handle)

    def step(self, slot: int) -> Any:
        if not self.plan.training:
            return self.forward(self.inputs[slot])[0][self.plan.outputs[0]]
        loss, gradients, running = self.backward(slot)
        self.params.update(running)
        rate, momentum = self.plan.sgd.learning_rate, self.plan.sgd.momentum
        for name in self.plan.trainable:
            g = gradients[name]
            self.velocity[name] = self.stored(momentum * self.velocity[name] + g)
            self.params[name] = self.stored(
                self.params[name] - rate * (g + momentum * self.velocity[name])
            )
        return loss

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        values, _ = self.forward(self.inputs[slot], differentiable=False)
        return {name: values[name] for name in self.plan.outputs}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        loss, gradients, _ = self.backward(slot)
        return float(loss), gradients

    def forward(
        self, x: np.ndarray, differentiable: bool = True
    ) -> tuple[dict[str, np.ndarray], list[tuple[Node, Any]]]:
        """Values of the outputs, and the tape of a differentiable pass: (node, operator)."""
        values = {self.plan.input: self.activation(self.plan.input, x)}
        tape: list[tuple[Node, Any]] = []
        self.seen_shapes = {}
        last_use = {name: i for i, n in enumerate(self.plan.nodes) for name in n.data}
        for i, node in enumerate(self.plan.nodes):
            operator = self.operators[node.op](self.plan.training)
            operands = [values[name] for name in node.data]
            weights = [self.weight(node, name) for name in node.params]
            y = operator.forward(node, *operands, *weights)
            values[node.output] = y = self.activation(node.output, y, node, operator.length)
            self.seen_shapes[node.name] = list(y.shape)
            if self.plan.training and differentiable:
                tape.append((node, operator))
            for name in node.data:
                if last_use[name] == i and name not in self.plan.outputs:
                    values.pop(name, None)
        return values, tape

    def activation(
        self, name: str, x: np.ndarray, node: Node | None = None, length: float = 1
    ) -> np.ndarray:
        """The network's input, or what a node made, as others read it."""
        quantization = self.plan.quantization
        if quantization is None:
            return self.rounded(x, length)
        if node is not None and not quantized.exact(node, self.plan):
            x = self.rounded(x, length)
        scale = quantization.activations.get(name)
        return x if scale is None else self.quantized(x, scale)

    def quantized(self, x: np.ndarray, scale: Scale) -> np.ndarray:
        return quantized.whole(x, scale)

    def parameters(self) -> dict[str, np.ndarray]:
        """Those that are whole in int8."""
        return quantized.parameters(self.plan)

    def loss(self, logits: np.ndarray, labels: np.ndarray) -> tuple[Any, np.ndarray]:
        """The plan's loss and its gradient."""
        if self.plan.loss == "sigmoid_cross_entropy":
            return sigmoid_cross_entropy(logits, labels)
        if self.plan.dice is not None:
            dice = self.plan.dice
            return dice_cross_entropy(logits, labels, dice.smooth, dice.batch, self.summed)
        return softmax_cross_entropy(logits, labels, self.summed)

    def backward(
        self, slot: int
    ) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Loss, gradients by parameter (and "input"), and the moved running statistics."""
        plan = self.plan
        values, tape = self.forward(self.inputs[slot])
        loss, dlogits = self.loss(values[plan.outputs[0]], plan.labels[slot])
        flowing = {plan.outputs[0]: dlogits}
        gradients: dict[str, np.ndarray] = {}
        running: dict[str, np.ndarray] = {}
        while tape:
            node, operator = tape.pop()
            if node.output not in flowing:
                continue
            dy = flowing.pop(node.output)
            grads = operator.backward(node, dy)
            for name, g in zip([*node.data, *node.params], grads):
                if g is None:
                    continue
                g = self.rounded(g, self.terms_of(node, name, g), self.summands(node, name, dy))
                target = gradients if name in plan.roles else flowing
                target[name] = target[name] + g if name in target else g
            if node.op == "BatchNormalization":
                running.update(zip(node.params[2:], map(self.stored, operator.running)))
        gradients["input"] = flowing[plan.input]
        return self.stored(np.asarray(loss)), gradients, running

    def terms_of(self, node: Node, name: str, gradient: np.ndarray) -> float:
        """How many terms an element of a gradient sums: a parameter's over the whole output, an
        activation's over the output channels and the kernel."""
        broadcasts = ("LayerNormalization", "InstanceNormalization", "PRelu", "Add", "Mul")
        if node.op in broadcasts and name in self.plan.roles:
            return int(np.prod(node.shape)) // gradient.size
        if node.op == "LayerNormalization":
            return self.params[node.params[0]].size
        if node.op == "InstanceNormalization":
            return math.prod(gradient.shape[2:])
        if node.op not in ("Conv", "ConvTranspose", "Gemm", "BatchNormalization"):
            return 1
        if name in self.plan.roles:
            return node.shape[0] * int(np.prod(node.shape[2:]))
        weight = self.params[node.params[0]]
        return max(1, weight.size // gradient.shape[1])

    def summands(self, node: Node, name: str, dy: np.ndarray) -> np.ndarray | None:
        """The root of the sum of squares of what a bias' gradient sums. A bias before a norm has no
        gradient: its terms cancel, and what is left is their rounding, not that of the sum."""
        if self.noise is None or node.op not in SUMS or name not in node.params[1:2]:
            return None
        return np.asarray(np.sqrt((dy * dy).sum((0, *spatial(dy)))))

    def set_noise(self, precision: str, seed: int, scale: float = 1.0) -> None:
        """Noise of a multiple of that precision's rounding; none for the empty precision."""
        if precision and precision not in ROUNDOFF:
            raise Unsupported(f"noise of precision {precision!r}")
        self.noise = None
        if precision:
            self.noise = precision, scale, np.random.default_rng(seed)

    def rounded(
        self, x: np.ndarray, length: float = 1, summands: np.ndarray | None = None
    ) -> np.ndarray:
        """An activation or a gradient whose elements sum so many terms, of that size together."""
        if self.noise is None:
            return x
        precision, scale, random = self.noise
        size = scale * ROUNDOFF["fp32"] * np.sqrt(length)
        if precision not in FLOAT32:
            size += scale * ROUNDOFF[precision]
        if summands is None:
            return self.noisy(x, size, random)
        return x + size * np.maximum(abs(x), summands) * random.uniform(-1, 1, np.shape(x))

    def stored(self, x: np.ndarray) -> np.ndarray:
        """What is kept in float32 in every precision."""
        return self.summed(x, 1)

    def summed(self, x: np.ndarray, length: int) -> np.ndarray:
        """A sum of so many terms in float32, in every precision."""
        if self.noise is None:
            return x
        _, scale, random = self.noise
        return self.noisy(x, scale * ROUNDOFF["fp32"] * np.sqrt(length), random)

    def weight(self, node: Node, name: str) -> np.ndarray:
        """A parameter as an operator takes it: what multiplies is rounded before."""
        w = self.params[name]
        if self.noise is None or self.noise[0] in FLOAT32 or node.op not in MULTIPLIES:
            return w
        return self.rounded(w)

    def noisy(self, x: np.ndarray, size: float, random: np.random.Generator) -> np.ndarray:
        return x * (1 + size * random.uniform(-1, 1, np.shape(x)))


def blas_threads() -> int | None:
    """What the OpenBLAS inside numpy's wheel says it uses; others tell nobody."""
    directory = os.path.join(os.path.dirname(np.__file__), os.pardir, "numpy.libs")
    for path in glob.glob(os.path.join(directory, "libscipy_openblas*")):
        for symbol in ("scipy_openblas_get_num_threads64_", "scipy_openblas_get_num_threads"):
            count = getattr(ctypes.CDLL(path), symbol, None)
            if count is not None:
                return int(count())
    return None


def framework() -> Framework:
    return Reference()
