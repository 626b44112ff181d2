"""python3 -m dlbench_sdk.null: a runner without a framework, by which the harness measures
itself. An iteration waits for DLBENCH_NULL_NS nanoseconds on a CPU, and computes nothing."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np

from .contract import Description, Framework, Network, Terms
from .plan import LATER, MEDICAL, OPERATORS, Plan, Unsupported
from .server import Server, leave, stop_on_sigterm


class Null(Framework):
    def open(self, device: str, threads: int) -> Description:
        self.length = int(os.environ.get("DLBENCH_NULL_NS", "0"))
        every = (*OPERATORS, *LATER, *MEDICAL)
        return Description("null", "1", {}, every, "biased", waiting(self.length))

    def build(self, plan: Plan) -> Network:
        return Waiting(self.length)


def waiting(length: int) -> Terms:
    switches = {"iteration_ns": str(length)}
    return Terms(1, "none", "busy waiting", "fp32", switches)


class Waiting(Network):
    def __init__(self, length: int) -> None:
        self.length = length

    def step(self, slot: int) -> None:
        end = time.monotonic_ns() + self.length
        while time.monotonic_ns() < end:
            pass

    def wait(self, handle: Any) -> None:
        pass

    def read(self, handle: Any) -> np.ndarray:
        return np.zeros(1, np.float32)

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        raise Unsupported("the null runner computes nothing that could be verified")

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        raise Unsupported("the null runner computes nothing that could be verified")

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def shapes(self) -> dict[str, list[int]]:
        return {}

    def reset(self) -> None:
        pass

    def terms(self) -> Terms:
        return waiting(self.length)

    def close(self) -> None:
        pass


def main() -> int:
    stop_on_sigterm()
    return Server("null", Null, [__file__]).serve(sys.stdin)


if __name__ == "__main__":
    leave(main())
