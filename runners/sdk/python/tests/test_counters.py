"""Counters of instructions and cycles, on a double of the kernel and on this one."""

from __future__ import annotations

import errno
import threading

import pytest

from dlbench_sdk.counters import Counters, Kernel


class Double:
    """Two threads; each event of each counts what the test says."""

    def __init__(self, refusal: dict | None = None):
        self.refusal, self.opened, self.closed = refusal or {}, [], []
        self.values: dict[int, tuple[int, int, int]] = {}

    def threads(self):
        return [7, 8]

    def open(self, thread, event):
        if (thread, event) in self.refusal:
            raise OSError(self.refusal[thread, event], "refused")
        self.opened.append((thread, event))
        self.values[len(self.opened)] = (0, 0, 0)
        return len(self.opened)

    def read(self, descriptor):
        return self.values[descriptor]

    def close(self, descriptor):
        self.closed.append(descriptor)


INSTRUCTIONS, CYCLES = (0, 1), (0, 0)


def test_all_threads_are_counted_between_two_readings():
    kernel = Double()
    counters = Counters(kernel)
    assert sorted(kernel.opened) == sorted((t, e) for t in (7, 8) for e in (INSTRUCTIONS, CYCLES))
    at = {opened: i + 1 for i, opened in enumerate(kernel.opened)}
    kernel.values[at[7, INSTRUCTIONS]] = (100, 5, 5)
    before = counters.read()
    kernel.values[at[7, INSTRUCTIONS]] = (160, 9, 9)
    kernel.values[at[8, INSTRUCTIONS]] = (40, 3, 3)
    kernel.values[at[8, CYCLES]] = (7, 3, 3)
    assert counters.since(before) == {"instructions": 100, "cycles": 7}
    counters.close()
    assert sorted(kernel.closed) == [1, 2, 3, 4] and not counters.missing


def test_an_event_that_was_not_counted_all_the_time_is_not_told():
    kernel = Double()
    counters = Counters(kernel)
    before = counters.read()
    at = {opened: i + 1 for i, opened in enumerate(kernel.opened)}
    kernel.values[at[8, CYCLES]] = (7, 30, 29)
    assert counters.since(before) == {"instructions": 0}


def test_a_thread_that_ended_is_no_fault():
    kernel = Double({(8, CYCLES): errno.ESRCH, (8, INSTRUCTIONS): errno.ESRCH})
    counters = Counters(kernel)
    assert not counters.missing and counters.since(counters.read()) != {}


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (errno.ENOENT, "shows no counters"),
        (errno.EPERM, "kernel.perf_event_paranoid"),
        (errno.EACCES, "seccomp"),
        (errno.ENOSYS, "no perf_event_open"),
        (errno.EMFILE, "refused"),
    ],
)
def test_without_counters_the_reason_is_told_and_nothing_else(refusal, says):
    kernel = Double({(8, INSTRUCTIONS): refusal})
    counters = Counters(kernel)
    assert says in counters.missing
    assert counters.since(counters.read()) == {}
    assert len(kernel.closed) == len(kernel.opened)  # those before the refusal


def test_this_kernel_counts_threads_that_start_later():
    """By the kernel's own clock of a thread's work, which needs no processor's counters."""
    counters = Counters(Kernel(), {"work_ns": (1, 1)})
    if counters.missing:
        pytest.skip(counters.missing)
    before = counters.read()
    later = threading.Thread(target=sum, args=(range(20_000_000),))
    later.start()
    later.join()
    assert counters.since(before)["work_ns"] > 10_000_000
    counters.close()
