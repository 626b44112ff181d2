"""OpenVINO with an ONNX model, and the loop of its documentation."""

from __future__ import annotations

import os
import time

import numpy as np
import openvino

from dlbench_bare import onnx_networks


def start(threads: int) -> dict:
    return {"name": "OpenVINO", "version": openvino.get_version().partition("-")[0]}


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int):
        self.mode = mode
        core = openvino.Core()
        model = core.read_model(onnx_networks.model(network, batch, classes).SerializeToString())
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": int(os.environ.get("DLBENCH_THREADS", "1")),
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self.model = core.compile_model(model, "CPU", config)
        shape = onnx_networks.shape_of(network, batch)
        self.inputs = [np.random.randn(*shape).astype(np.float32) for _ in range(2)]
        self.requests = []
        for x in self.inputs:
            request = self.model.create_infer_request()
            request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
            self.requests.append(request)

    def loop(self, iterations: int, slot: int):
        requests = self.requests
        start = time.monotonic_ns()
        for i in range(iterations):
            output = requests[(slot + i) % 2].infer(share_outputs=True)[0]
        return start, time.monotonic_ns(), output
