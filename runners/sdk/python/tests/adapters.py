"""The adapters of runners/frameworks, for tests."""

from __future__ import annotations

import importlib
import pathlib

from dlbench_sdk import loading

FRAMEWORKS = pathlib.Path(__file__).parent.parent.parent.parent / "frameworks"


def module(name: str, file: str = "adapter.py"):
    loaded = loading.load(str(FRAMEWORKS / name / "adapter.py"))
    if file == "adapter.py":
        return loaded
    return importlib.import_module(f"{loaded.__name__}.{file[:-3]}")


def framework(name: str):
    return module(name).framework()


def network(name: str, plan, threads: int = 1):
    """A plan, built by a framework that is opened for it."""
    opened = framework(name)
    opened.open("cpu", threads)
    return opened.build(plan)
