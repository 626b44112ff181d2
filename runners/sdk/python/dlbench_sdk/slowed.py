"""Slows a runner on purpose, so that the harness can be asked whether it notices."""

from __future__ import annotations

import dataclasses
import os
import time

from .adapter import Adapter, Terms

VARIABLE = "DLBENCH_SLOWDOWN"  # a share: 0.02 makes every iteration 2 % longer


def as_asked(adapter: Adapter) -> Adapter:
    """The adapter itself, or slowed where the environment says so."""
    share = os.environ.get(VARIABLE)
    return adapter if share is None else slow(adapter, float(share))


def slow(adapter: Adapter, share: float) -> Adapter:
    """Make the adapter's iterations longer by that share; each is complete before its time is
    taken, at a share of 0 too. The terms say so, so that no figure of it passes for an honest
    one."""
    step, terms, clock = adapter.step, adapter.terms, time.monotonic_ns

    def slowed_step(slot: int):
        began = clock()
        handle = step(slot)
        adapter.synchronize(handle)
        now = clock()
        end = now + int(share * (now - began))
        while clock() < end:
            pass
        return handle

    def slowed_terms() -> Terms:
        held = terms()
        switches = {**held.switches, "injected_slowdown": str(share)}
        return dataclasses.replace(held, switches=switches)

    adapter.step, adapter.terms = slowed_step, slowed_terms
    return adapter
