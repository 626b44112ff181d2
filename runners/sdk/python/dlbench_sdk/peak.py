"""python3 -m dlbench_sdk.peak FILE DEVICE PRECISION... prints the most that products reach.

FILE has a function `start(threads, device)`, which names the library, or that of each precision,
and `product(precision, n)`, whose result computes as many square products of n rows as it is told,
one after the other, until the last is complete. For a card it may have `triad(bytes)`, whose
result does the same with a = b + s*c, and says how many bytes one moves. Each line of the answer
is a figure, or the reason why there is none.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, TextIO

from .loading import load

FIRST, FIRST_ON_CARDS, MOST = 512, 4096, 16384  # rows: a card is not filled by few
ENOUGH = 0.1  # seconds: a product that takes so long leaves nothing for its edges to cost
PATIENCE = 0.3  # seconds for each size
TRIAD_BYTES = 1 << 30  # of an array: far more than the caches of any card

Run = Callable[[int], object]


def main() -> int:
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a framework prints
    products = load(sys.argv[1])
    device, precisions = sys.argv[2], sys.argv[3:]
    named = products.start(int(os.environ.get("DLBENCH_THREADS", "1")), device)
    for precision in precisions:
        library = named.get(precision, "") if isinstance(named, dict) else named
        answer = {"precision": precision, "library": library}
        try:
            answer |= fastest(products, precision, FIRST if device == "cpu" else FIRST_ON_CARDS)
        except Exception as error:  # whatever a library says of what it cannot do
            answer["missing"] = reason(error)
        tell(replies, answer)
    if device != "cpu" and hasattr(products, "triad"):
        tell(replies, bandwidth(products))
    return 0


def tell(replies: TextIO, answer: dict[str, Any]) -> None:
    replies.write(json.dumps(answer) + "\n")
    replies.flush()


def reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def bandwidth(products: ModuleType) -> dict[str, Any]:
    try:
        run, moved = products.triad(TRIAD_BYTES)
        return {"bytes_per_s": moved / shortest(run)}
    except Exception as error:
        return {"missing": reason(error)}


def fastest(products: ModuleType, precision: str, first: int = FIRST) -> dict[str, Any]:
    """Square products of more and more rows, until one takes long enough."""
    best: dict[str, Any] = {"flops": 0.0}
    n = first
    while n <= MOST:
        seconds = shortest(products.product(precision, n))
        if 2 * n**3 / seconds > best["flops"]:
            best = {"flops": 2 * n**3 / seconds, "rows": n}
        if seconds >= ENOUGH:
            break
        n *= 2
    return best


def shortest(run: Run) -> float:
    """The shortest time of one, over repetitions that are long enough for a clock."""
    run(1)  # what is made only once
    count, least = 1, float("inf")
    ends = time.monotonic() + PATIENCE
    while True:
        began = time.perf_counter()
        run(count)
        took = time.perf_counter() - began
        least = min(least, took / count)
        if time.monotonic() >= ends:
            return least
        if took < ENOUGH / 4:
            count *= 2


if __name__ == "__main__":
    sys.exit(main())
