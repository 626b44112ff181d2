"""python2.7 -m dlbench_cntk starts the runner."""

import sys

from .server import Server, leave, stop_on_sigterm

if __name__ == "__main__":
    stop_on_sigterm()
    leave(Server().serve(sys.stdin))
