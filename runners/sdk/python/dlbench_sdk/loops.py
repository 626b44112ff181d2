"""The timed loops, one a scenario: nothing but the framework's calls and the clock between them.

They are the same text for every runner in Python, for 2.7 too, and DL4J's are held against them
(runners/sdk/loops.json). The clock gives nanoseconds of CLOCK_MONOTONIC; times are kept in memory
that is there before the loop starts. Each loop returns the block's times and the last handle.
"""

import time

MYPY = False
if MYPY:  # Python 2.7 has no typing
    from collections.abc import Callable, Sequence  # noqa: F401
    from typing import Any, Optional  # noqa: F401

    from .contract import Timed  # noqa: F401

    Step = Callable[[int], Any]
    Wait = Callable[[Any], None]
    Clock = Callable[[], int]
    Result = tuple[dict[str, Any], Any]

# A sleep ends late by tens of microseconds, so the last stretch before a scheduled time is spun.
SPIN_NS = 1000000


def back_to_back(step, wait, clock, order, timed=None):
    # type: (Step, Wait, Clock, Sequence[int], Optional[Timed]) -> Result
    """Iterations without a wait between them, complete before the clock stops. With a device that
    has a clock of its own (contract.Timed), its time as well."""
    handle = first = last = None
    wait(None)
    if timed is not None:
        first = timed.mark()
    start = clock()
    for index in order:
        handle = step(index)
    if timed is not None:
        last = timed.mark()
    wait(handle)
    times = {"start_ns": start, "end_ns": clock()}
    if timed is not None:
        times["device_ns"] = timed.between_ns(first, last)
    return times, handle


def one_at_a_time(step, wait, clock, order):
    # type: (Step, Wait, Clock, Sequence[int]) -> Result
    """Each iteration complete before the next one is issued."""
    latencies, handle = [0] * len(order), None
    wait(None)
    start = before = clock()
    for i, index in enumerate(order):
        handle = step(index)
        wait(handle)
        now = clock()
        latencies[i] = now - before
        before = now
    return {"start_ns": start, "end_ns": before, "iteration_ns": latencies}, handle


def queries(step, wait, clock, order, size):
    # type: (Step, Wait, Clock, Sequence[int], int) -> Result
    """Queries of some iterations each: those back to back, complete before the next query."""
    groups = [order[i : i + size] for i in range(0, len(order), size)]
    latencies, handle = [0] * len(groups), None
    wait(None)
    start = before = clock()
    for i, group in enumerate(groups):
        for index in group:
            handle = step(index)
        wait(handle)
        now = clock()
        latencies[i] = now - before
        before = now
    return {"start_ns": start, "end_ns": before, "query_ns": latencies}, handle


def scheduled(step, wait, clock, order, arrivals, sleep=time.sleep):
    # type: (Step, Wait, Clock, Sequence[int], Sequence[int], Callable[[float], None]) -> Result
    """Queries that arrive by a schedule, whether the one before is done or not; one that has to
    wait its turn waits on the clock, because latency counts from the scheduled time. The lag is
    what the loop itself adds: from when a query could have been issued until it was."""
    latencies, lags, handle = [0] * len(order), [0] * len(order), None
    wait(None)
    start = free = clock()
    for i, index in enumerate(order):
        due = start + arrivals[i]
        if due - free > SPIN_NS:
            sleep((due - free - SPIN_NS) / 1e9)
        issued = clock()
        while issued < due:
            issued = clock()
        handle = step(index)
        wait(handle)
        lags[i] = issued - max(due, free)
        free = clock()
        latencies[i] = free - due
    return {"start_ns": start, "end_ns": free, "query_ns": latencies, "lag_ns": lags}, handle
