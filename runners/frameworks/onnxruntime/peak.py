"""ONNX Runtime's matrix products: MLAS on CPUs, cuBLAS on GPUs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

THREADS, CARD = 1, False


def start(threads: int, device: str) -> str:
    global THREADS, CARD
    THREADS, CARD = threads, device != "cpu"
    if CARD and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()
    return f"{'cuBLAS' if CARD else 'MLAS'} of ONNX Runtime {ort.__version__}"


def product(precision: str, n: int) -> Callable[[int], None]:
    random = np.random.default_rng(1)
    if precision == "int8":
        left = random.integers(0, 255, (n, n), dtype=np.uint8)
        right = random.integers(-127, 127, (n, n), dtype=np.int8)
        return multiplied("MatMulInteger", TensorProto.INT32, left, right)
    if precision == "bf16":
        raise ValueError("this package (onnxruntime) has no product in bfloat16 here")
    a, b = (random.random((n, n), dtype=np.float32) for _ in range(2))
    if precision == "fp16":
        half = np.float16
        return multiplied("MatMul", TensorProto.FLOAT16, a.astype(half), b.astype(half))
    return multiplied("MatMul", TensorProto.FLOAT, a, b, precision == "tf32")


def multiplied(
    operator: str, kind: int, a: np.ndarray, b: np.ndarray, tf32: bool = False
) -> Callable[[int], None]:
    """The second matrix is a weight, as in a network, so that it may be packed before."""
    left = helper.np_dtype_to_tensor_dtype(a.dtype)
    graph = helper.make_graph(
        [helper.make_node(operator, ["a", "b"], ["c"])],
        "product",
        [helper.make_tensor_value_info("a", left, a.shape)],
        [helper.make_tensor_value_info("c", kind, (a.shape[0], b.shape[1]))],
        [numpy_helper.from_array(b, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    providers: list = ["CPUExecutionProvider"]
    if CARD:
        providers = [("CUDAExecutionProvider", {"use_tf32": "1" if tf32 else "0"})]
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=providers, enable_fallback=0
    )
    where = ("cuda", 0) if CARD else ("cpu", 0)
    binding = session.io_binding()
    binding.bind_ortvalue_input("a", ort.OrtValue.ortvalue_from_numpy(a, *where))
    binding.bind_output("c", *where)

    def run(count: int) -> None:
        for _ in range(count):
            session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    return run
