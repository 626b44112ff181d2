"""ONNX Runtime: the plan written as an ONNX model, inference only."""

from __future__ import annotations

import importlib
import os
import tempfile
from typing import Any

import numpy as np

from dlbench_sdk import cards, processor
from dlbench_sdk.contract import Description, Device, DeviceUnavailable, Framework, Network, Terms
from dlbench_sdk.onnx_model import Writer
from dlbench_sdk.plan import (
    INSTANCE_NORMALIZATION,
    LATER,
    OPERATORS,
    QUANTIZED,
    VOLUMES,
    Plan,
    Quantization,
    Unsupported,
)
from dlbench_sdk.threads import count

CUDA = "CUDAExecutionProvider"
# What multiplies whole numbers, as an optimised model calls it.
WHOLE_PRODUCTS = ("QLinearConv", "QLinearMatMul", "QGemm", "ConvInteger", "MatMulIntegerToFloat")


class OnnxRuntime(Framework):
    def open(self, device: str, threads: int) -> Description:
        import onnx
        import onnxruntime

        self.onnx, self.ort, self.threads, self.device = onnx, onnxruntime, threads, device
        if device != "cpu":
            if hasattr(onnxruntime, "preload_dlls"):
                onnxruntime.preload_dlls()  # CUDA's libraries from their Python packages
            if CUDA not in onnxruntime.get_available_providers():
                text = "this package (onnxruntime) computes on CPUs only"
                raise DeviceUnavailable(text)
            self.try_out()
        precisions, no_precision = precisions_of(device)
        return Description(
            framework="ONNX Runtime",
            version=onnxruntime.__version__,
            build={"providers": ", ".join(onnxruntime.get_available_providers())},
            operators=(*OPERATORS, *LATER, INSTANCE_NORMALIZATION, *VOLUMES, QUANTIZED),
            running_variance="unbiased",
            terms=terms_of(device, None),  # the pool is the session's
            modes=("infer",),
            device=Device("cpu" if device == "cpu" else "gpu", uuid=cards.uuid_of(device)),
            precisions=precisions,
            no_precision=no_precision,
        )

    def try_out(self) -> None:
        """The provider is listed without a card, too: put something on it."""
        number = int(self.device.partition(":")[2] or 0)
        try:
            self.ort.OrtValue.ortvalue_from_numpy(np.zeros(1, np.float32), "cuda", number)
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise DeviceUnavailable(f"ONNX Runtime cannot use GPU {number}: {reason}") from error

    def build(self, plan: Plan) -> Network:
        if plan.training:
            raise Unsupported("training: this package (onnxruntime) has inference only")
        return Session(self.ort, self.onnx, self.device, self.threads, plan)


