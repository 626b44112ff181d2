"""Precisions and a device's own clock, on a card that is made up: none was to be had."""

from __future__ import annotations

import time
import types

import adapters
import numpy as np
import plans
import pytest
from test_protocol import ADAPTER, Runner

from dlbench_sdk import loops, processor
from dlbench_sdk.contract import Timed
from dlbench_sdk.plan import Unsupported

pytorch = adapters.module("pytorch")
tensorflow = adapters.module("tensorflow")
keras = adapters.module("keras")
mxnet = adapters.module("mxnet")
onnxruntime = adapters.module("onnxruntime")


@pytest.fixture
def runner():
    r = Runner()
    yield r
    r.process.kill()
    r.process.communicate()


def test_a_precision_that_is_not_there_is_refused(runner, tmp_path):
    capabilities = runner.ok("hello", protocol=1, device="cpu", threads=1)["capabilities"]
    assert set(capabilities["precisions"]) == {"fp32", "tf32", "bf16", "fp16", "int8"}
    doc = {**plans.small("infer"), "precision": "fp8"}
    error = runner.ask("load", **plans.files(tmp_path, doc))["error"]
    assert error["code"] == "unsupported"
    assert error["message"].startswith("precision fp8: there are")
    assert "result" in runner.ask("load", **plans.files(tmp_path, plans.small("infer")))


ONLY_INFERS = """
import dataclasses
from dlbench_sdk import loading
reference = loading.load({path!r})
class OnlyInfers(reference.Reference):
    def open(self, device, threads):
        d = super().open(device, threads)
        return dataclasses.replace(d, no_training={{"bf16": "its steps fail"}})
def framework():
    return OnlyInfers()
"""


def test_a_precision_may_be_of_inference_only(tmp_path):
    adapter = tmp_path / "adapter.py"
    adapter.write_text(ONLY_INFERS.format(path=str(ADAPTER)))
    runner = Runner(adapter)
    try:
        said = runner.ok("hello", protocol=1, device="cpu", threads=1)["capabilities"]
        assert said["no_training"] == {"bf16": "its steps fail"}
        doc = {**plans.small("train"), "precision": "bf16"}
        error = runner.ask("load", **plans.files(tmp_path, doc))["error"]
        assert error == {"code": "unsupported", "message": "training in bf16: its steps fail"}
        for mode, precision in (("infer", "bf16"), ("train", "fp32")):
            doc = {**plans.small(mode), "precision": precision}
            runner.ok("load", **plans.files(tmp_path, doc))
            runner.ok("unload")
    finally:
        runner.process.kill()
        runner.process.communicate()


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


def of(kind: str):
    return types.SimpleNamespace(type=kind)


def test_precisions_are_the_devices():
    assert pytorch.precisions_of(None, of("cpu"))[0] == ("fp32", "bf16")
    assert pytorch.precisions_of(None, of("cpu"))[1]["tf32"] == "this CPU has none"
    newest = pytorch.precisions_of(fake_torch(), of("cuda"))
    assert newest == (("fp32", "tf32", "bf16", "fp16"), {})
    has, lacks = pytorch.precisions_of(fake_torch((7, 5)), of("cuda"))
    assert has == ("fp32", "fp16") and "sm_75" in lacks["tf32"] and "sm_75" in lacks["bf16"]


