"""What is read of a workload's files, and what of them is refused."""

from __future__ import annotations

import numpy as np
import plans
import pytest

from dlbench_sdk import plan, safetensors


def pixels(loss, mode="train", axes=2):
    """A 1×1 convolution puts out the logits of every pixel."""
    size = (6, 5, 4)[-axes:]
    window = {"kernel_shape": [1] * axes, "strides": [1] * axes, "pads": [0] * 2 * axes}
    nodes = [
        plans.node(
            "logits",
            "Conv",
            ["input", "w"],
            (2, 4, *size),
            group=1,
            dilations=[1] * axes,
            **window,
        )
    ]
    parameters = [plans.parameter("w", 4, 3, *[1] * axes)]
    return plans.document(nodes, parameters, mode, (2, 3, *size), loss=loss)


def many(mode="train"):
    """A dense layer puts out a logit of every class."""
    nodes = [
        plans.node("flat", "Flatten", ["input"], (2, 90), axis=1),
        plans.node("logits", "Gemm", ["flat", "w"], (2, 4), **plans.GEMM),
    ]
    parameters = [plans.parameter("w", 4, 90)]
    return plans.document(nodes, parameters, mode, loss="sigmoid_cross_entropy")


def with_labels(directory, doc, labels):
    """The plan, with other labels in slot 1."""
    paths = plans.files(directory, doc)
    batch = {name: np.array(value) for name, value in safetensors.read(paths["batch"]).items()}
    safetensors.write(paths["batch"], {**batch, "labels.1": labels})
    return plan.read(paths["plan"], paths["weights"], paths["batch"])


def test_losses(tmp_path):
    small = plans.loaded(tmp_path, plans.small())
    assert (small.loss, small.dice) == ("softmax_cross_entropy", None)
    assert plans.loaded(tmp_path, plans.small("infer")).loss == ""
    dice = plans.loaded(tmp_path, pixels("dice_cross_entropy"))
    assert (dice.loss, dice.dice) == ("dice_cross_entropy", plan.Dice(1e-5, True))
    with pytest.raises(plan.Unsupported, match="loss 'focal'"):
        plans.loaded(tmp_path, pixels("focal"))


def test_what_the_sums_of_a_dice_go_over():
    of_batch, of_image = plan.Dice(1e-5, True), plan.Dice(1e-5, False)
    assert of_batch.axes(4) == (0, 2, 3) and of_image.axes(5) == (2, 3, 4)
    for last in (-1, 3):
        assert of_batch.axes(4, last) == (0, 1, 2) and of_image.axes(4, last) == (1, 2)


def test_dice_has_to_be_written_out(tmp_path):
    doc = pixels("dice_cross_entropy")
    del doc["training"]["dice"]
    with pytest.raises(plan.BadPlan, match="dice"):
        plans.loaded(tmp_path, doc)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "dice_cross_entropy"])
def test_every_pixel_has_a_label(loss, axes, tmp_path):
    doc, shape = pixels(loss, axes=axes), (2, *(6, 5, 4)[-axes:])
    read = plans.loaded(tmp_path, doc)
    assert read.labels[0].shape == shape and read.labels[0].dtype == np.int64
    assert read.nodes[0].axes == axes
    for labels, message in (
        (np.zeros(2, np.int64), r"is int64 \[2\], expected int64 \[2, "),
        (np.zeros(shape, np.float32), "is float32"),
        (np.full(shape, 4), "goes from 4 to 4, expected 0 to 3"),
        (np.full(shape, -1), "goes from -1 to -1"),
    ):
        with pytest.raises(safetensors.BadFile, match=message):
            with_labels(tmp_path, doc, labels)


def test_many_labels_are_zeros_and_ones(tmp_path):
    read = plans.loaded(tmp_path, many())
    assert read.labels[0].shape == (2, 4) and read.labels[0].dtype == np.float32
    for labels, message in (
        (np.zeros((2, 3), np.float32), r"expected float32 \[2, 4\]"),
        (np.zeros((2, 4), np.int64), "is int64"),
        (np.full((2, 4), 0.5, np.float32), "other values than 0 and 1"),
    ):
        with pytest.raises(safetensors.BadFile, match=message):
            with_labels(tmp_path, many(), labels)


def test_what_infers_has_labels_of_either_kind(tmp_path):
    for labels in (np.zeros((2, 4), np.float32), np.zeros(2, np.int64)):
        assert with_labels(tmp_path, many("infer"), labels).labels[1].shape == labels.shape
    with pytest.raises(safetensors.BadFile, match="expected int64"):
        with_labels(tmp_path, many("infer"), np.zeros(3, np.int64))