def precisions_of(device: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those of the device, and why not the others."""
    if device == "cpu":
        reason = processor.no_whole_products()
        return ("fp32",) if reason else ("fp32", "int8"), {
            **({"int8": reason} if reason else {}),
            "tf32": cards.no_tf32(device),
            "bf16": "ONNX Runtime's provider for CPUs has no operators in bfloat16",
            # Without an error: between casts.
            "fp16": "ONNX Runtime's provider for CPUs computes float16 in float32",
        }
    reasons = {
        "bf16": "ONNX Runtime's converter of models makes float16, and no bfloat16",
        "int8": "this runner takes quantised graphs on CPUs only",
    }
    if reason := cards.no_tf32(device):
        reasons["tf32"] = reason
    return tuple(p for p in ("fp32", "tf32", "fp16") if p not in reasons), reasons


def in_float16(model: Any) -> Any:
    """A model as ONNX Runtime's own converter makes it of one in float32; inputs and outputs, and
    what its list says needs it, stay in float32."""
    convert = importlib.import_module("onnxruntime.transformers.float16")
    return convert.convert_float_to_float16(model, keep_io_types=True)


def whole_products(path: str, onnx: Any) -> int:
    """How many products of an optimised model multiply whole numbers."""
    model = onnx.load(path, load_external_data=False)
    return sum(node.op_type in WHOLE_PRODUCTS for node in model.graph.node)


def terms_of(
    device: str, threads: int | None, precision: str = "fp32", products: str = ""
) -> Terms:
    switches = {
        "graph_optimization": "all (batch norm folded into convolutions)",
        "inter_op_threads": "1",
        "execution_mode": "sequential",
    }
    if products:
        switches["products_in_int8"] = products
    if device == "cpu":
        return Terms(threads, "NCHW (blocked inside)", "graph", precision, switches)
    if precision == "fp16":
        switches["converter"] = "onnxruntime.transformers.float16"
        switches["weights"] = "cast once at load"
    switches |= {
        "tf32": "on" if precision == "tf32" else "off",
        "cudnn_conv_algo_search": "EXHAUSTIVE (default): in the first run",
        "io_binding": "inputs and outputs stay on the card",
    }
    return Terms(threads, "NCHW", "graph", precision, switches)


class Session(Network):
    def __init__(self, ort: Any, onnx: Any, device: str, threads: int, plan: Plan) -> None:
        self.ort, self.onnx, self.device, self.plan = ort, onnx, device, plan
        self.card = int(device.partition(":")[2] or 0)
        self.asked, self.products = threads, ""
        self.inputs = [{plan.input: np.ascontiguousarray(x)} for x in plan.inputs]
        before = count()
        if plan.quantization is None:
            self.session = self.session_of(list(plan.outputs))
        else:
            self.session = self.session_in_int8(list(plan.outputs), plan.quantization)
        # A session computes with its caller's thread and its pool's; CUDA has its own threads.
        self.threads = count() - before + 1 if device == "cpu" else None
        self.wanted = [plan.outputs[0]]
        self.bindings = None if device == "cpu" else [self.bound(x) for x in self.inputs]

    def terms(self) -> Terms:
        return terms_of(self.device, self.threads, self.plan.precision, self.products)

    def close(self) -> None:
        pass  # the session goes with it

    def bound(self, feed: dict[str, np.ndarray]) -> Any:
        """A slot's input on the card, and its output left there."""
        binding = self.session.io_binding()
        for name, x in feed.items():
            value = self.ort.OrtValue.ortvalue_from_numpy(x, "cuda", self.card)
            binding.bind_ortvalue_input(name, value)
        binding.bind_output(self.wanted[0], "cuda", self.card)
        return binding

    def session_in_int8(self, outputs: list[str], quantization: Quantization) -> Any:
        """One whose optimised model is looked at: a product that stayed between its edges would
        be computed in float32, without a word."""
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "optimised.onnx")
            session = self.session_of(outputs, path)
            there, wanted = whole_products(path, self.onnx), len(quantization.products)
        self.products = f"{there} of {wanted}"
        if there < wanted:
            raise Unsupported(
                f"precision int8: ONNX Runtime multiplies whole numbers in {self.products} products"
            )
        return session

    def session_of(self, outputs: list[str], optimised: str = "") -> Any:
        options = self.ort.SessionOptions()
        if optimised:
            options.optimized_model_filepath = optimised
            options.log_severity_level = 3  # it warns that such a model is of this CPU
        options.intra_op_num_threads = self.asked
        options.inter_op_num_threads = 1
        options.graph_optimization_level = self.ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        model = Writer(self.onnx, self.plan).model(outputs)
        if self.plan.precision == "fp16":
            model = in_float16(model)
        # A provider that fails would be replaced by the CPU's without a word.
        session = self.ort.InferenceSession(
            model.SerializeToString(), options, providers=self.providers(), enable_fallback=0
        )
        if self.device != "cpu" and session.get_providers()[0] != CUDA:
            raise DeviceUnavailable("ONNX Runtime fell back to the CPU: CUDA or cuDNN do not load")
        return session

    def providers(self) -> list[Any]:
        if self.device == "cpu":
            return ["CPUExecutionProvider"]
        settings = {"device_id": self.card, "use_tf32": int(self.plan.precision == "tf32")}
        return [(CUDA, settings), "CPUExecutionProvider"]

    def reset(self) -> None:
        pass  # weights are constants of the session

    def step(self, slot: int) -> Any:
        if self.bindings is None:
            return self.session.run(self.wanted, self.inputs[slot])[0]
        self.session.run_with_iobinding(self.bindings[slot])
        return self.bindings[slot].get_outputs()[0]

    def set_input(self, slot: int, values: np.ndarray) -> None:
        self.inputs[slot] = {self.plan.input: np.ascontiguousarray(values)}
        if self.bindings is not None:
            self.bindings[slot] = self.bound(self.inputs[slot])

    def wait(self, handle: Any) -> None:
        """Nothing to wait for: a run returns when its output is there, on a card too, where its
        end waits for the stream."""

    def read(self, handle: Any) -> np.ndarray:
        return handle if isinstance(handle, np.ndarray) else handle.numpy()

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        return dict(zip(self.plan.outputs, self.session.run(self.plan.outputs, self.inputs[slot])))

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        raise Unsupported("training: this package (onnxruntime) has inference only")

    def state(self) -> dict[str, np.ndarray]:
        return dict(self.plan.weights)

    def shapes(self) -> dict[str, list[int]]:
        """Of a session that gives every activation."""
        names = [node.output for node in self.plan.nodes]
        values = self.session_of(names).run(names, self.inputs[0])
        return {node.name: list(value.shape) for node, value in zip(self.plan.nodes, values)}


def framework() -> Framework:
    return OnnxRuntime()
