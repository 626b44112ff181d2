"""Blocks of the runner and of its framework's bare loop in turn, in one process.

Two fresh processes differ by what each drew at its start; the two sides of one process share that,
so that their ratio is known more closely. Like the timed loops this is one text for all Pythons,
2.7 too.
"""

MYPY = False
if MYPY:  # Python 2.7 has no typing
    from collections.abc import Callable

    from .counters import Counters  # noqa: F401

    # Iterations before the clock, and those that are timed, which return the edges of their time.
    Block = Callable[[], tuple[int, int]]
    Side = tuple[Block, Block]

SIDES = "rb"  # the runner's blocks and the bare loop's, as an order names them


def alternate(sides, order, collect, counters, cpu_time):
    # type: (dict[str, Side], str, Callable[[], object], Counters, Callable[[], int]) -> list[dict]
    """The blocks of an order like "rbbr", each begun as a campaign's is, without old garbage. The
    untimed iterations before it put caches and idle threads of the other side behind it."""
    blocks = []
    for side in order:
        lead, timed = sides[side]
        collect()
        lead()
        before, used = counters.read(), cpu_time()
        start, end = timed()
        block = {"start_ns": start, "end_ns": end, "cpu_ns": cpu_time() - used}
        block.update(counters.since(before))
        blocks.append(block)
    return blocks
