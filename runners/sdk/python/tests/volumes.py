"""A small U-Net of volumes for the tests: each operator that has a form for volumes, logits of
every voxel, and nnU-Net's loss. Its sides differ, so that no axis passes for another."""

from __future__ import annotations

from plans import document, node, parameter

SIDES, HALF = (4, 6, 8), (2, 3, 4)


def window(kernel, stride=1, pad=0):
    return {"kernel_shape": kernel, "strides": [stride] * 3, "pads": [pad] * 6}


HALVED, SAME = window([2, 2, 2], 2), window([3, 3, 3], 1, 1)
POOLED = {"ceil_mode": 0, **HALVED}
ONCE = {"dilations": [1, 1, 1], "group": 1}
NORMED = ["scale", "shift", "mean", "var"]
LINEAR = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
DOUBLED = {"scales": [2, 2, 2], "nearest_mode": "floor"}


def segmenting(mode="train"):
    full, half, once = (2, 4, *SIDES), (2, 4, *HALF), (2, 4, 1, 1, 1)
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
        node("op", "Concat", ["gated", "up", "resized"], (2, 12, *SIDES), axis=1),
        node("logits", "Conv", ["op", "ow", "ob"], (2, 3, *SIDES), **window([1, 1, 1]), **ONCE),
    ]
    parameters = [
        parameter("w", 4, 2, 3, 3, 3),
        parameter("scale", 4),
        parameter("shift", 4),
        parameter("mean", 4, role="running_mean"),
        parameter("var", 4, role="running_variance"),
        parameter("iscale", 4),
        parameter("ishift", 4),
        parameter("uw", 4, 4, 2, 2, 2),
        parameter("ub", 4),
        parameter("ow", 3, 12, 1, 1, 1),
        parameter("ob", 3),
    ]
    return document(nodes, parameters, mode, (2, 2, *SIDES), 3, "dice_cross_entropy")
