"""PyTorch's adapter and the harness have the same rules for which build runs on which GPU: the
table beside this file is read by both."""

import json
from pathlib import Path

import pytest

from dlbench_sdk.cards import runs_on

CASES = json.loads((Path(__file__).parent / "architectures.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{','.join(c['built'])} on {c['card']}")
def test_runs_on(case):
    major, minor = case["card"].split(".")
    assert runs_on(case["built"], int(major), int(minor)) == (case["fit"] == "binary")
