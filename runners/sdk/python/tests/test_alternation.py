"""Blocks in turn, in every Python that has them."""

from __future__ import annotations

import json

import trace_alternation
from test_frameworks import in_image, needs_images

CALLS = ["collect", "lead runner", "runner"] + 2 * ["collect", "lead bare", "bare"]
BLOCKS = [
    {"start_ns": at, "end_ns": at + 10, "cpu_ns": 20, "instructions": 2000, "cycles": 2000}
    for at in (20, 50, 80)
]


def test_each_block_begins_alike_and_only_its_iterations_count():
    told = trace_alternation.run()
    assert told["calls"][:9] == CALLS
    assert sorted(told["calls"][9:]) == ["close 10", "close 11", "close 20", "close 21"]
    assert told["blocks"] == BLOCKS


@needs_images
def test_python_2_does_the_same():
    script = "/src/sdk/python/tests/trace_alternation.py"
    done = in_image("cntk", ["--env", "PYTHONPATH=/src/sdk/python"], "python2.7", script)
    told = json.loads(done.stdout)
    assert told["calls"][:9] == CALLS and told["blocks"] == BLOCKS, done.stderr
    assert "perf_event_open" in told["missing"] or "counters" in told["missing"]
