"""TensorFlow's matrix products: oneDNN and Eigen on CPUs, cuBLAS on GPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

DTYPES = {"bf16": tf.bfloat16, "fp16": tf.float16}


def start(threads: int, device: str) -> str:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    library = "oneDNN and Eigen" if device == "cpu" else "cuBLAS"
    return f"{library} of TensorFlow {tf.__version__}"


def product(precision: str, n: int) -> Callable[[int], None]:
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    if precision == "tf32" and not tf.config.list_physical_devices("GPU"):
        raise ValueError("tf32 is a precision of GPUs")
    if precision == "int8":
        a, b = (tf.cast(tf.random.uniform((n, n), -127, 127, tf.int32), tf.int8) for _ in range(2))
        return repeated(tf.function(lambda: tf.linalg.matmul(a, b, output_type=tf.int32)))
    dtype = DTYPES.get(precision, tf.float32)
    a, b = (tf.cast(tf.random.uniform((n, n)), dtype) for _ in range(2))
    return repeated(tf.function(lambda x, y: tf.linalg.matmul(x, y)), a, b)


def repeated(work: Callable[..., Any], *inputs: Any) -> Callable[[int], None]:
    def run(count: int) -> None:
        for _ in range(count):
            result = work(*inputs)
        tf.reshape(result, [-1])[0].numpy()  # when the last is complete

    return run
