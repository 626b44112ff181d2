"""Small plans for the tests, built in memory or written as the three files of a workload."""

from __future__ import annotations

import json
import os

import numpy as np

from dlbench_sdk import plan as plans
from dlbench_sdk import safetensors

CONV = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1], "dilations": [1, 1]}
POOL = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 0, 0]}
GEMM = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}


def node(name, op, inputs, shape, **attributes):
    return {
        "name": name,
        "op": op,
        "inputs": inputs,
        "output": name,
        "attributes": attributes,
        "shape": list(shape),
    }


def document(
    nodes, parameters, mode="train", shape=(2, 3, 6, 5), classes=4, loss="softmax_cross_entropy"
):
    """plan.json as an object; the last node has to put out "logits"."""
    training = {
        "loss": loss,
        **({"dice": {"smooth": 1e-5, "batch": True}} if loss == "dice_cross_entropy" else {}),
        "reduction": "mean",
        "dropout": "off",
        "input_gradient": True,
        "optimizer": {
            "name": "sgd",
            "learning_rate": 0.01,
            "momentum": 0.9,
            "nesterov": True,
            "weight_decay": 0.0,
        },
    }
    return {
        "schema_version": 1,
        "workload": f"test/{mode}/b{shape[0]}/fp32",
        "mode": mode,
        "batch": shape[0],
        "precision": "fp32",
        "seed": 1,
        "slots": 2,
        "classes": classes,
        "training": training if mode == "train" else None,
        "network": {
            "name": "test",
            "opset": 17,
            "input": {"name": "input", "shape": list(shape)},
            "outputs": ["logits", *(n["output"] for n in nodes if n["name"] == "op")],
            "nodes": nodes,
            "parameters": parameters,
        },
    }


def parameter(name, *shape, role="trainable"):
    return {"name": name, "shape": list(shape), "role": role, "init": {"kind": "normal"}}


def files(directory, doc, seed=0):
    """Write the files of a document and return what load wants."""
    rng = np.random.default_rng(seed)
    weights = {}
    for p in doc["network"]["parameters"]:
        value = rng.normal(0, 0.4, p["shape"])
        weights[p["name"]] = (abs(value) + 0.5 if "var" in p["name"] else value).astype(np.float32)
    shape = doc["network"]["input"]["shape"]
    logits = next(n["shape"] for n in doc["network"]["nodes"] if n["name"] == "logits")
    batch = {}
    for slot in range(doc["slots"]):
        batch[f"input.{slot}"] = rng.normal(size=shape).astype(np.float32)
        if (doc["training"] or {}).get("loss") == "sigmoid_cross_entropy":
            batch[f"labels.{slot}"] = rng.integers(0, 2, logits).astype(np.float32)
        else:
            size = (logits[0], *logits[2:])
            batch[f"labels.{slot}"] = rng.integers(0, doc["classes"], size)
    paths = {name: os.path.join(directory, name) for name in ("plan", "weights", "batch")}
    with open(paths["plan"], "w", encoding="utf-8") as file:
        json.dump(doc, file)
    safetensors.write(paths["weights"], weights)
    safetensors.write(paths["batch"], batch)
    return paths


def small(mode="train"):
    """Convolution, batch normalisation, rectifier, pooling, dense: one of each that matters."""
    return document(
        [
            node("conv", "Conv", ["input", "w"], (2, 4, 6, 5), group=1, **CONV),
            node(
                "bn",
                "BatchNormalization",
                ["conv", "scale", "shift", "mean", "var"],
                (2, 4, 6, 5),
                epsilon=1e-5,
                momentum=0.9,
            ),
            node("relu", "Relu", ["bn"], (2, 4, 6, 5)),
            node("op", "MaxPool", ["relu"], (2, 4, 2, 2), dilations=[1, 1], ceil_mode=0, **POOL),
            node("flat", "Flatten", ["op"], (2, 16), axis=1),
            node("logits", "Gemm", ["flat", "fw", "fb"], (2, 4), **GEMM),
        ],
        [
            parameter("w", 4, 3, 3, 3),
            parameter("scale", 4),
            parameter("shift", 4),
            parameter("mean", 4, role="running_mean"),
            parameter("var", 4, role="running_variance"),
            parameter("fw", 4, 16),
            parameter("fb", 4),
        ],
        mode,
    )


def reshaped(name, data, shape):
    """Reshape has an attribute that is named like the node's own field."""
    raw = node(name, "Reshape", [data], shape)
    raw["attributes"] = {"shape": [0, *shape[1:]]}
    return raw


def later(mode="train"):
    """Every operator and form of dlbench_sdk.plan.LATER, one after the other."""
    image, apart = (2, 4, 6, 5), (2, 2, 2, 6, 5)
    return document(
        [
            node("conv", "Conv", ["input", "w"], image, group=1, **CONV),
            node("leaky", "LeakyRelu", ["conv"], image, alpha=0.2),
            node("prelu", "PRelu", ["leaky", "slope"], image),
            node("one", "PRelu", ["prelu", "one_slope"], image),
            node("gate", "HardSigmoid", ["one"], image, alpha=0.2, beta=0.4),
            node("sixth", "HardSigmoid", ["one"], image, alpha=0.16666667, beta=0.5),
            node("gated", "Mul", ["gate", "sixth"], image),
            node("swish", "HardSwish", ["one"], image),
            node("added", "Add", ["swish", "gated"], image),
            node("erf", "Gelu", ["added"], image, approximate="none"),
            node("last", "Transpose", ["erf"], (2, 6, 5, 4), perm=[0, 2, 3, 1]),
            node(
                "norm",
                "LayerNormalization",
                ["last", "scale", "shift"],
                (2, 6, 5, 4),
                axis=3,
                epsilon=1e-3,
            ),
            node("first", "Transpose", ["norm"], image, perm=[0, 3, 1, 2]),
            reshaped("apart", "first", apart),
            node("turned", "Transpose", ["apart"], apart, perm=[0, 2, 1, 3, 4]),
            reshaped("together", "turned", image),
            node("scaled", "Mul", ["together", "layer_scale"], image),
            node("moved", "Add", ["scaled", "bias"], image),
            node("op", "Slice", ["moved"], (2, 3, 6, 5), axis=1, start=1, end=4),
            node("tanh", "Gelu", ["op"], (2, 3, 6, 5), approximate="tanh"),
            node("flat", "Flatten", ["tanh"], (2, 90), axis=1),
            node("logits", "Gemm", ["flat", "fw"], (2, 4), **GEMM),
        ],
        [
            parameter("w", 4, 3, 3, 3),
            parameter("slope", 4, 1, 1),
            parameter("one_slope", 1, 1, 1),
            parameter("scale", 4),
            parameter("shift", 4),
            parameter("layer_scale", 4, 1, 1),
            parameter("bias", 4, 1, 1),
            parameter("fw", 4, 90),
        ],
        mode,
    )


def loaded(directory, doc, seed=0) -> plans.Plan:
    paths = files(directory, doc, seed)
    return plans.read(paths["plan"], paths["weights"], paths["batch"])
