"""Slows a runner on purpose, so that the harness can be asked whether it notices."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import Any

from .contract import Network, Terms

VARIABLE = "DLBENCH_SLOWDOWN"  # a share: 0.02 makes every iteration 2 % longer


def share() -> float | None:
    """The one that the environment asks for."""
    text = os.environ.get(VARIABLE)
    return None if text is None else float(text)


def told(terms: Terms, asked: float | None) -> Terms:
    """The terms say so, so that no figure of it passes for an honest one."""
    if asked is None:
        return terms
    switches = {**terms.switches, "injected_slowdown": str(asked)}
    return dataclasses.replace(terms, switches=switches)


def slow(network: Network, asked: float) -> None:
    """Make the network's iterations longer by that share; each is complete before its time is
    taken, at a share of 0 too."""
    step, wait, clock = network.step, network.wait, time.monotonic_ns

    def slowed_step(slot: int) -> Any:
        began = clock()
        handle = step(slot)
        wait(handle)
        now = clock()
        end = now + int(asked * (now - began))
        while clock() < end:
            pass
        return handle

    network.step = slowed_step  # type: ignore[method-assign]
