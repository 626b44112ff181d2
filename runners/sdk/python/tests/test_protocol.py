"""The protocol as the harness sees it: a process, lines in, lines out."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import plans
import pytest

from dlbench_sdk import safetensors

ROOT = pathlib.Path(__file__).parent.parent
ADAPTER = ROOT.parent.parent / "frameworks" / "reference" / "adapter.py"


class Runner:
    def __init__(self, adapter=ADAPTER):
        env = dict(os.environ, PYTHONPATH=str(ROOT), OPENBLAS_NUM_THREADS="1")
        command = [sys.executable, "-m", "dlbench_sdk", str(adapter)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=env, text=True, **pipes)
        self.id = 0

    def line(self, text: str) -> dict:
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def ask(self, request: str, **params) -> dict:
        self.id += 1
        reply = self.line(json.dumps({"id": self.id, "request": request, "params": params}))
        assert reply["id"] == self.id
        return reply

    def ok(self, request: str, **params) -> dict:
        reply = self.ask(request, **params)
        assert "result" in reply, reply
        return reply["result"]

    def code(self, request: str, **params) -> str:
        return self.ask(request, **params)["error"]["code"]


@pytest.fixture
def runner():
    r = Runner()
    yield r
    r.process.kill()
    r.process.wait()
    for pipe in (r.process.stdin, r.process.stdout, r.process.stderr):
        pipe.close()


@pytest.fixture
def open_runner(runner):
    runner.ok("hello", protocol=1, device="cpu", threads=1)
    return runner


def test_a_whole_session(open_runner, tmp_path):
    r = open_runner
    assert r.ok("load", **plans.files(tmp_path, plans.small()))["parameters"] > 0
    verified = r.ok("verify", output=str(tmp_path / "v"), steps=4, gradients=True)
    assert verified["shapes"]["conv"] == [2, 4, 6, 5]
    tensors = safetensors.read(str(tmp_path / "v"))
    assert tensors["trajectory"].shape == (4,)
    assert tensors["grad.0/w"].shape == (4, 3, 3, 3)
    warm = r.ok("warmup", iterations=4, first_slot=0)
    assert len(warm["iteration_ns"]) == 4
    # verify left the state as it was: the first losses are the trajectory's
    np.testing.assert_allclose(warm["losses"], tensors["trajectory"][:3], rtol=1e-12)
    block = r.ok("measure", scenario="train", iterations=3, first_slot=0)
    assert block["end_ns"] > block["start_ns"] and block["loss"] > 0
    assert r.ok("unload") == {} and r.ok("bye") == {}
    assert r.process.wait(10) == 0


def test_single_stream_and_the_output(open_runner, tmp_path):
    r = open_runner
    r.ok("load", **plans.files(tmp_path, plans.small("infer")))
    r.ok("verify", output=str(tmp_path / "v"))
    out = str(tmp_path / "o")
    block = r.ok("measure", scenario="single-stream", iterations=2, first_slot=0, output=out)
    assert len(block["iteration_ns"]) == 2
    # the last iteration used slot 1
    verified = safetensors.read(str(tmp_path / "v"))["output.logits.slot1"]
    np.testing.assert_allclose(safetensors.read(out)["output"], verified, rtol=1e-5)


def test_queries_of_a_multi_stream(open_runner, tmp_path):
    r = open_runner
    r.ok("load", **plans.files(tmp_path, plans.small("infer")))
    block = r.ok("measure", scenario="multi-stream", iterations=6, query_iterations=2)
    assert len(block["query_ns"]) == 3
    assert sum(block["query_ns"]) <= block["end_ns"] - block["start_ns"]
    assert r.code("measure", scenario="multi-stream", iterations=6) == "bad_request"
    assert (
        r.code("measure", scenario="multi-stream", iterations=6, query_iterations=4)
        == "bad_request"
    )


def test_a_schedule_is_kept(open_runner, tmp_path):
    r = open_runner
    r.ok("load", **plans.files(tmp_path, plans.small("infer")))
    arrivals = [0, 0, 0, 200_000_000]
    block = r.ok("measure", scenario="server", iterations=4, arrival_ns=arrivals)
    assert block["end_ns"] - block["start_ns"] > arrivals[-1]
    # Three at once wait for one another, and their latency says so.
    first, second, third, late = block["query_ns"]
    assert 0 < first < second < third
    assert late < arrivals[-1]
    assert len(block["lag_ns"]) == 4 and min(block["lag_ns"]) >= 0
    for wrong in ([0, 0, 0], [0, 1, 2, "x"], [0, 2, 1, 3], [-1, 0, 0, 0], 7, None):
        assert r.code("measure", scenario="server", iterations=4, arrival_ns=wrong) == "bad_request"


def test_faults_have_codes_and_the_session_goes_on(open_runner, tmp_path):
    r = open_runner
    assert r.line("this is no JSON")["error"]["code"] == "bad_request"
    assert r.line('{"id": "x", "request": "hello"}')["error"]["code"] == "bad_request"
    assert r.code("dance") == "unknown_request"
    assert r.code("measure", scenario="offline", iterations=1) == "bad_request"
    paths = plans.files(tmp_path, plans.small("infer"))
    r.ok("load", **paths, a_later_field=1)
    assert r.code("load", **paths) == "bad_request"
    assert r.code("measure", scenario="dance", iterations=1) == "bad_request"
    assert r.code("measure", scenario="offline", iterations=0) == "bad_request"
    r.ok("unload")


@pytest.mark.parametrize("which", ["plan", "weights", "batch"])
@pytest.mark.parametrize("how", ["missing", "truncated", "rubbish"])
def test_broken_files_are_bad_input_by_name(open_runner, tmp_path, which, how):
    paths = plans.files(tmp_path, plans.small("infer"))
    path = pathlib.Path(paths[which])
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path.write_bytes(b"rubbish" * 30)
    error = open_runner.ask("load", **paths)["error"]
    assert error["code"] == "bad_input", error
    assert which in error["message"]
    assert "result" in open_runner.ask("load", **plans.files(tmp_path, plans.small("infer")))


def test_an_unknown_operator_is_unsupported(open_runner, tmp_path):
    doc = plans.small("infer")
    doc["network"]["nodes"][2]["op"] = "Einsum"
    error = open_runner.ask("load", **plans.files(tmp_path, doc))["error"]
    assert error["code"] == "unsupported" and "Einsum" in error["message"]


def test_prints_do_not_break_the_stream():
    code = "import os; os.write(1, b'noise'); print('more'); os.system('echo child')"
    start = "from dlbench_sdk.server import take_stdout; replies = take_stdout()"
    script = f"{start}; {code}; replies.write('reply')"
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True)
    assert done.stdout == "reply"
    assert "noise" in done.stderr and "more" in done.stderr and "child" in done.stderr


def test_end_of_input_is_the_end(open_runner):
    open_runner.process.stdin.close()
    assert open_runner.process.wait(10) == 0


def test_sigterm_is_the_end(open_runner):
    open_runner.process.send_signal(signal.SIGTERM)
    assert open_runner.process.wait(10) == 0


def test_unknown_runner():
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    command = [sys.executable, "-m", "dlbench_sdk", "nothing/adapter.py"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 2 and "nothing" in done.stderr


def adapted(tmp_path: pathlib.Path, *lines: str) -> Runner:
    """The reference, whose networks are changed by these lines as soon as they are made."""
    adapter = tmp_path / "adapter.py"
    changes = "\n".join(f"    {line}" for line in lines)
    adapter.write_text(
        f"import atexit, gc\n"
        f"from dlbench_sdk import loading\n"
        f"made = loading.load({str(ADAPTER)!r}).framework()\n"
        f"build = made.build\n"
        f"def changed(plan):\n"
        f"    network = build(plan)\n"
        f"{changes}\n"
        f"    return network\n"
        f"made.build = changed\n"
        f"def framework():\n"
        f"    return made\n"
    )
    r = Runner(adapter)
    r.ok("hello", protocol=1, device="cpu", threads=1)
    r.ok("load", **plans.files(tmp_path, plans.small("infer")))
    return r


@pytest.mark.parametrize("last", ["bye", None])
def test_a_runner_leaves_without_taking_its_framework_apart(tmp_path, last):
    r = adapted(
        tmp_path,
        "atexit.register(print, 'taken apart')",
        "network.close = lambda: print('closed')",
    )
    if last is not None:
        r.ok(last)
    _, said = r.process.communicate(timeout=30)
    assert r.process.returncode == 0 and said.split() == ["closed"]


def test_what_is_loaded_is_set_aside_until_it_is_unloaded(tmp_path):
    r = adapted(
        tmp_path,
        "print(gc.get_freeze_count() > 0)",
        "step = network.step",
        "network.step = lambda slot: print(gc.get_freeze_count() > 0) or step(slot)",
    )
    r.ok("warmup", iterations=1, first_slot=0)
    r.ok("unload")
    r.ok("load", **plans.files(tmp_path, plans.small("infer")))
    _, said = r.process.communicate(timeout=30)
    assert said.split() == ["False", "True", "False"]
