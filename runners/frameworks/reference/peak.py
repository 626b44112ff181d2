"""The matrix product of numpy's BLAS, in float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def start(threads: int, device: str) -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    name = {"scipy-openblas": "OpenBLAS"}.get(blas["name"], blas["name"])
    return f"{name} {blas['version']} of numpy {np.__version__}"


def product(precision: str, n: int) -> Callable[[int], None]:
    if precision != "fp32":
        raise ValueError("numpy's BLAS has products of float32 and float64 only")
    random = np.random.default_rng(1)
    a, b = (random.random((n, n), dtype=np.float32) for _ in range(2))
    c = np.empty_like(a)

    def run(count: int) -> None:
        for _ in range(count):
            np.matmul(a, b, out=c)

    return run
