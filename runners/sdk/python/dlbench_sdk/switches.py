"""Settings from outside that belong to the terms."""

from __future__ import annotations

import os

# glibc's settings that keep freed memory for the next iteration instead of giving it back to the
# system, as the allocators that PyTorch's tuning guide recommends in its place do.
ALLOCATOR = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_")


def environment(*names: str) -> dict[str, str]:
    """Those of the variables that are set."""
    return {name: os.environ[name] for name in names if name in os.environ}
