"""The timed loops keep to runners/sdk/loops.json, which DL4J's are held against too."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import pytest
import trace_loops
from test_frameworks import RUNNERS, image

WANTED = json.loads((pathlib.Path(__file__).parent.parent.parent / "loops.json").read_text())


@pytest.mark.parametrize("case", trace_loops.CASES, ids=lambda case: case["scenario"])
def test_the_loops_do_what_is_written(case):
    wanted = next(w for w in WANTED if w["params"] == case)
    assert trace_loops.run(case) == wanted


@pytest.mark.skipif(
    not os.environ.get("DLBENCH_TEST_CONTAINERS"), reason="runs in CNTK's image: make test"
)
def test_python_2_does_the_same():
    command = ["podman", "run", "--rm", "--network=none", "--ulimit=nofile=1024:4096"]
    command += ["--ulimit=nproc=4096:8192", "--volume", f"{RUNNERS}:/src:ro"]
    command += ["--env", "PYTHONPATH=/src/sdk/python", image("cntk"), "python2.7"]
    done = subprocess.run(
        [*command, "/src/sdk/python/tests/trace_loops.py"], capture_output=True, text=True
    )
    assert json.loads(done.stdout) == WANTED, done.stderr
