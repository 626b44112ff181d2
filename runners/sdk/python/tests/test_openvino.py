"""What OpenVINO is given in other words, and what it is asked for: without it by a stand-in, and
where it is installed by itself, against the reference."""

from __future__ import annotations

import types
from dataclasses import replace

import adapters
import numpy as np
import plans
import pytest

from dlbench_sdk import processor
from dlbench_sdk.plan import Unsupported

openvino = adapters.module("openvino")
network = adapters.module("openvino", "network.py")


def pooled(directory):
    """An LRN and an average pool of which OpenVINO would compute something else."""
    window = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    nodes = [
        plans.node("lrn", "LRN", ["input"], (2, 4, 6, 6), alpha=0.5, beta=0.75, bias=1.5, size=3),
        plans.node(
            "op", "AveragePool", ["lrn"], (2, 4, 4, 4), ceil_mode=1, count_include_pad=1, **window
        ),
        plans.node("flat", "Flatten", ["op"], (2, 64), axis=1),
        plans.node("logits", "Gemm", ["flat", "w"], (2, 4), **plans.GEMM),
    ]
    weights = [plans.parameter("w", 4, 64)]
    return plans.loaded(directory, plans.document(nodes, weights, "infer", (2, 4, 6, 6)))


def test_same_as_the_reference(tmp_path):
    pytest.importorskip("openvino", reason="OpenVINO is not installed here")
    plan = pooled(tmp_path)
    want = adapters.network("reference", plan)
    got = adapters.network("openvino", plan, 2)
    for slot in range(plan.slots):
        for name, value in want.outputs(slot).items():
            np.testing.assert_allclose(got.outputs(slot)[name], value, rtol=2e-5, atol=2e-6)


class Helper:
    """ONNX's helpers, as far as a node is made."""

    def make_node(self, op, inputs, outputs, name="", **attributes):
        return types.SimpleNamespace(op=op, inputs=inputs, outputs=outputs, attributes=attributes)


def written(plan, node):
    stored = {}
    onnx = types.SimpleNamespace(
        helper=Helper(),
        numpy_helper=types.SimpleNamespace(from_array=lambda v, name: stored.update({name: v})),
    )
    return network.Operators(onnx, plan).operators(node), stored


def test_what_it_would_cut_is_scaled(tmp_path):
    plan = pooled(tmp_path)
    lrn = plan.nodes[0]
    (normal, scale), stored = written(plan, lrn)
    assert normal.attributes["bias"] == 1.0 and normal.attributes["alpha"] == 0.5 / 1.5
    assert scale.op == "Mul" and scale.inputs[0] == normal.outputs[0]
    assert scale.outputs == ["lrn"] and stored[scale.inputs[1]] == np.float32(1.5**-0.75)
    integer = replace(lrn, attributes={**lrn.attributes, "bias": 2.0})
    assert [made.attributes["bias"] for made in written(plan, integer)[0]] == [2.0]


def test_what_it_would_count_is_padded(tmp_path):
    plan = pooled(tmp_path)
    pool = plan.nodes[1]
    (pad, average), stored = written(plan, pool)
    assert pad.op == "Pad" and list(stored[pad.inputs[1]]) == [0, 0, 1, 1, 0, 0, 1, 1]
    assert average.inputs == pad.outputs and average.outputs == ["op"]
    assert average.attributes["pads"] == [0] * 4 and average.attributes["count_include_pad"] == 0
    for attribute in ("ceil_mode", "count_include_pad"):
        other = replace(pool, attributes={**pool.attributes, attribute: 0})
        assert len(written(plan, other)[0]) == 1
    volume = {"kernel_shape": [3, 3, 2], "strides": [2, 2, 2], "pads": [1, 0, 1, 0, 1, 0]}
    of_volume = replace(pool, shape=(2, 4, 3, 3, 3), attributes={**pool.attributes, **volume})
    (pad, average), stored = written(plan, of_volume)
    assert list(stored[pad.inputs[1]]) == [0, 0, 1, 0, 1, 0, 0, 0, 1, 0]
    assert average.attributes["pads"] == [0] * 6


def test_bfloat16_only_if_the_cpu_has_it(monkeypatch):
    monkeypatch.setattr(processor, "no_whole_products", lambda: "")
    assert openvino.precisions_of(["FP32", "BF16"])[0] == ("fp32", "bf16", "int8")
    has, lacks = openvino.precisions_of(["FP32", "INT8"])
    assert has == ("fp32", "int8") and "simulate" in lacks["bf16"]
    monkeypatch.setattr(processor, "no_whole_products", lambda: "this CPU has no VNNI")
    assert openvino.precisions_of(["FP32"])[1]["int8"] == "this CPU has no VNNI"


