"""Precisions and a device's own clock, on a card that is made up: none was to be had."""

from __future__ import annotations

import types

import adapters
import numpy as np
import plans
import pytest
from test_protocol import Runner

from dlbench_sdk import loops
from dlbench_sdk.plan import Unsupported

pytorch = adapters.module("pytorch")


@pytest.fixture
def runner():
    r = Runner()
    yield r
    r.process.kill()
    r.process.communicate()


def test_a_precision_that_is_not_there_is_refused(runner, tmp_path):
    capabilities = runner.ok("hello", protocol=1, device="cpu", threads=1)["capabilities"]
    assert set(capabilities["precisions"]) == {"fp32", "tf32", "bf16", "fp16"}
    doc = {**plans.small("infer"), "precision": "fp8"}
    error = runner.ask("load", **plans.files(tmp_path, doc))["error"]
    assert error["code"] == "unsupported"
    assert error["message"].startswith("precision fp8: there are")
    assert "result" in runner.ask("load", **plans.files(tmp_path, plans.small("infer")))


class Event:
    clock = 0

    def __init__(self, enable_timing=False):
        assert enable_timing

    def record(self):
        Event.clock += 1
        self.at = Event.clock

    def elapsed_time(self, other):
        return 2.5 * (other.at - self.at)  # milliseconds


def fake_torch(capability=(9, 0)):
    """As much of torch as the adapter's choices need."""
    matmul, conv, rnn = (types.SimpleNamespace(fp32_precision="none") for _ in range(3))
    backends = types.SimpleNamespace(
        cuda=types.SimpleNamespace(matmul=matmul), cudnn=types.SimpleNamespace(conv=conv, rnn=rnn)
    )
    cuda = types.SimpleNamespace(Event=Event, get_device_capability=lambda _: capability)
    return types.SimpleNamespace(cuda=cuda, backends=backends)


def on(kind, torch, variant="eager"):
    adapter = pytorch.PyTorch()
    adapter.torch, adapter.device = torch, types.SimpleNamespace(type=kind)
    adapter.variant = variant
    return adapter


def test_precisions_are_the_devices():
    assert on("cpu", None).precisions()[0] == ("fp32", "bf16")
    assert on("cpu", None).precisions()[1]["tf32"] == "this CPU has none"
    assert on("cuda", fake_torch()).precisions() == (("fp32", "tf32", "bf16", "fp16"), {})
    has, lacks = on("cuda", fake_torch((7, 5))).precisions()
    assert has == ("fp32", "fp16") and "sm_75" in lacks["tf32"] and "sm_75" in lacks["bf16"]


def test_float32_multiplies_without_tf32():
    torch = fake_torch()
    adapter = on("cuda", torch)
    for precision in ("tf32", "ieee"):
        adapter.multiply_in(precision)
        assert torch.backends.cuda.matmul.fp32_precision == precision
        assert torch.backends.cudnn.conv.fp32_precision == precision


def test_a_block_has_the_devices_own_time():
    adapter = on("cuda", fake_torch())
    adapter.step, adapter.synchronize = lambda slot: slot, lambda handle: None
    times, handle = loops.back_to_back(adapter, [0, 1])
    assert times["device_ns"] == 2_500_000 and handle == 1
    adapter.device.type = "cpu"
    assert "device_ns" not in loops.back_to_back(adapter, [0])[0]


def test_variants_that_cannot_run_here(monkeypatch):
    with pytest.raises(Unsupported, match="of GPUs"):
        on("cpu", None, "cudagraphs").check_variant()
    monkeypatch.setattr(pytorch.shutil, "which", lambda _: None)
    with pytest.raises(Unsupported, match="needs a compiler"):
        on("cpu", None, "compile").check_variant()
    on("cpu", None).check_variant()


def test_noise_leaves_float32_what_frameworks_leave_float32(tmp_path):
    """In bf16 activations move by its roundoff, and a step's parameters by no more than their
    gradients do."""
    plan = plans.loaded(tmp_path, plans.small("train"))
    moved = {}
    for precision in ("", "fp32", "bf16"):
        adapter = adapters.adapter("reference")
        adapter.open("cpu", 1)
        adapter.load(plan)
        adapter.set_noise(precision, 3)
        moved[precision] = adapter.outputs(0)["logits"], adapter.stored(np.ones(1000)) - 1
    near = [np.abs(moved[p][0] - moved[""][0]).max() for p in ("fp32", "bf16")]
    assert 0 < near[0] < 1e-5 < 1e-3 < near[1] < 0.5
    assert np.abs(moved["bf16"][1]).max() <= 2.0**-24 == pytest.approx(2.0**-24)
