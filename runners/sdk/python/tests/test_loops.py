"""The timed loops keep to runners/sdk/loops.json, which DL4J's are held against too."""

from __future__ import annotations

import json
import pathlib

import pytest
import trace_loops
from test_frameworks import in_image, needs_images

WANTED = json.loads((pathlib.Path(__file__).parent.parent.parent / "loops.json").read_text())


@pytest.mark.parametrize("case", trace_loops.CASES, ids=lambda case: case["scenario"])
def test_the_loops_do_what_is_written(case):
    wanted = next(w for w in WANTED if w["params"] == case)
    assert trace_loops.run(case) == wanted


@needs_images
def test_python_2_does_the_same():
    script = "/src/sdk/python/tests/trace_loops.py"
    done = in_image("cntk", ["--env", "PYTHONPATH=/src/sdk/python"], "python2.7", script)
    assert json.loads(done.stdout) == WANTED, done.stderr
