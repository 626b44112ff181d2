"""What a machine reaches at most, by a framework's own products."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlbench_sdk import peak

SDK = Path(peak.__file__).parents[1]
PRODUCTS = """
import time
def start(threads, device):
    print("noise of a framework")
    return {"fp32": f"BLAS with {threads} threads", "bf16": "another"}
def product(precision, n):
    if precision == "bf16":
        raise RuntimeError("no kernel\\nand much more")
    return lambda count: time.sleep(0.11 * count)
def triad(size):
    return (lambda count: time.sleep(0.05 * count)), 3 * size
"""


class Clock:
    """Time that passes only in what is measured, and when it is looked at."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(peak.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(peak.time, "perf_counter", lambda: self.now)

    def spend(self, seconds: float) -> None:
        self.now += seconds


def test_the_shortest_counts_and_what_is_made_once_does_not(monkeypatch):
    clock, calls = Clock(monkeypatch), []

    def run(count: int) -> None:
        calls.append(count)
        clock.spend(5.0 if len(calls) == 1 else (0.02 if len(calls) == 4 else 0.05) * count)

    assert peak.shortest(run) == pytest.approx(0.02)
    assert sum(calls[1:]) * 0.05 > peak.PATIENCE


def test_short_products_are_repeated_until_a_clock_can_tell(monkeypatch):
    clock, calls = Clock(monkeypatch), []

    def run(count: int) -> None:
        calls.append(count)
        clock.spend(1e-5 * count)

    assert peak.shortest(run) == pytest.approx(1e-5)
    assert max(calls) * 1e-5 >= peak.ENOUGH / 4


def test_products_grow_until_they_take_long_enough(monkeypatch):
    clock, sizes = Clock(monkeypatch), []

    def product(precision: str, n: int):
        sizes.append(n)
        rate = 1e11 if n < 2048 else 0.9e11  # the largest is not the fastest
        return lambda count: clock.spend(count * 2 * n**3 / rate)

    best = peak.fastest(SimpleNamespace(product=product), "fp32")
    assert sizes == [512, 1024, 2048]
    assert best["rows"] in (512, 1024)
    assert best["flops"] == pytest.approx(1e11)


def told(*arguments: str) -> list[dict]:
    environment = os.environ | {"DLBENCH_THREADS": "3", "PYTHONPATH": str(SDK)}
    command = [sys.executable, "-m", "dlbench_sdk.peak", *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_each_precision_has_a_figure_or_a_reason(tmp_path):
    file = tmp_path / "peak.py"
    file.write_text(PRODUCTS)
    first, second = told(str(file), "cpu", "fp32", "bf16")
    assert first["library"] == "BLAS with 3 threads"
    assert first["rows"] == 512
    assert 0 < first["flops"] <= 2 * 512**3 / 0.11
    assert second == {"precision": "bf16", "library": "another", "missing": "no kernel"}
    *_, third = told(str(file), "gpu:0", "fp32")
    assert 0 < third["bytes_per_s"] <= 3 * peak.TRIAD_BYTES / 0.05


def test_the_reference_multiplies_in_float32():
    pytest.importorskip("numpy")
    file = SDK.parents[1] / "frameworks" / "reference" / "peak.py"
    first, second = told(str(file), "cpu", "fp32", "bf16")
    assert math.isfinite(first["flops"]) and first["flops"] > 1e8
    assert "numpy" in first["library"]
    assert "float32" in second["missing"]
