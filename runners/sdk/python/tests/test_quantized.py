"""Plans in int8: what is rounded how, and that runtimes compute the same whole numbers."""

from __future__ import annotations

import types

import adapters
import numpy as np
import plans
import pytest

from dlbench_sdk import processor, quantized
from dlbench_sdk.plan import QUANTIZED, Scale, Unsupported

reference = adapters.module("reference", "quantized.py")
onnxruntime = adapters.module("onnxruntime")
openvino = adapters.module("openvino", "network.py")


def whole():
    """A convolution, a residual sum, a pool, a gate in float and two dense layers."""
    image = (2, 4, 6, 5)
    doc = plans.document(
        [
            plans.node("conv", "Conv", ["input", "w", "b"], image, group=1, **plans.CONV),
            plans.node("relu", "Relu", ["conv"], image),
            plans.node("branch", "Conv", ["relu", "v"], image, group=1, **plans.CONV),
            plans.node("sum", "Add", ["branch", "relu"], image),
            plans.node("rectified", "Relu", ["sum"], image),
            plans.node(
                "op",
                "MaxPool",
                ["rectified"],
                (2, 4, 2, 2),
                dilations=[1, 1],
                ceil_mode=0,
                **plans.POOL,
            ),
            plans.node("flat", "Flatten", ["op"], (2, 16), axis=1),
            plans.node("hidden", "Gemm", ["flat", "hw", "hb"], (2, 8), **plans.GEMM),
            plans.node("gate", "HardSwish", ["hidden"], (2, 8)),
            plans.node("logits", "Gemm", ["gate", "fw"], (2, 4), **plans.GEMM),
        ],
        [
            plans.parameter("w", 4, 3, 3, 3),
            plans.parameter("b", 4),
            plans.parameter("v", 4, 4, 3, 3),
            plans.parameter("hw", 8, 16),
            plans.parameter("hb", 8),
            plans.parameter("fw", 4, 8),
        ],
        "infer",
    )
    scales = {
        "input": (0.03125, 128),
        "relu": (0.03125, 0),
        "branch": (0.0625, 128),
        "rectified": (0.0625, 0),
        "op": (0.0625, 0),
        "flat": (0.0625, 0),
        "hidden": (0.125, 128),
        "gate": (0.0625, 128),
    }
    doc["precision"] = "int8"
    doc["quantization"] = {
        "activations": [
            {"name": name, "scale": scale, "zero_point": zero}
            for name, (scale, zero) in scales.items()
        ],
        "products": ["conv", "branch", "hidden", "logits"],
        "folded": [],
    }
    return doc


@pytest.fixture
def plan(tmp_path):
    return plans.loaded(tmp_path, whole())


def test_weights_have_a_power_of_two_for_each_output_channel():
    w = np.array([[127, -1.5, 2.5], [128, 3, -3], [0, 0, 0], [0.25, 0.5, -0.1]], np.float32)
    whole, scales = quantized.weights(w)
    assert scales.tolist() == [1, 2, 2, 2**-7] and whole.dtype == np.int8
    # Halves go to the even neighbour, and a channel without weights has the largest scale.
    assert whole.tolist() == [[127, -2, 2], [64, 2, -2], [0, 0, 0], [32, 64, -13]]
    assert quantized.weights(np.zeros((2, 3), np.float32))[1].tolist() == [1, 1]


def test_biases_have_the_scale_of_the_sums():
    b = np.array([0.75, -2.5, 1e30], np.float32)
    assert quantized.bias(b, np.array([0.5, 1, 1])).tolist() == [2, -2, 2**31 - 1]


def test_the_reference_says_the_same_in_its_own_words(plan):
    of = reference.parameters(plan)
    for node in plan.nodes:
        if node.name not in plan.quantization.products:
            continue
        whole, scales = quantized.weights(plan.weights[node.params[0]])
        shaped = scales.reshape(-1, *[1] * (whole.ndim - 1)).astype(np.float64)
        np.testing.assert_array_equal(of[node.params[0]], whole * shaped)
        for name in node.params[1:]:
            sums = scales * np.float32(plan.quantization.activations[node.data[0]].scale)
            want = quantized.bias(plan.weights[name], sums) * sums.astype(np.float64)
            np.testing.assert_array_equal(of[name], want)


