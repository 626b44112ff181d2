"""What the processor has instructions for, as Linux tells it: frameworks that leave a precision
out on other processors do so without a word."""

from __future__ import annotations

import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def features() -> frozenset[str]:
    """The first processor's flags; none where Linux does not tell them so."""
    try:
        lines = CPUINFO.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return frozenset(value.split())
    return frozenset()


def no_whole_products() -> str:
    """Why this processor does not multiply int8 exactly; empty if it does. Without VNNI, x86 adds
    products of bytes in 16 bits, which saturate."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return ""
    if features() & {"avx512_vnni", "avx_vnni"}:
        return ""
    return "this CPU has no VNNI, without which sums of products of bytes saturate"


def has_bfloat16_convolutions() -> bool:
    """Whether oneDNN, as TensorFlow has it, convolves bfloat16 here."""
    return bool(features() & {"avx512f", "avx_ne_convert"})