def test_bfloat16_is_of_cpus_that_have_it(monkeypatch, tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    of_device = tensorflow.precisions_of
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu avx2 avx512f\nflags : none\n")
    assert of_device("cpu", "")[0] == ("fp32", "bf16")
    assert "XLA" in of_device("cpu", "xla")[1]["bf16"]
    cpuinfo.write_text("flags\t\t: fpu avx2\n")
    assert of_device("cpu", "")[0] == ("fp32",) and "AVX-512" in of_device("cpu", "")[1]["bf16"]
    assert keras.precisions_of("cpu", "tensorflow")[0] == ("fp32",)
    assert keras.precisions_of("cpu", "jax")[0] == ("fp32", "bf16")
    assert set(keras.precisions_of("cpu", "torch")[1]) == {"tf32", "fp16"}
    assert "AVX-512" in mxnet.lacking("cpu", True)["bf16"]
    cpuinfo.write_text("flags\t\t: fpu avx512f\n")
    assert set(mxnet.lacking("cpu", True)) == {"tf32", "fp16"}
    assert "oneDNN" in mxnet.lacking("cpu", False)["bf16"]
    cpuinfo.unlink()
    assert processor.features() == frozenset()


def test_onnx_runtimes_float16_is_its_own_converters(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed here")
    ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed here")
    assert onnxruntime.precisions_of("cpu")[0][0] == "fp32"
    plan = plans.loaded(tmp_path, plans.small("infer"))
    model = onnxruntime.Writer(onnx, plan).model(list(plan.outputs))
    narrow = onnxruntime.in_float16(model)
    assert {i.data_type for i in narrow.graph.initializer} == {onnx.TensorProto.FLOAT16}
    # A provider that computes it in float32 shows the rounding of weights and activations.
    session = ort.InferenceSession(narrow.SerializeToString(), providers=["CPUExecutionProvider"])
    got = session.run(plan.outputs[:1], {plan.input: plan.inputs[0]})[0]
    want = adapters.network("reference", plan).outputs(0)[plan.outputs[0]]
    off = np.linalg.norm(got - want) / np.linalg.norm(want)
    assert got.dtype == np.float32 and 2.0**-11 / 64 < off < 2.0**-11 * 8


def test_what_paddle_gets_wrong_in_bfloat16_is_refused():
    def plan(precision, op, **attributes):
        node = types.SimpleNamespace(op=op, **attributes)
        return types.SimpleNamespace(precision=precision, nodes=[node])

    check = adapters.module("paddle", "network.py").check_narrow
    for op, dilations in (("PRelu", (1, 1)), ("ConvTranspose", (2, 2))):
        check(plan("fp32", op, dilations=dilations))
        with pytest.raises(Unsupported, match=f"{op} in bf16"):
            check(plan("bf16", op, dilations=dilations))
    check(plan("bf16", "ConvTranspose", dilations=(1, 1)))


def test_float32_multiplies_without_tf32():
    torch = fake_torch()
    for precision in ("tf32", "ieee"):
        pytorch.multiply_in(torch, precision)
        assert torch.backends.cuda.matmul.fp32_precision == precision
        assert torch.backends.cudnn.conv.fp32_precision == precision
        # PyTorch's own old getters raise if the two ways disagree.
        assert torch.backends.cuda.matmul.allow_tf32 == (precision == "tf32")
        assert torch.backends.cudnn.allow_tf32 == (precision == "tf32")


def test_a_block_has_the_devices_own_time():
    card = object.__new__(pytorch.OnCard)  # only its events are asked
    card.torch = fake_torch()
    assert isinstance(card, Timed) and not issubclass(pytorch.TorchNetwork, Timed)
    step, wait, clock = (lambda slot: slot), (lambda handle: None), time.monotonic_ns
    times, handle = loops.back_to_back(step, wait, clock, [0, 1], card)
    assert times["device_ns"] == 2_500_000 and handle == 1
    assert "device_ns" not in loops.back_to_back(step, wait, clock, [0])[0]


def test_variants_that_cannot_run_here(monkeypatch):
    with pytest.raises(Unsupported, match="of GPUs"):
        pytorch.check_variant("cudagraphs", of("cpu"))
    monkeypatch.setattr(pytorch, "compiler", lambda: None)
    with pytest.raises(Unsupported, match="needs a compiler"):
        pytorch.check_variant("compile", of("cpu"))
    pytorch.check_variant("eager", of("cpu"))


def test_noise_leaves_float32_what_frameworks_leave_float32(tmp_path):
    """In bf16 activations move by its roundoff, and a step's parameters by no more than their
    gradients do."""
    plan = plans.loaded(tmp_path, plans.small("train"))
    moved = {}
    for precision in ("", "fp32", "bf16"):
        network = adapters.network("reference", plan)
        network.set_noise(precision, 3)
        moved[precision] = network.outputs(0)["logits"], network.stored(np.ones(1000)) - 1
    near = [np.abs(moved[p][0] - moved[""][0]).max() for p in ("fp32", "bf16")]
    assert 0 < near[0] < 1e-5 < 1e-3 < near[1] < 0.5
    assert np.abs(moved["bf16"][1]).max() <= 2.0**-24 == pytest.approx(2.0**-24)
