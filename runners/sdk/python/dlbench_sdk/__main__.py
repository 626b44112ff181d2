"""python3 -m dlbench_sdk FILE starts the runner whose adapter is that file."""

from __future__ import annotations

import os
import sys

from . import loading
from .server import Server, leave, stop_on_sigterm


def main() -> int:
    if len(sys.argv) != 2:
        print(
            "usage: python3 -m dlbench_sdk FILE, an adapter like mine/adapter.py", file=sys.stderr
        )
        return 2
    path = sys.argv[1]
    if not os.path.isfile(path):
        print(f"{path}: there is no adapter of that name", file=sys.stderr)
        return 2
    stop_on_sigterm()
    return Server(loading.name_of(path), lambda: loading.load(path).framework(), [path]).serve(
        sys.stdin
    )


if __name__ == "__main__":
    leave(main())
