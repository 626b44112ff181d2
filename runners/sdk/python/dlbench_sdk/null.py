"""python3 -m dlbench_sdk.null: a runner without a framework, by which the harness measures
itself. An iteration waits for DLBENCH_NULL_NS nanoseconds on a CPU, and computes nothing."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from .adapter import Adapter, Description, Terms
from .plan import OPERATORS, Plan, Unsupported
from .server import Server, stop_on_sigterm


class Null(Adapter):
    def open(self, device: str, threads: int) -> Description:
        self.threads = threads
        self.length = int(os.environ.get("DLBENCH_NULL_NS", "0"))
        return Description("null", "1", {}, OPERATORS, "biased")

    def terms(self) -> Terms:
        switches = {"iteration_ns": str(self.length)}
        return Terms(self.threads, "none", "busy waiting", "fp32", switches)

    def load(self, plan: Plan) -> None:
        pass

    def unload(self) -> None:
        pass

    def step(self, slot: int):
        end = time.monotonic_ns() + self.length
        while time.monotonic_ns() < end:
            pass

    def synchronize(self, handle) -> None:
        pass

    def read(self, handle) -> np.ndarray:
        return np.zeros(1, np.float32)

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        raise Unsupported("the null runner computes nothing that could be verified")

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        raise Unsupported("the null runner computes nothing that could be verified")

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def reset(self) -> None:
        pass


def main() -> int:
    stop_on_sigterm()
    return Server("null", Null, [__file__]).serve(sys.stdin)


if __name__ == "__main__":
    sys.exit(main())
