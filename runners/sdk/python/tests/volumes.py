"""A small U-Net of volumes for the tests: each operator that has a form for volumes, logits of
every voxel, and nnU-Net's loss. Its sides differ, so that no axis passes for another."""

from __future__ import annotations

from plans import document, node, parameter

SIDES, HALF = (4, 6, 8), (2, 3, 4)
WIDE = 16  # channels; with fewer oneDNN does not keep weights in blocks


def window(kernel, stride=1, pad=0):
    return {"kernel_shape": kernel, "strides": [stride] * 3, "pads": [pad] * 6}


HALVED, SAME = window([2, 2, 2], 2), window([3, 3, 3], 1, 1)
POOLED = {"ceil_mode": 0, **HALVED}
ONCE = {"dilations": [1, 1, 1], "group": 1}
NORMED = ["scale", "shift", "mean", "var"]
LINEAR = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
DOUBLED = {"scales": [2, 2, 2], "nearest_mode": "floor"}


def segmenting(mode="train"):
    full, half, once = (2, WIDE, *SIDES), (2, WIDE, *HALF), (2, WIDE, 1, 1, 1)
    nodes = [
        node("conv", "Conv", ["input", "w"], full, **SAME, **ONCE),
        node("bn", "BatchNormalization", ["conv", *NORMED], full, epsilon=1e-5, momentum=0.9),
        node("relu", "Relu", ["bn"], full),
        node("max", "MaxPool", ["relu"], half, dilations=[1, 1, 1], **POOLED),
        node("average", "AveragePool", ["relu"], half, count_include_pad=0, **POOLED),
        node("down", "Add", ["max", "average"], half),
        node("norm", "InstanceNormalization", ["down", "iscale", "ishift"], half, epsilon=1e-2),
        node("leaky", "LeakyRelu", ["norm"], half, alpha=0.01),
        node(
            "up",
            "ConvTranspose",
            ["leaky", "uw", "ub"],
            full,
            output_padding=[0, 0, 0],
            **HALVED,
            **ONCE,
        ),
        node("resized", "Resize", ["leaky"], full, **LINEAR, **DOUBLED),
        node("squeezed", "GlobalAveragePool", ["relu"], once),
        node("gate", "Sigmoid", ["squeezed"], once),
        node("gated", "Mul", ["relu", "gate"], full),
        node("op", "Concat", ["gated", "up", "resized"], (2, 3 * WIDE, *SIDES), axis=1),
        node("logits", "Conv", ["op", "ow", "ob"], (2, 3, *SIDES), **window([1, 1, 1]), **ONCE),
    ]
    parameters = [
        parameter("w", WIDE, 2, 3, 3, 3),
        parameter("scale", WIDE),
        parameter("shift", WIDE),
        parameter("mean", WIDE, role="running_mean"),
        parameter("var", WIDE, role="running_variance"),
        parameter("iscale", WIDE),
        parameter("ishift", WIDE),
        parameter("uw", WIDE, WIDE, 2, 2, 2),
        parameter("ub", WIDE),
        parameter("ow", 3, 3 * WIDE, 1, 1, 1),
        parameter("ob", 3),
    ]
    return document(nodes, parameters, mode, (2, 2, *SIDES), 3, "dice_cross_entropy")