def test_activations_go_to_the_nearest_step_and_saturate():
    x = np.array([-99, -0.25, 0.25, 0.75, 1.25, 63.5, 127.4, 200], np.float64)
    unsigned = reference.whole(x, Scale(0.5, 0))
    assert unsigned.tolist() == [0, 0, 0, 1, 1, 63.5, 127.5, 127.5]
    signed = reference.whole(x, Scale(0.5, 128))
    assert signed.tolist() == [-64, 0, 0, 1, 1, 63.5, 63.5, 63.5]


def test_only_what_computes_in_float_has_noise(plan):
    network = adapters.network("reference", plan)
    exact = network.outputs(0)["logits"]
    network.set_noise("int8", 1, 2.0**20)
    assert np.any(network.outputs(0)["logits"] != exact)
    network.plan.quantization.activations.pop("gate")  # and nothing behind it
    inexact = {n.name for n in plan.nodes if not reference.exact(n, plan)}
    assert inexact == {"gate"}


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_runtimes_compute_the_same_whole_numbers(plan, name):
    pytest.importorskip(name, reason=f"{name} is not installed here")
    pytest.importorskip("onnx", reason="onnx is not installed here")
    if reason := processor.no_whole_products():
        pytest.skip(reason)
    want, got = adapters.network("reference", plan), adapters.network(name, plan, 2)
    for slot in range(plan.slots):
        for output, value in want.outputs(slot).items():
            np.testing.assert_allclose(got.outputs(slot)[output], value, rtol=1e-6, atol=1e-6)
    terms = got.terms()
    assert terms.precision == "int8" and " of 4" in terms.switches["products_in_int8"]


def test_a_branch_is_rounded_before_it_is_added(plan):
    """OpenVINO leaves it out, if nothing stands between."""
    made = {}
    onnx = types.SimpleNamespace(
        helper=types.SimpleNamespace(
            make_node=lambda op, inputs, outputs, *_, **__: made.update({outputs[0]: (op, inputs)})
        ),
        numpy_helper=types.SimpleNamespace(from_array=lambda value, name: name),
    )
    operators = adapters.module("openvino", "operators.py")
    operators.RoundedEdges(onnx, plan, plan.quantization).nodes(lambda node: [])
    assert made["branch:same"] == ("LeakyRelu", ["branch:float"])
    assert made["branch:uint8"][1][0] == "branch:same"
    assert made["hidden:uint8"][1][0] == "hidden:float"


def test_products_that_stay_in_float_are_refused(plan, monkeypatch):
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed here")
    monkeypatch.setattr(onnxruntime, "WHOLE_PRODUCTS", ("QGemm",))
    opened = onnxruntime.framework()
    opened.open("cpu", 1)
    with pytest.raises(Unsupported, match="whole numbers in 2 of 4 products"):
        opened.build(plan)


def test_a_runtime_is_asked_what_it_multiplies(plan, monkeypatch):
    for kinds in (["u8", "i8", "f32", "i8"], ["f32"], []):
        monkeypatch.setattr(openvino, "executed", lambda model, kinds=kinds: kinds)
        with pytest.raises(Unsupported, match=f"of {len(kinds)} products"):
            openvino.check_precision(None, plan)
    for kinds in (["u8", "i8", "u8", "i8"], ["u8", "u8"]):  # or some in subgraphs
        monkeypatch.setattr(openvino, "executed", lambda model, kinds=kinds: kinds)
        openvino.check_precision(None, plan)


def test_whole_products_are_of_cpus_that_add_them_exactly(monkeypatch, tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
    cpuinfo.write_text("flags\t\t: fpu avx2 avx512f\n")
    assert "VNNI" in processor.no_whole_products()
    assert onnxruntime.precisions_of("cpu")[0] == ("fp32",)
    for flag in ("avx_vnni", "avx512_vnni"):
        cpuinfo.write_text(f"flags\t\t: fpu {flag}\n")
        assert processor.no_whole_products() == ""
    assert onnxruntime.precisions_of("cpu")[0] == ("fp32", "int8")
    monkeypatch.setattr(processor.platform, "machine", lambda: "aarch64")
    cpuinfo.write_text("Features\t: asimddp\n")
    assert processor.no_whole_products() == ""


def test_a_quantised_plan_says_what_it_needs():
    for name in ("reference", "onnxruntime", "openvino"):
        manifest = (adapters.FRAMEWORKS / name / "runner.json").read_text()
        assert f'"{QUANTIZED}"' in manifest
