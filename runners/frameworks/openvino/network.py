"""A plan as OpenVINO computes it: a compiled model, and a request for each of the batches."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from dlbench_sdk.contract import Network, Terms
from dlbench_sdk.plan import Plan, Quantization, Unsupported

from .operators import Operators

# By variant: one inference on all threads, or as many at a time as OpenVINO finds best.
HINTS = {"latency": "LATENCY", "throughput": "THROUGHPUT"}
NO_TRAINING = "training: OpenVINO has inference only"
TYPES = {"fp32": "f32", "bf16": "bf16"}
WHOLE = ("i8", "u8")
PRECISIONS = {name: precision for precision, name in TYPES.items()}
# What a compiled model is asked for, and what it is called among the switches.
TOLD = {
    "PERFORMANCE_HINT": "performance_hint",
    "NUM_STREAMS": "streams",
    "ENABLE_CPU_PINNING": "cpu_pinning",
    "ENABLE_HYPER_THREADING": "hyper_threading",
    "CPU_DENORMALS_OPTIMIZATION": "denormals_flushed",
}

# What multiplies, as a compiled model calls its layers.
PRODUCTS = ("Convolution", "Deconvolution", "FullyConnected", "MatMul")


# And as plans call it.
OF_PLANS = ("Conv", "ConvTranspose", "Gemm")


def executed(model: Any) -> list[str]:
    """The types in which a compiled model's products compute."""
    layers = [op.get_rt_info() for op in model.get_runtime_model().get_ops()]
    products = [layer for layer in layers if layer["layerType"].astype(str) in PRODUCTS]
    return [layer["runtimePrecision"].astype(str) for layer in products]


def check_precision(model: Any, plan: Plan) -> None:
    """Refuse a model that was asked for a precision and computes in another one: the hint is one,
    and may be left aside; and so may a quantised graph. Products inside of a Subgraph, which some
    dense layers become, are not told."""
    types, precision = executed(model), plan.precision
    if plan.quantization is not None:
        whole = sum(map(types.count, WHOLE))
        floating = sum(node.op in OF_PLANS for node in plan.nodes) - len(plan.quantization.products)
        if len(types) - whole > floating or whole == 0:
            text = f"multiplies whole numbers in {whole} of {len(types)} products"
            raise Unsupported(f"precision int8: OpenVINO {text}")
        return
    if precision != "fp32" and types and TYPES[precision] not in types:
        there = ", ".join(sorted(set(types)))
        raise Unsupported(f"precision {precision}: OpenVINO compiled all products to {there}")


def terms_of(model: Any, variant: str, quantization: Quantization | None = None) -> Terms:
    """As the compiled model tells them; before there is one, nobody knows threads and streams."""
    execution = "graph" if variant == "latency" else "graph, requests in flight"
    switches = {"batch_norm": "folded into convolutions", "inputs": "bound to their requests"}
    if model is None:
        switches["performance_hint"] = HINTS[variant]
        return Terms(None, "NCHW (OpenVINO's own inside)", execution, "fp32", switches)
    switches |= {name: str(model.get_property(key)) for key, name in TOLD.items()}
    kind = model.get_property("INFERENCE_PRECISION_HINT").to_string()
    if kind != TYPES["fp32"]:
        types = executed(model)
        switches[f"products_in_{kind}"] = f"{types.count(kind)} of {len(types)}"
    precision = PRECISIONS.get(kind, kind)
    if quantization is not None:
        precision, types = "int8", executed(model)
        whole, wanted = sum(map(types.count, WHOLE)), len(quantization.products)
        switches["products_in_int8"] = f"{whole} of {wanted}"
        if whole < wanted:
            switches["products_in_int8"] += ", the others in subgraphs"
    threads = model.get_property("INFERENCE_NUM_THREADS")
    layout = "NCHW (OpenVINO's own inside)"
    return Terms(threads, layout, execution, precision, switches)


class Compiled(Network):
    """One inference at a time, on all threads."""

    variant = "latency"

    def __init__(self, ov: Any, onnx: Any, core: Any, threads: int, plan: Plan) -> None:
        self.ov, self.onnx, self.core, self.plan = ov, onnx, core, plan
        settings = {
            "PERFORMANCE_HINT": HINTS[self.variant],
            # Else bfloat16, wherever the CPU has it.
            "INFERENCE_PRECISION_HINT": TYPES.get(plan.precision, TYPES["fp32"]),
            # Else one thread of a core computes, however many threads were asked for.
            "ENABLE_HYPER_THREADING": True,
        }
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        model = self.model_of(list(plan.outputs))
        self.model = core.compile_model(model, "CPU", settings)
        check_precision(self.model, plan)
        # Tensors share these arrays' memory, and requests do not keep them.
        self.inputs = [np.require(x, requirements=["C", "W"]) for x in plan.inputs]
        self.requests = [self.request(x) for x in self.inputs]

    def model_of(self, outputs: list[str]) -> Any:
        model = Operators(self.onnx, self.plan).model(outputs)
        return self.core.read_model(model.SerializeToString())

    def request(self, x: np.ndarray) -> Any:
        """One whose input is there already."""
        request = self.model.create_infer_request()
        request.set_input_tensor(self.ov.Tensor(x, shared_memory=True))
        return request

    def terms(self) -> Terms:
        return terms_of(self.model, self.variant, self.plan.quantization)

    def close(self) -> None:
        pass  # the model goes with it

    def reset(self) -> None:
        pass  # weights are constants of the model

    def step(self, slot: int) -> Any:
        request = self.requests[slot]
        request.infer(share_outputs=True)
        return request

    def set_input(self, slot: int, values: np.ndarray) -> None:
        self.wait(None)  # requests read this memory
        self.inputs[slot][...] = values

    def wait(self, handle: Any) -> None:
        """Nothing to wait for: an inference returns when its output is there."""

    def read(self, handle: Any) -> np.ndarray:
        return np.array(handle.get_output_tensor(0).data)

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        request = self.step(slot)
        self.wait(request)
        found = (request.get_output_tensor(i).data for i in range(len(self.plan.outputs)))
        return {name: np.array(value) for name, value in zip(self.plan.outputs, found)}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        raise Unsupported(NO_TRAINING)

    def state(self) -> dict[str, np.ndarray]:
        return dict(self.plan.weights)

    def shapes(self) -> dict[str, list[int]]:
        """As OpenVINO infers them, of a model that gives every activation."""
        model = self.model_of([node.output for node in self.plan.nodes])
        return {
            node.name: [int(size) for size in output.shape]
            for node, output in zip(self.plan.nodes, model.outputs)
        }


class Queued(Compiled):
    """As many inferences at a time as OpenVINO wants, by its asynchronous requests."""

    variant = "throughput"

    def __init__(self, ov: Any, onnx: Any, core: Any, threads: int, plan: Plan) -> None:
        super().__init__(ov, onnx, core, threads, plan)
        wanted = self.model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        slots = [[self.request(x) for _ in range(wanted)] for x in self.inputs]
        self.requests = [request for slot in slots for request in slot]
        self.turns = [itertools.cycle(slot) for slot in slots]

    def step(self, slot: int) -> Any:
        request = next(self.turns[slot])
        request.wait()  # for its turn before
        request.start_async()
        return request

    def wait(self, handle: Any) -> None:
        for request in self.requests:
            request.wait()
