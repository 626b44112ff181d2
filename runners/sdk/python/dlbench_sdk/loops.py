"""The timed loops, one a scenario: nothing but the framework's calls and the clock between them.
Times are CLOCK_MONOTONIC in nanoseconds, kept in memory that is there before the loop starts."""

from __future__ import annotations

import time
from typing import Any

from .adapter import Adapter

# A sleep ends late by tens of microseconds, so the last stretch before a scheduled time is spun.
SPIN_NS = 1_000_000


def back_to_back(adapter: Adapter, order: list[int]) -> tuple[dict, Any]:
    """Iterations without a wait between them, complete before the clock stops."""
    step, handle = adapter.step, None
    adapter.synchronize(None)
    first = adapter.mark()
    start = time.monotonic_ns()
    for index in order:
        handle = step(index)
    last = adapter.mark()
    adapter.synchronize(handle)
    times = {"start_ns": start, "end_ns": time.monotonic_ns()}
    if first is not None:
        times["device_ns"] = adapter.between_ns(first, last)
    return times, handle


def one_at_a_time(adapter: Adapter, order: list[int]) -> tuple[dict, Any]:
    """Each iteration complete before the next one is issued."""
    latencies = [0] * len(order)
    step, synchronize, clock = adapter.step, adapter.synchronize, time.monotonic_ns
    handle = None
    synchronize(None)
    start = clock()
    before = start
    for i, index in enumerate(order):
        handle = step(index)
        synchronize(handle)
        now = clock()
        latencies[i] = now - before
        before = now
    return {"start_ns": start, "end_ns": before, "iteration_ns": latencies}, handle


def queries(adapter: Adapter, order: list[int], size: int) -> tuple[dict, Any]:
    """Queries of some iterations each: those back to back, complete before the next query."""
    groups = [order[i : i + size] for i in range(0, len(order), size)]
    latencies = [0] * len(groups)
    step, synchronize, clock = adapter.step, adapter.synchronize, time.monotonic_ns
    handle = None
    synchronize(None)
    start = clock()
    before = start
    for i, group in enumerate(groups):
        for index in group:
            handle = step(index)
        synchronize(handle)
        now = clock()
        latencies[i] = now - before
        before = now
    return {"start_ns": start, "end_ns": before, "query_ns": latencies}, handle


def scheduled(adapter: Adapter, order: list[int], arrivals: list[int]) -> tuple[dict, Any]:
    """Queries that arrive by a schedule, whether the one before is done or not; one that has to
    wait its turn waits on the clock, because latency counts from the scheduled time. The lag is
    what the loop itself adds: from when a query could have been issued until it was."""
    latencies, lags = [0] * len(order), [0] * len(order)
    step, synchronize, clock = adapter.step, adapter.synchronize, time.monotonic_ns
    handle = None
    synchronize(None)
    start = clock()
    free = start
    for i, index in enumerate(order):
        due = start + arrivals[i]
        if due - free > SPIN_NS:
            time.sleep((due - free - SPIN_NS) / 1e9)
        issued = clock()
        while issued < due:
            issued = clock()
        handle = step(index)
        synchronize(handle)
        lags[i] = issued - max(due, free)
        free = clock()
        latencies[i] = free - due
    return {"start_ns": start, "end_ns": free, "query_ns": latencies, "lag_ns": lags}, handle
