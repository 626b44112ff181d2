"""python3 -m dlbench_runner NAME starts the runner of that name."""

from __future__ import annotations

import importlib
import os
import sys

from .server import Server, stop_on_sigterm


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isidentifier():
        print("usage: python3 -m dlbench_runner NAME", file=sys.stderr)
        return 2
    name = sys.argv[1]
    here = os.path.dirname(__file__)
    source = os.path.join(here, "adapters", f"{name}.py")
    if not os.path.exists(source):
        print(f"no adapter {name!r} in {here}/adapters", file=sys.stderr)
        return 2
    stop_on_sigterm()

    def make():
        return importlib.import_module(f"{__package__}.adapters.{name}").adapter()

    return Server(name, make, [__file__]).serve(sys.stdin)


if __name__ == "__main__":
    sys.exit(main())
