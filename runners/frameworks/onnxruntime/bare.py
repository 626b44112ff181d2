"""ONNX Runtime with an ONNX model, and the loop of its documentation."""

from __future__ import annotations

import os
import time

import numpy as np
import onnxruntime

from dlbench_bare import onnx_networks


def start(threads: int) -> dict:
    return {"name": "ONNX Runtime", "version": onnxruntime.__version__}


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int):
        self.mode = mode
        model = onnx_networks.model(network, batch, classes)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("DLBENCH_THREADS", "1"))
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        shape = onnx_networks.shape_of(network, batch)
        self.inputs = [np.random.randn(*shape).astype(np.float32) for _ in range(2)]

    def loop(self, iterations: int, slot: int):
        session, inputs = self.session, self.inputs
        start = time.monotonic_ns()
        for i in range(iterations):
            output = session.run(None, {"x": inputs[(slot + i) % 2]})[0]
        return start, time.monotonic_ns(), output
