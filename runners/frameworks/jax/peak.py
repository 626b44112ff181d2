"""JAX's matrix products: those that XLA compiles or calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

DTYPES = {"bf16": jnp.bfloat16, "fp16": jnp.float16, "int8": jnp.int8}


def start(threads: int, device: str) -> str:
    return f"XLA of JAX {jax.__version__}"


def product(precision: str, n: int) -> Callable[[int], None]:
    if precision == "tf32" and jax.devices()[0].platform == "cpu":
        raise ValueError("tf32 is a precision of GPUs")
    a, b = (jax.random.uniform(jax.random.PRNGKey(i), (n, n)) for i in range(2))
    kind = None
    if precision == "int8":
        a, b, kind = 100 * a, 100 * b, jnp.int32
    a, b = (x.astype(DTYPES.get(precision, jnp.float32)) for x in (a, b))
    exact = "tensorfloat32" if precision == "tf32" else "highest" if precision == "fp32" else None
    multiply = jax.jit(lambda x, y: jnp.matmul(x, y, precision=exact, preferred_element_type=kind))
    return repeated(multiply, a, b)


def triad(size: int) -> tuple[Callable[[int], None], int]:
    b, c = (jnp.ones(size // 4, jnp.float32) for _ in range(2))
    return repeated(jax.jit(lambda x, y: x + 3.0 * y), b, c), 3 * size


def repeated(work: Callable[..., Any], *inputs: Any) -> Callable[[int], None]:
    def run(count: int) -> None:
        for _ in range(count):
            result = work(*inputs)
        result.block_until_ready()

    return run
