"""What blocks in turn do, call by call, and what two threads' counters tell of them: one text for
all Pythons, which Python 2.7 runs too."""

from __future__ import print_function

import json

from dlbench_sdk import alternation, counters


class World(object):
    """Each call is kept; each takes ten nanoseconds, and a thousand instructions of a thread."""

    def __init__(self):
        self.now, self.calls = 0, []

    def call(self, name):
        self.now += 10
        self.calls.append(name)

    def side(self, name):
        def timed():
            start = self.now
            self.call(name)
            return start, self.now

        return lambda: self.call("lead " + name), timed

    def threads(self):
        return [1, 2]

    def open(self, thread, event):
        return 10 * thread + event[1]

    def read(self, descriptor):
        return 100 * self.now, self.now, self.now

    def close(self, descriptor):
        self.calls.append("close %d" % descriptor)


def run():
    world = World()
    counted = counters.Counters(world)
    sides = {"r": world.side("runner"), "b": world.side("bare")}
    collect = lambda: world.call("collect")  # noqa: E731
    blocks = alternation.alternate(sides, "rbb", collect, counted, lambda: 2 * world.now)
    counted.close()
    return {"calls": world.calls, "blocks": blocks, "missing": counters.Counters().missing}


if __name__ == "__main__":
    print(json.dumps(run(), sort_keys=True))
