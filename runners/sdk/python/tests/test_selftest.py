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
    network = runner.build(None)
    began = time.monotonic_ns()
    network.step(0)
    assert time.monotonic_ns() - began >= 3_000_000
    assert network.read(None).shape == (1,)
    with pytest.raises(null.Unsupported):
        network.outputs(0)


class Sleeper(null.Waiting):
    """Takes its time when it is waited for, as asynchronous frameworks do."""

    def wait(self, handle) -> None:
        time.sleep(0.01)


def test_slowed_by_half(monkeypatch):
    monkeypatch.setenv(slowed.VARIABLE, "0.5")
    network = Sleeper(0)
    slowed.slow(network, slowed.share())
    began = time.monotonic_ns()
    network.step(0)
    assert time.monotonic_ns() - began >= 15_000_000
    told = slowed.told(network.terms(), slowed.share())
    assert told.switches == {"iteration_ns": "0", "injected_slowdown": "0.5"}


def test_nothing_is_slowed_unasked():
    assert slowed.VARIABLE not in os.environ and slowed.share() is None
    terms = Sleeper(0).terms()
    assert slowed.told(terms, None) is terms
