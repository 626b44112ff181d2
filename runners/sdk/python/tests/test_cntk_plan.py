"""CNTK's own reader of plans, which is for Python 2.7, reads and refuses what the library does."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import plans
import pytest
from test_plan import many, pixels

from dlbench_sdk import safetensors

sys.path.append(str(Path(__file__).parents[3] / "frameworks" / "cntk"))
from dlbench_cntk import plan as own
from dlbench_cntk.safetensors import BadFile


def read(directory, doc, labels=None):
    paths = plans.files(directory, doc)
    if labels is not None:
        batch = {name: np.array(value) for name, value in safetensors.read(paths["batch"]).items()}
        safetensors.write(paths["batch"], {**batch, "labels.1": labels})
    return own.read(paths["plan"], paths["weights"], paths["batch"])


@pytest.mark.parametrize("axes", [2, 3])
def test_labels_of_pixels(axes, tmp_path):
    size = (6, 5, 4)[-axes:]
    done = read(tmp_path, pixels("dice_cross_entropy", axes=axes))
    assert (done.loss, done.dice.smooth, done.dice.batch) == ("dice_cross_entropy", 1e-5, True)
    assert done.labels[0].shape == (2, *size) and done.nodes[0].axes == axes
    plain = read(tmp_path, pixels("softmax_cross_entropy", axes=axes))
    assert plain.dice is None
    for labels in (np.zeros(2, np.int64), np.zeros((2, *size), np.float32), np.full((2, *size), 4)):
        with pytest.raises(BadFile, match=r"labels\.1"):
            read(tmp_path, pixels("softmax_cross_entropy", axes=axes), labels)


def test_many_labels(tmp_path):
    assert read(tmp_path, many()).labels[0].dtype == np.float32
    for labels in (np.zeros((2, 3), np.float32), np.full((2, 4), 0.5, np.float32)):
        with pytest.raises(BadFile, match=r"labels\.1"):
            read(tmp_path, many(), labels)


def test_inference_has_labels_of_either_kind(tmp_path):
    for labels in (np.zeros((2, 4), np.float32), np.zeros(2, np.int64)):
        done = read(tmp_path, many("infer"), labels)
        assert done.loss == "" and done.labels[1].shape == labels.shape


def test_other_losses_are_refused(tmp_path):
    with pytest.raises(own.Unsupported, match="loss focal"):
        read(tmp_path, pixels("focal"))
    doc = pixels("dice_cross_entropy")
    del doc["training"]["dice"]
    with pytest.raises(own.BadPlan, match="dice"):
        read(tmp_path, doc)
