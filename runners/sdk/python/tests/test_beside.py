"""The bare loop in the runner's process: built before the network or after it, timed in turn."""

from __future__ import annotations

import pathlib
import textwrap

import plans
import pytest
from test_protocol import Runner

REFERENCE = pathlib.Path(__file__).parent.parent.parent.parent / "frameworks" / "reference"

# The numpy reference, and beside it a loop that says what it was asked.
ADAPTER = f"""
from dlbench_sdk import loading
framework = loading.load({str(REFERENCE / "adapter.py")!r}).framework
"""
BARE = """
import time

def start(threads):
    assert threads == 1
    return {"name": "numpy", "version": "1"}

class Workload:
    def __init__(self, network, mode, batch, classes):
        assert (network, batch, classes) == ("test", 2, 4), (network, batch, classes)
        self.mode, self.asked = mode, []

    def loop(self, iterations, slot):
        self.asked.append(iterations)
        start = time.monotonic_ns()
        time.sleep(0.001 * iterations)
        return start, time.monotonic_ns(), self.asked
"""


@pytest.fixture
def opened(tmp_path):
    """A runner with a bare loop beside its adapter, and a plan's files."""
    room = tmp_path / "room"
    room.mkdir()
    (room / "adapter.py").write_text(ADAPTER)
    (room / "bare.py").write_text(textwrap.dedent(BARE))
    r = Runner(room / "adapter.py")
    r.ok("hello", protocol=1, device="cpu", threads=1)
    yield r, plans.files(tmp_path, plans.small("train"))
    r.process.kill()
    r.process.wait()
    for pipe in (r.process.stdin, r.process.stdout, r.process.stderr):
        pipe.close()


@pytest.mark.parametrize("first", ["bare", "load"])
def test_blocks_are_in_the_order_that_was_asked(opened, first):
    r, files = opened
    second = {"bare": "load", "load": "bare"}[first]
    for request in (first, second):
        r.ok(request, **files)
    result = r.ok("alternate", order="rbbr", iterations=5, lead=1)
    edges = [edge for b in result["blocks"] for edge in (b["start_ns"], b["end_ns"])]
    assert edges == sorted(edges) and len(edges) == 8
    took = [b["end_ns"] - b["start_ns"] for b in result["blocks"]]
    assert min(took[1], took[2]) > 5_000_000  # it sleeps that long, the lead apart
    assert max(b["cpu_ns"] for b in result["blocks"][1:3]) < 4_000_000  # asleep, it uses none
    for block in result["blocks"]:
        counted = not result["no_counters"]
        assert ("instructions" in block) == ("cycles" in block) == counted


def test_the_network_does_the_iterations_of_its_blocks_and_no_others(opened):
    r, files = opened
    r.ok("load", **files)
    for iterations in (1, 4, 1, 4):  # leads and blocks
        r.ok("measure", scenario="train", iterations=iterations, first_slot=0)
    want = r.ok("measure", scenario="train", iterations=1, first_slot=0)["loss"]
    r.ok("unload")
    r.ok("bare", **files)
    r.ok("load", **files)
    r.ok("alternate", order="rbr", iterations=4, lead=1)
    assert r.ok("measure", scenario="train", iterations=1, first_slot=0)["loss"] == want


def test_what_is_asked_out_of_turn_is_refused(opened):
    r, files = opened
    assert r.code("alternate", order="rb", iterations=1) == "bad_request"
    r.ok("load", **files)
    assert r.code("alternate", order="rb", iterations=1) == "bad_request"
    r.ok("bare", **files)
    assert r.code("bare", **files) == "bad_request"
    for wrong in ({"order": "rx", "iterations": 1}, {"order": "", "iterations": 1}):
        assert r.code("alternate", **wrong) == "bad_request"
    assert r.code("alternate", order="rb", iterations=0) == "bad_request"
    r.ok("unload")
    assert r.code("alternate", order="rb", iterations=1) == "bad_request"
    r.ok("bare", **files)  # one workload after another


def test_a_framework_without_a_bare_loop_says_so(tmp_path):
    r = Runner()
    r.ok("hello", protocol=1, device="cpu", threads=1)
    error = r.ask("bare", **plans.files(tmp_path, plans.small("infer")))["error"]
    r.process.kill()
    r.process.communicate()
    assert error["code"] == "unsupported" and "no bare loop" in error["message"]


def test_a_precision_that_the_loop_lacks_is_unsupported(opened, tmp_path):
    r, _ = opened
    document = plans.small("infer")
    document["precision"] = "bf16"
    error = r.ask("bare", **plans.files(tmp_path, document))["error"]
    assert error["code"] == "unsupported" and "bf16" in error["message"]
