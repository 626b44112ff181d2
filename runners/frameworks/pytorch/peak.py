"""PyTorch's matrix products: MKL and oneDNN on CPUs, cuBLAS on GPUs."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
DEVICE = torch.device("cpu")


def start(threads: int, device: str) -> dict[str, str]:
    global DEVICE
    torch.set_num_threads(threads)
    DEVICE = torch.device(device.replace("gpu", "cuda"))
    of = f"of PyTorch {torch.__version__}"
    if DEVICE.type == "cuda":
        return dict.fromkeys(("fp32", "tf32", "bf16", "fp16", "int8"), f"cuBLAS {of}")
    built = torch.__config__.show()
    mkl = re.search(r"Math Kernel Library Version ([\d.]+)", built)
    dnn = re.search(r"MKL-DNN v([\d.]+)", built)
    blas = re.search(r"BLAS_INFO=(\w+)", built)
    float32 = f"MKL {mkl[1]}" if mkl else blas[1] if blas else "the BLAS"
    low = f"oneDNN {dnn[1]}" if dnn else "the kernels"
    return {"fp32": f"{float32} {of}"} | dict.fromkeys(("bf16", "fp16", "int8"), f"{low} {of}")


def product(precision: str, n: int) -> Callable[[int], None]:
    if precision == "tf32" and DEVICE.type != "cuda":
        raise ValueError("tf32 is a precision of GPUs")
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    if precision == "int8":
        a, b = (torch.randint(-127, 127, (n, n), dtype=torch.int8, device=DEVICE) for _ in range(2))
        if DEVICE.type == "cuda":
            b = b.t()  # cuBLAS has its fast kernels of int8 where that one lies by columns
        return repeated(lambda: torch._int_mm(a, b))
    dtype = DTYPES.get(precision, torch.float32)
    a, b = (torch.rand(n, n, device=DEVICE).to(dtype) for _ in range(2))
    c = torch.empty_like(a)
    return repeated(lambda: torch.mm(a, b, out=c))


def triad(size: int) -> tuple[Callable[[int], None], int]:
    a, b, c = (torch.ones(size // 4, device=DEVICE) for _ in range(3))
    return repeated(lambda: torch.add(b, c, alpha=3.0, out=a)), 3 * size


def repeated(work: Callable[[], object]) -> Callable[[int], None]:
    def run(count: int) -> None:
        for _ in range(count):
            work()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()

    return run
