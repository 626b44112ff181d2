"""What the timed loops do, call by call, in a scripted world: the same for every language that has
them. `python3 trace_loops.py` prints what runners/sdk/loops.json holds; Python 2.7 runs it too."""

from __future__ import print_function

import json

from dlbench_sdk import loops

# Each call takes its time, in nanoseconds; sleeps end late.
CLOCK, STEP, WAIT, LATE = 50000, 300000, 20000, 60000

CASES = [
    {"scenario": "offline", "iterations": 4},
    {"scenario": "single-stream", "iterations": 3},
    {"scenario": "multi-stream", "iterations": 6, "query_iterations": 3},
    # Two at once; one that may be slept for, one that may not, one that is late.
    {
        "scenario": "server",
        "iterations": 5,
        "arrival_ns": [0, 0, 3000000, 3700000, 3700001],
    },
]


class World(object):
    def __init__(self):
        self.now, self.calls = 1000000000, []

    def clock(self):
        self.calls.append("clock")
        self.now += CLOCK
        return self.now

    def step(self, index):
        self.calls.append("step %d" % index)
        self.now += STEP * (1 + index)
        return index

    def wait(self, handle):
        self.calls.append("wait")
        self.now += WAIT

    def sleep(self, seconds):
        ns = int(round(seconds * 1e9))
        self.calls.append("sleep %d" % ns)
        self.now += ns + LATE


def run(case):
    world, order = World(), list(range(case["iterations"]))
    asked = (world.step, world.wait, world.clock, order)
    if case["scenario"] == "offline":
        times, _ = loops.back_to_back(*asked)
    elif case["scenario"] == "single-stream":
        times, _ = loops.one_at_a_time(*asked)
    elif case["scenario"] == "multi-stream":
        times, _ = loops.queries(*(asked + (case["query_iterations"],)))
    else:
        times, _ = loops.scheduled(*(asked + (case["arrival_ns"], world.sleep)))
    return {"params": case, "calls": world.calls, "times": times}


if __name__ == "__main__":
    print(json.dumps([run(case) for case in CASES], indent=1, sort_keys=True))
