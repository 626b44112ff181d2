"""The adapters of runners/frameworks, for tests."""

from __future__ import annotations

import pathlib

from dlbench_sdk import loading

FRAMEWORKS = pathlib.Path(__file__).parent.parent.parent.parent / "frameworks"


def module(name: str):
    return loading.load(str(FRAMEWORKS / name / "adapter.py"))


def adapter(name: str):
    return module(name).adapter()
