"""Loads an adapter from its file, wherever that lies: dlbench's own as anybody's."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from types import ModuleType

PREFIX = "dlbench_adapter_"  # of the names that adapters are imported by


class NoAdapter(Exception):
    """The file is not there, or holds no adapter; the message says which."""


def load(path: str) -> ModuleType:
    """Import an adapter's file as a package of its directory: `from .operators import …` finds
    what lies beside it, and its name never hides the framework's own."""
    path = os.path.abspath(path)
    directory, file = os.path.split(path)
    if not file.endswith(".py") or not os.path.isfile(path):
        raise NoAdapter(f"{path}: no such Python file")
    name = PREFIX + re.sub(r"\W", "_", f"{os.path.basename(directory)}_{file[:-3]}")
    spec = importlib.util.spec_from_file_location(
        name, path, submodule_search_locations=[directory]
    )
    if spec is None or spec.loader is None:
        raise NoAdapter(f"{path}: Python cannot import it")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def name_of(path: str) -> str:
    """A runner is called like the directory of its adapter."""
    return os.path.basename(os.path.dirname(os.path.abspath(path)))
