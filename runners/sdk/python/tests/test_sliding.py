"""Volumes by patches: the layout is nnU-Net's, and what is assembled is held against a direct
evaluation of every voxel, which shares nothing with it."""

from __future__ import annotations

import itertools
import math
import types

import numpy as np
import plans
import pytest
from test_protocol import open_runner, runner  # noqa: F401 (fixtures)

from dlbench_sdk import safetensors, sliding
from dlbench_sdk.contract import Network
from dlbench_sdk.plan import Unsupported


# The first is the example in nnU-Net's own code.
@pytest.mark.parametrize(
    ("size", "patch", "overlap", "want"),
    [
        (110, 64, 0.5, [0, 23, 46]),
        (64, 64, 0.5, [0]),
        (65, 64, 0.5, [0, 1]),
        (128, 64, 0.5, [0, 32, 64]),
        (128, 64, 0, [0, 64]),
        (129, 64, 0, [0, 32, 65]),  # halves round to even, as numpy's round does
        (200, 128, 0.5, [0, 36, 72]),
        (48, 16, 0.75, [0, 4, 8, 12, 16, 20, 24, 28, 32]),
    ],
)
def test_patches_lie_where_nnunet_lays_them(size, patch, overlap, want):
    assert sliding.places(size, patch, overlap) == want


def test_the_last_axis_is_the_fastest():
    corners = sliding.corners((5, 6), (4, 4), 0.5)
    assert corners == [(0, 0), (0, 2), (1, 0), (1, 2)]


@pytest.mark.parametrize(
    ("size", "patch", "overlap", "says"),
    [
        ((15, 20), (16, 16), 0.5, "the patch is 16 long, and the volume only 15"),
        ((32, 32), (16, 16, 16), 0.5, "2 extents, and the network's input has 3 axes"),
        ((32, 32), (16, 16), 0.95, "the overlap is 0.95"),
        ((32, 32), (16, 16), -0.1, "the overlap is -0.1"),
    ],
)
def test_windows_that_do_not_fit_are_refused(size, patch, overlap, says):
    with pytest.raises(ValueError, match=says):
        sliding.corners(size, patch, overlap)


class Ramp(Network):
    """Logits of two classes that depend on where in the patch a voxel lies, along each axis in
    another way: only the right weights, places and axes put them together rightly."""

    def __init__(self, plan):
        self.plan, self.inputs, self.steps = plan, [x.copy() for x in plan.inputs], []
        self.ramp = ramp(plan.input_shape[2:])

    def set_input(self, slot, values):
        assert values.shape == self.plan.input_shape and values.dtype == np.float32
        self.inputs[slot] = values

    def step(self, slot):
        self.steps.append((slot, self.inputs[slot].copy()))
        x = self.inputs[slot].sum(1, keepdims=True)
        return np.concatenate([x * self.ramp, x - self.ramp], 1)

    def wait(self, handle):
        pass

    def read(self, handle):
        return handle

    outputs = gradients = state = shapes = reset = terms = close = None


def ramp(patch):
    """1 + i + 10·j + 100·k along the axes."""
    parts = np.meshgrid(*[np.arange(p) * 10.0**a for a, p in enumerate(patch)], indexing="ij")
    return (1 + sum(parts)).astype(np.float32)


def made(shape, slots=2, logits=None, seed=3):
    rng = np.random.default_rng(seed)
    inputs = tuple(rng.normal(size=shape).astype(np.float32) for _ in range(slots))
    shapes = {"logits": logits or (shape[0], 2, *shape[2:])}
    return types.SimpleNamespace(
        inputs=inputs,
        input_shape=tuple(shape),
        outputs=("logits",),
        batch=shape[0],
        slots=slots,
        shape_of=shapes.get,
    )


