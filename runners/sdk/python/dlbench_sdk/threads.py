"""How many threads compute: read from the process, if the framework does not tell."""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import re
from pathlib import Path

OPENMP = re.compile(r"lib(gomp|iomp5|omp)[.\-\w]*\.so")


def threads_named(start: str) -> int | None:
    """This process's threads whose names start so: the pool of a framework that names its own.
    None if there is none yet."""
    names = []
    for path in glob.glob("/proc/self/task/*/comm"):
        # A thread may end between the listing and the reading.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            names.append(Path(path).read_text(encoding="utf-8"))
    return sum(name.startswith(start) for name in names) or None


def count() -> int:
    """All of this process's threads: a pool is what its making adds."""
    return len(os.listdir("/proc/self/task"))


def openmp() -> int | None:
    """What the OpenMP library that the framework has loaded gives to a parallel region, as that
    library says itself. None if there is none, or there are two that disagree."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        paths = {line.split(None, 5)[-1].strip() for line in file if "/" in line}
    return openmp_of(sorted(path for path in paths if OPENMP.match(os.path.basename(path))))


def openmp_of(libraries: list[str]) -> int | None:
    told = {ctypes.CDLL(path).omp_get_max_threads() for path in libraries}
    return told.pop() if len(told) == 1 else None
