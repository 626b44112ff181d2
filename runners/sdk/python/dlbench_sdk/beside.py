"""The framework's bare loop in the runner's own process: what `bare` builds and `alternate` times
against the runner. Campaigns never ask for it."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable
from typing import Any

from . import alternation, loops
from .contract import DeviceUnavailable, Network
from .counters import Counters
from .plan import Plan, Unsupported

FILE = "bare.py"  # beside the adapter's


class Beside:
    """At most one workload of the bare loop, with weights, inputs and memory of its own."""

    def __init__(self, adapter: str, device: str, threads: int) -> None:
        self.path = os.path.join(os.path.dirname(os.path.abspath(adapter)), FILE)
        self.device, self.threads = device, threads
        self.loops: Any = None
        self.workload: Any = None

    def build(self, plan: str) -> float:
        """Import the loop and build its workload of a plan's file; seconds of the latter."""
        if not os.path.isfile(self.path):
            raise Unsupported(f"there is no bare loop: no file {self.path}")
        from dlbench_bare.loading import Loops, Refused

        with open(plan, encoding="utf-8") as file:
            document = json.load(file)
        try:
            if self.loops is None:
                opened = Loops(self.path)
                opened.start(self.threads, self.device)
                self.loops = opened
            began = time.monotonic()
            self.workload = self.loops.build(document)
        except Refused as refusal:
            unavailable = refusal.code == "device_unavailable"
            raise (DeviceUnavailable if unavailable else Unsupported)(str(refusal)) from refusal
        return time.monotonic() - began

    def close(self) -> None:
        self.workload = None

    def alternate(
        self, network: Network, plan: Plan, order: str, iterations: int, lead: int
    ) -> dict[str, Any]:
        """The blocks in that order, and what was counted, or why nothing was."""
        sides = {
            "r": (own(network, plan, lead), own(network, plan, iterations)),
            "b": (self.loop(lead), self.loop(iterations)),
        }
        counters = Counters()
        try:
            blocks = alternation.alternate(sides, order, gc.collect, counters, time.process_time_ns)
        finally:
            counters.close()
        return {"blocks": blocks, "no_counters": counters.missing}

    def loop(self, iterations: int) -> Callable[[], tuple[int, int]]:
        """The bare loop's own; it waits for its end and takes its time itself."""
        loop = self.workload.loop
        return (lambda: loop(iterations, 0)[:2]) if iterations else nothing


def own(network: Network, plan: Plan, iterations: int) -> Callable[[], tuple[int, int]]:
    """A campaign's throughput block."""
    step, wait, order = network.step, network.wait, [i % plan.slots for i in range(iterations)]

    def block() -> tuple[int, int]:
        times, _ = loops.back_to_back(step, wait, time.monotonic_ns, order)
        return times["start_ns"], times["end_ns"]

    return block if iterations else nothing


def nothing() -> tuple[int, int]:
    return 0, 0