class Told(str):
    def astype(self, kind):
        return kind(self)


def layer(kind, precision):
    info = {"layerType": Told(kind), "runtimePrecision": Told(precision)}
    return types.SimpleNamespace(get_rt_info=lambda: info)


class Core:
    """An OpenVINO that has fewer threads than it is asked for, and says so. It may leave the hint
    aside, without a word."""

    def __init__(self, obeys=True):
        self.obeys = obeys

    def read_model(self, data):
        return data

    def compile_model(self, model, device, settings):
        self.settings = settings
        kind = settings["INFERENCE_PRECISION_HINT"]
        layers = [
            layer("Input", "f32"),
            layer("Convolution", kind if self.obeys else "f32"),
            layer("Pooling", kind),
            layer("FullyConnected", "f32"),
        ]
        told = {
            "INFERENCE_NUM_THREADS": 3,
            "INFERENCE_PRECISION_HINT": types.SimpleNamespace(to_string=lambda: kind),
            "OPTIMAL_NUMBER_OF_INFER_REQUESTS": 2,
        }
        return types.SimpleNamespace(
            get_property=lambda key: told.get(key, "told"),
            create_infer_request=Request,
            get_runtime_model=lambda: types.SimpleNamespace(get_ops=lambda: layers),
        )


class Request:
    running = 0

    def set_input_tensor(self, tensor):
        self.tensor = tensor

    def start_async(self):
        assert not self.running
        self.running = 1

    def wait(self):
        self.running = 0


@pytest.mark.parametrize(("kind", "hint"), [("Compiled", "LATENCY"), ("Queued", "THROUGHPUT")])
@pytest.mark.parametrize(("precision", "asked"), [("fp32", "f32"), ("bf16", "bf16")])
def test_it_is_told_the_precision_and_tells_its_threads(
    tmp_path, monkeypatch, kind, hint, precision, asked
):
    made = types.SimpleNamespace(SerializeToString=lambda: b"")
    monkeypatch.setattr(network.Operators, "model", lambda writer, outputs: made)
    core, ov = Core(), types.SimpleNamespace(Tensor=lambda x, shared_memory: x)
    plan = replace(plans.loaded(tmp_path, plans.small("infer")), precision=precision)
    compiled = getattr(network, kind)(ov, None, core, 8, plan)
    assert core.settings["PERFORMANCE_HINT"] == hint
    assert core.settings["INFERENCE_PRECISION_HINT"] == asked  # else what the CPU is fastest in
    assert core.settings["INFERENCE_NUM_THREADS"] == 8
    assert compiled.terms().threads == 3 and compiled.terms().precision == precision
    narrow = compiled.terms().switches.get("products_in_bf16")
    assert narrow == {"fp32": None, "bf16": "1 of 2"}[precision]
    # A request has the memory of an array that is kept.
    for request in compiled.requests:
        assert any(request.tensor is kept for kept in compiled.inputs)


def test_a_hint_that_is_left_aside_is_refused(tmp_path, monkeypatch):
    made = types.SimpleNamespace(SerializeToString=lambda: b"")
    monkeypatch.setattr(network.Operators, "model", lambda writer, outputs: made)
    plan = replace(plans.loaded(tmp_path, plans.small("infer")), precision="bf16")
    ov = types.SimpleNamespace(Tensor=lambda x, shared_memory: x)
    with pytest.raises(Unsupported, match="compiled all products to f32"):
        network.Compiled(ov, None, Core(obeys=False), 1, plan)


def test_requests_in_flight_take_turns(tmp_path, monkeypatch):
    made = types.SimpleNamespace(SerializeToString=lambda: b"")
    monkeypatch.setattr(network.Operators, "model", lambda writer, outputs: made)
    ov = types.SimpleNamespace(Tensor=lambda x, shared_memory: x)
    plan = plans.loaded(tmp_path, plans.small("infer"))
    queued = network.Queued(ov, None, Core(), 2, plan)
    issued = [queued.step(slot) for slot in (0, 1, 0, 1, 0)]
    assert issued[0] is issued[4] and len({id(request) for request in issued}) == 4
    for slot, request in zip((0, 1, 0, 1), issued):
        np.testing.assert_array_equal(request.tensor, plan.inputs[slot])
    queued.wait(issued[-1])
    assert not any(request.running for request in queued.requests)
