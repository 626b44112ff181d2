"""Bare loops from their file, for a process of their own (__main__) and for the runner's."""

from __future__ import annotations

import importlib.util
from typing import Any


class Refused(Exception):
    """What these loops cannot do, with the protocol's code for it."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class Loops:
    """The file has start(threads), which sets the framework up, and the class Workload, whose
    loop(iterations, slot) returns the edges of its time and the last output. With PRECISIONS it
    also knows GPUs: start takes the device then, and Workload the precision if there are some."""

    def __init__(self, path: str):
        spec = importlib.util.spec_from_file_location("dlbench_bare_loops", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path}: Python cannot import it")
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        self.precisions = getattr(self.module, "PRECISIONS", ("fp32",))

    def start(self, threads: int, device: str) -> dict:
        knows_cards = hasattr(self.module, "PRECISIONS")
        if device != "cpu" and not knows_cards:
            raise Refused("device_unavailable", "this bare loop is for CPUs")
        return self.module.start(threads, *([device] if knows_cards else []))

    def build(self, plan: dict) -> Any:
        """The workload of a plan, of which only its names are read: weights are the loop's own."""
        precision = plan["precision"]
        if precision not in self.precisions:
            text = f"precision {precision}: this bare loop has {', '.join(self.precisions)}"
            raise Refused("unsupported", text)
        extra = [precision] if len(self.precisions) > 1 else []
        network, mode = plan["network"]["name"], plan["mode"]
        return self.module.Workload(network, mode, plan["batch"], plan["classes"], *extra)
