"""python2.7 -m dlbench_cntk starts the runner."""

import sys

from .server import Server, stop_on_sigterm

if __name__ == "__main__":
    stop_on_sigterm()
    sys.exit(Server().serve(sys.stdin))
