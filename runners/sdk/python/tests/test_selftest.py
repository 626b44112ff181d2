"""What the harness measures itself with."""

from __future__ import annotations

import os
import time

import pytest

from dlbench_sdk import null, slowed


def test_null_waits_as_long_as_it_is_told(monkeypatch):
    monkeypatch.setenv("DLBENCH_NULL_NS", "3000000")
    runner = null.Null()
    assert runner.open("cpu", 1).framework == "null"
    began = time.monotonic_ns()
    runner.step(0)
    assert time.monotonic_ns() - began >= 3_000_000
    assert runner.read(None).shape == (1,)
    with pytest.raises(null.Unsupported):
        runner.outputs(0)


class Sleeper(null.Null):
    """Takes its time when it is waited for, as asynchronous frameworks do."""

    def synchronize(self, handle) -> None:
        time.sleep(0.01)


def test_slowed_by_half(monkeypatch):
    monkeypatch.setenv(slowed.VARIABLE, "0.5")
    runner = slowed.as_asked(Sleeper())
    runner.open("cpu", 1)
    began = time.monotonic_ns()
    runner.step(0)
    assert time.monotonic_ns() - began >= 15_000_000
    assert runner.terms().switches["injected_slowdown"] == "0.5"


def test_nothing_is_slowed_unasked():
    assert slowed.VARIABLE not in os.environ
    runner = Sleeper()
    assert slowed.as_asked(runner) is runner and "step" not in vars(runner)
