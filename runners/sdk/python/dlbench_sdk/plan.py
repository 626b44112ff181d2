"""The plan of a workload, as an adapter sees it."""

from __future__ import annotations

import collections
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import safetensors


class Unsupported(Exception):
    """The framework cannot do what a plan asks for; the message says what."""


class BadPlan(Exception):
    """A plan that is not one."""


@dataclass(frozen=True)
class Node:
    """One operator. Attributes have ONNX's names and meaning (opset 17)."""

    name: str
    op: str
    data: tuple[str, ...]  # activations
    params: tuple[str, ...]  # parameters, in ONNX's order
    output: str
    attributes: dict
    shape: tuple[int, ...]  # of the output, NCHW or NCDHW

    def __getattr__(self, name: str) -> Any:
        """Read attributes as fields: node.kernel_shape."""
        try:
            return self.attributes[name]
        except KeyError:
            raise AttributeError(f"node {self.name!r} ({self.op}) has no {name!r}") from None

    @property
    def axes(self) -> int:
        """How many spatial axes the output has: two of an image, three of a volume."""
        return len(self.shape) - 2


@dataclass(frozen=True)
class Optimizer:
    """SGD with Nesterov momentum: v = m·v + g; p = p − rate·(g + m·v)."""

    learning_rate: float
    momentum: float


@dataclass(frozen=True)
class Dice:
    """What the Dice of dice_cross_entropy adds to its numerator and denominator, and whether its
    sums go over the images of the batch too, or each image has a Dice of its own."""

    smooth: float
    batch: bool

    def axes(self, rank: int, classes: int = 1) -> tuple[int, ...]:
        """What its sums go over, of logits of that rank with their classes at that axis."""
        images = (0,) if self.batch else ()
        return (*images, *(axis for axis in range(1, rank) if axis != classes % rank))


@dataclass(frozen=True)
class Scale:
    """An activation in uint8: scale · (whole number − zero_point). The scale is a power of two."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class Quantization:
    """Where a plan in int8 computes in whole numbers."""

    activations: dict[str, Scale]  # in the order in which they are made
    products: frozenset[str]  # nodes whose weights are int8, and whose biases int32


@dataclass(frozen=True)
class Plan:
    """plan.json with its tensors."""

    workload: str
    mode: str
    batch: int
    precision: str  # of the computing: "fp32", "tf32", "bf16", "fp16", "int8"; files are float32
    slots: int
    input: str
    input_shape: tuple[int, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    roles: dict[str, str]  # parameter → trainable, running_mean, running_variance
    optimizer: Optimizer | None
    loss: str  # "softmax_cross_entropy", "dice_cross_entropy", …; empty in inference
    dice: Dice | None  # of dice_cross_entropy
    input_gradient: bool
    weights: dict[str, np.ndarray] = field(repr=False)
    inputs: tuple[np.ndarray, ...] = field(repr=False)
    labels: tuple[np.ndarray, ...] = field(repr=False)
    quantization: Quantization | None = None  # of int8

    @property
    def training(self) -> bool:
        return self.mode == "train"

    @property
    def sgd(self) -> Optimizer:
        """The optimizer of a plan that trains."""
        if self.optimizer is None:
            raise BadPlan(f"{self.workload} has no optimizer: it does not train")
        return self.optimizer

    @property
    def trainable(self) -> list[str]:
        return [name for name, role in self.roles.items() if role == "trainable"]

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The NCHW or NCDHW shape of an activation."""
        if name == self.input:
            return self.input_shape
        return next(n.shape for n in self.nodes if n.output == name)

    def channels_of(self, node: Node) -> int:
        return self.shape_of(node.data[0])[1]

    def in_place(self, *operators: str) -> set[str]:
        """Nodes of these operators (Relu, Add) that may overwrite their first input: it has the
        output's shape, and nobody else reads it, neither a node nor the backward pass of the
        operator that made it."""
        uses = collections.Counter(name for node in self.nodes for name in node.data)
        makers = {node.output: node.op for node in self.nodes}
        keeps_no_output = {"Conv", "BatchNormalization", "Add", "Gemm"}
        return {
            node.name
            for node in self.nodes
            if node.op in operators
            and uses[node.data[0]] == 1
            and makers.get(node.data[0]) in keeps_no_output
            and self.shape_of(node.data[0]) == node.shape
            and node.data[0] not in self.outputs
        }

    @property
    def statistics(self) -> list[str]:
        return [name for name, role in self.roles.items() if role != "trainable"]


# The operators that every framework here has.
OPERATORS = (
    *("Conv", "ConvTranspose", "BatchNormalization", "Relu", "Clip", "Sigmoid", "Softmax"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "Add", "Mul", "Concat", "Flatten", "Gemm"),
    *("LRN", "Dropout", "Resize"),
)
# Those that came with networks since 2017, and forms of operators that not every framework has.
LATER = (
    *("LeakyRelu", "PRelu", "HardSigmoid", "HardSwish", "Gelu", "LayerNormalization"),
    *("Reshape", "Transpose", "Slice", "Add.parameter", "Mul.parameter", "Gemm.nobias"),
)
# What medical images need, each named by an adapter that has it: a norm, operators with three
# spatial axes, and losses beside the cross-entropy of one label an image.
INSTANCE_NORMALIZATION = "InstanceNormalization"
VOLUMES = (
    *("Conv.3d", "ConvTranspose.3d", "BatchNormalization.3d", "InstanceNormalization.3d"),
    *("MaxPool.3d", "AveragePool.3d", "GlobalAveragePool.3d", "Resize.3d"),
)
LOSSES = ("SoftmaxCrossEntropy.pixels", "DiceCrossEntropy", "SigmoidCrossEntropy")
# Of runners that take graphs in whole numbers.
QUANTIZED = "QuantizeLinear"
MEDICAL = (INSTANCE_NORMALIZATION, *VOLUMES, *LOSSES)
SCHEMA_VERSION = 1