def directly(plan, volume, size, overlap):
    """Every voxel by itself: the weighted mean over the patches that cover it."""
    patch = plan.input_shape[2:]

    def begins(n, p):
        steps = math.ceil((n - p) / (p * (1 - overlap))) + 1
        return [round((n - p) / max(steps - 1, 1) * i) for i in range(steps)]

    covering = [begins(n, p) for n, p in zip(size, patch)]
    out = np.zeros((2, *size))
    for voxel in np.ndindex(*size):
        x, weights, sums = volume[(slice(None), *voxel)].sum(dtype=float), 0.0, np.zeros(2)
        for begin in itertools.product(*covering):
            within = [v - b for v, b in zip(voxel, begin)]
            if not all(0 <= w < p for w, p in zip(within, patch)):
                continue
            squares = sum(((w - p // 2) / (p / 8)) ** 2 for w, p in zip(within, patch))
            weight = math.exp(-squares / 2)
            slope = 1 + sum(w * 10.0**a for a, w in enumerate(within))
            sums += weight * np.array([x * slope, x - slope])
            weights += weight
        out[(slice(None), *voxel)] = sums / weights
    return out


@pytest.mark.parametrize(
    ("shape", "size", "overlap"),
    [
        ((2, 3, 4, 6), (9, 11), 0.5),
        ((3, 1, 4, 6, 8), (7, 10, 19), 0.5),  # 3·3·4 patches in 12 batches of 3
        ((5, 2, 5, 4, 3), (5, 9, 8), 0.25),  # 3·4 patches: the last batch has its last four times
        ((1, 1, 4, 4, 4), (4, 4, 4), 0.5),  # one patch
    ],
)
def test_each_voxel_is_the_weighted_mean_of_the_patches_that_cover_it(shape, size, overlap):
    plan = made(shape)
    scan = sliding.Scan(Ramp(plan), plan, size, overlap)
    got = scan.infer(1)
    want = directly(plan, scan.volume, size, overlap)
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-4)
    assert got.dtype == np.float32
    slots = [slot for slot, _ in scan.network.steps]
    assert slots == [(1 + i) % 2 for i in range(math.ceil(len(scan.corners) / shape[0]))]


def test_constant_logits_come_back_constant():
    plan = made((2, 1, 4, 6, 8))
    network = Ramp(plan)
    network.read = lambda handle: np.full_like(handle, 3.25)
    got = sliding.Scan(network, plan, (9, 13, 17), 0.5).infer(0)
    np.testing.assert_allclose(got, 3.25, rtol=1e-6)


def test_no_weight_is_zero_and_the_middle_counts_most():
    weights = sliding.importance((128, 64, 7))
    assert weights.shape == (128, 64, 7) and weights.dtype == np.float32
    assert weights.min() > 0 and weights[64, 32, 3] == weights.max() == 1
    # One standard deviation off the middle, along one axis.
    np.testing.assert_allclose(weights[64 + 16, 32, 3], math.exp(-0.5), rtol=1e-6)


def test_the_volume_is_the_slots_images_side_by_side():
    plan = made((2, 1, 4, 6))
    volume = sliding.tiled(plan.inputs, (9, 13))  # 3 by 3 tiles of 4 images
    images = [*plan.inputs[0], *plan.inputs[1]]
    np.testing.assert_array_equal(volume[:, 0:4, 6:12], images[1])
    np.testing.assert_array_equal(volume[:, 4:8, 6:12], images[0])  # the fifth
    np.testing.assert_array_equal(volume[:, 8:9, 12:13], images[0][:, :1, :1])  # the ninth
    assert volume.shape == (1, 9, 13)


def test_times_are_of_whole_volumes_and_the_result_is_the_last():
    plan = made((2, 1, 4, 4))
    scan = sliding.Scan(Ramp(plan), plan, (8, 8), 0.5)
    ticks = itertools.count(100, 10)
    times, result = sliding.volumes(scan, lambda: next(ticks), 3, 1)
    assert times == {"start_ns": 100, "end_ns": 130, "query_ns": [10, 10, 10]}
    slots = [slot for slot, _ in scan.network.steps]  # 5 batches a volume
    assert scan.batches == 5 and slots == [(1 + i) % 2 for i in range(15)]
    np.testing.assert_array_equal(result, scan.infer(0))
    scan.restore()
    for now, own in zip(scan.network.inputs, plan.inputs):
        np.testing.assert_array_equal(now, own)


def test_logits_of_whole_images_cannot_be_assembled():
    plan = made((2, 1, 4, 4), logits=(2, 5))
    with pytest.raises(Unsupported, match=r"logits of shape \[2, 5\] for an input of \[2, 1, 4, 4"):
        sliding.Scan(Ramp(plan), plan, (8, 8), 0.5)
    plan = made((2, 1, 4, 4), logits=(2, 5, 2, 2))
    with pytest.raises(Unsupported):
        sliding.Scan(Ramp(plan), plan, (8, 8), 0.5)


def pixels():
    """A network whose logits are of pixels: one convolution."""
    conv = plans.node("logits", "Conv", ["input", "w"], (2, 4, 6, 5), group=1, **plans.CONV)
    return plans.document([conv], [plans.parameter("w", 4, 3, 3, 3)], "infer")


def test_a_runner_measures_whole_images(open_runner, tmp_path):  # noqa: F811
    r = open_runner
    r.ok("load", **plans.files(tmp_path, pixels()))
    before = r.ok("measure", scenario="single-stream", iterations=2)["output_digest"]
    window = {"size": [12, 10], "overlap": 0.5}  # 3 by 3 patches, in 5 batches of 2
    ask = {"scenario": "sliding-window", "iterations": 10, "query_iterations": 5, "first_slot": 1}
    out = str(tmp_path / "o")
    block = r.ok("measure", **ask, window=window, output=out)
    assert len(block["query_ns"]) == 2
    assert sum(block["query_ns"]) <= block["end_ns"] - block["start_ns"]
    whole = safetensors.read(out)["output"]
    assert whole.shape == (4, 12, 10) and np.isfinite(whole).all()
    # The first patch is the first image, and only it covers what lies before the second one.
    r.ok("verify", output=str(tmp_path / "v"))
    verified = safetensors.read(str(tmp_path / "v"))["output.logits"]
    np.testing.assert_allclose(whole[:, :3, :2], verified[0, :, :3, :2], rtol=1e-5)
    # The slots have their own batches again.
    assert r.ok("measure", scenario="single-stream", iterations=2)["output_digest"] == before


def test_a_window_that_is_none_is_a_bad_request(open_runner, tmp_path):  # noqa: F811
    r = open_runner
    r.ok("load", **plans.files(tmp_path, pixels()))
    good = {"scenario": "sliding-window", "iterations": 10, "query_iterations": 5}
    good["window"] = {"size": [12, 10], "overlap": 0.5}
    for wrong in (
        {"window": None},
        {"window": {"size": [12, 10]}},
        {"window": {"size": "12x10", "overlap": 0.5}},
        {"window": {"size": [12, 0], "overlap": 0.5}},
        {"window": {"size": [12, 10, 3], "overlap": 0.5}},
        {"window": {"size": [5, 10], "overlap": 0.5}},
        {"window": {"size": [12, 10], "overlap": 1}},
        {"query_iterations": 4, "iterations": 4},  # the last patch would be lost
        {"iterations": 9},
    ):
        assert r.code("measure", **{**good, **wrong}) == "bad_request", wrong
    r.ok("unload")
    r.ok("load", **plans.files(tmp_path, plans.small("infer")))
    assert r.code("measure", **good) == "unsupported"  # a class for each image
    r.ok("unload")
    r.ok("load", **plans.files(tmp_path, plans.small("train")))
    assert r.code("measure", **good) == "bad_request"
