"""Blocks in turn, in every Python that has them."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import trace_alternation
from test_frameworks import RUNNERS, image

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


@pytest.mark.skipif(
    not os.environ.get("DLBENCH_TEST_CONTAINERS"), reason="runs in CNTK's image: make test"
)
def test_python_2_does_the_same():
    command = ["podman", "run", "--rm", "--network=none", "--ulimit=nofile=1024:4096"]
    command += ["--ulimit=nproc=4096:8192", "--volume", f"{RUNNERS}:/src:ro"]
    command += ["--env", "PYTHONPATH=/src/sdk/python", image("cntk"), "python2.7"]
    done = subprocess.run(
        [*command, "/src/sdk/python/tests/trace_alternation.py"], capture_output=True, text=True
    )
    told = json.loads(done.stdout)
    assert told["calls"][:9] == CALLS and told["blocks"] == BLOCKS, done.stderr
    assert "perf_event_open" in told["missing"] or "counters" in told["missing"]