def read(plan_path: str, weights_path: str, batch_path: str) -> Plan:
    """Read the three files of a workload."""
    with open(plan_path, encoding="utf-8") as file:
        try:
            raw = json.load(file)
        except ValueError as error:
            raise BadPlan(f"{plan_path}: {error}") from error
    try:
        if raw["schema_version"] != SCHEMA_VERSION:
            raise BadPlan(f"{plan_path}: schema_version {raw['schema_version']} is unknown")
        weights, batch = _tensors(raw, weights_path, batch_path)
        return _build(raw, weights, batch)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadPlan(f"{plan_path}: {error!r}") from error


def _tensors(raw: dict, weights_path: str, batch_path: str) -> tuple[dict, dict]:
    """The tensors of both files, each there, of the plan's shape and of its type."""
    net, weights, batch = raw["network"], {}, {}
    logits = next(n["shape"] for n in net["nodes"] if n["output"] == net["outputs"][0])
    stored = safetensors.read(weights_path)
    for p in net["parameters"]:
        weights[p["name"]] = _tensor(stored, weights_path, p["name"], p["shape"], np.float32)
    stored = safetensors.read(batch_path)
    for slot in range(raw["slots"]):
        image, label = f"input.{slot}", f"labels.{slot}"
        batch[image] = _tensor(stored, batch_path, image, net["input"]["shape"], np.float32)
        batch[label] = _labels(stored, batch_path, label, logits, _loss(raw.get("training")))
    return weights, batch


def _labels(stored: dict, path: str, name: str, logits: list, loss: str) -> np.ndarray:
    """A class for each image or each pixel of it, or zeros and ones for each class. A plan that
    only infers has labels too, which nothing reads: their type says which of both they are."""
    images, classes, *size = logits
    if loss == "sigmoid_cross_entropy" or (not loss and _is_float(stored, name)):
        labels = _tensor(stored, path, name, [images, classes], np.float32)
        if not np.isin(labels, (0, 1)).all():
            raise safetensors.BadFile(f"{path}: tensor {name!r} has other values than 0 and 1")
        return labels
    labels = _tensor(stored, path, name, [images, *size], np.int64)
    if labels.min() < 0 or labels.max() >= classes:
        text = f"{labels.min()} to {labels.max()}, expected 0 to {classes - 1}"
        raise safetensors.BadFile(f"{path}: tensor {name!r} goes from {text}")
    return labels


def _is_float(stored: dict, name: str) -> bool:
    return name in stored and stored[name].dtype == np.float32


def _tensor(stored: dict, path: str, name: str, shape: list, dtype: Any) -> np.ndarray:
    if name not in stored:
        raise safetensors.BadFile(f"{path}: tensor {name!r} is missing")
    value = stored[name]
    if list(value.shape) != shape or value.dtype != dtype:
        raise safetensors.BadFile(
            f"{path}: tensor {name!r} is {value.dtype} {list(value.shape)}, "
            f"expected {np.dtype(dtype)} {shape}"
        )
    return value


def _build(raw: dict, weights: dict, batch: dict) -> Plan:
    net, training = raw["network"], raw.get("training")
    roles = {p["name"]: p["role"] for p in net["parameters"]}
    return Plan(
        workload=raw["workload"],
        mode=raw["mode"],
        batch=raw["batch"],
        precision=raw["precision"],
        slots=raw["slots"],
        input=net["input"]["name"],
        input_shape=tuple(net["input"]["shape"]),
        outputs=tuple(net["outputs"]),
        nodes=tuple(_node(n, roles) for n in net["nodes"]),
        roles=roles,
        optimizer=_optimizer(training["optimizer"]) if training else None,
        loss=_loss(training),
        dice=_dice(training),
        input_gradient=bool(training and training["input_gradient"]),
        weights={name: weights[name] for name in roles},
        inputs=tuple(batch[f"input.{s}"] for s in range(raw["slots"])),
        labels=tuple(batch[f"labels.{s}"] for s in range(raw["slots"])),
        quantization=_quantization(raw.get("quantization")),
    )


def _quantization(raw: dict | None) -> Quantization | None:
    if raw is None:
        return None
    scales = {a["name"]: Scale(a["scale"], a["zero_point"]) for a in raw["activations"]}
    return Quantization(scales, frozenset(raw["products"]))


def _node(raw: dict, roles: dict[str, str]) -> Node:
    return Node(
        name=raw["name"],
        op=raw["op"],
        data=tuple(i for i in raw["inputs"] if i not in roles),
        params=tuple(i for i in raw["inputs"] if i in roles),
        output=raw["output"],
        attributes=raw["attributes"] or {},
        shape=tuple(raw["shape"]),
    )


def _loss(training: dict | None) -> str:
    """The loss of a plan that trains."""
    if not training:
        return ""
    loss = training["loss"]
    if loss not in ("softmax_cross_entropy", "dice_cross_entropy", "sigmoid_cross_entropy"):
        raise Unsupported(f"loss {loss!r}")
    return loss


def _dice(training: dict | None) -> Dice | None:
    if _loss(training) != "dice_cross_entropy" or not training:
        return None
    return Dice(training["dice"]["smooth"], training["dice"]["batch"])


def _optimizer(raw: dict) -> Optimizer:
    if raw["name"] != "sgd" or not raw["nesterov"] or raw["weight_decay"] != 0:
        raise Unsupported(f"optimizer {raw}")
    return Optimizer(raw["learning_rate"], raw["momentum"])
