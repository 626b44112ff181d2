"""Threads are read back: a framework that does as it likes is found out, whatever it was asked."""

from __future__ import annotations

import threading
import time
import types

import adapters
import plans

from dlbench_sdk import threads


class Library:
    def __init__(self, count):
        self.omp_get_max_threads = lambda: count


def test_openmp_is_asked_itself(monkeypatch):
    monkeypatch.setattr(threads.ctypes, "CDLL", lambda path: Library(int(path)))
    assert threads.openmp_of(["4"]) == 4
    assert threads.openmp_of(["4", "4"]) == 4
    assert threads.openmp_of(["4", "2"]) is None  # which of them computes, nobody tells
    assert threads.openmp_of([]) is None


def test_openmp_libraries_are_known_by_their_names():
    for name in ("libgomp.so.1.0.0", "libgomp-a34b3233.so.1", "libiomp5.so", "libomp.so.5"):
        assert threads.OPENMP.match(name)
    for name in ("libXcomposite.so.1", "libcompute.so", "libgomp.txt"):
        assert not threads.OPENMP.match(name)


def test_threads_by_name():
    ready, done = threading.Event(), threading.Event()

    def work():
        with open("/proc/thread-self/comm", "w") as file:
            file.write("pool-of-x")
        ready.set()
        done.wait()

    worker = threading.Thread(target=work)
    worker.start()
    ready.wait()
    before = threads.count()
    assert threads.threads_named("pool-of") == 1
    assert threads.threads_named("pool-of-nobody") is None
    done.set()
    worker.join()
    # The kernel lists a thread for a moment after it was joined.
    give_up = time.monotonic() + 10
    while threads.count() != before - 1 and time.monotonic() < give_up:
        time.sleep(0.01)
    assert threads.count() == before - 1


def test_mxnet_and_caffe2_say_what_openmp_says(monkeypatch):
    device = types.SimpleNamespace(device_type="cpu")
    for told in (7, None):
        monkeypatch.setattr(threads, "openmp", lambda told=told: told)
        assert adapters.module("mxnet", "network.py").terms_of(device).threads == told
        assert adapters.module("caffe2", "network.py").terms_of().threads == told


class Deaf:
    """An ONNX Runtime whose sessions have five threads beside the caller's, always."""

    GraphOptimizationLevel = types.SimpleNamespace(ORT_ENABLE_ALL=99)
    SessionOptions = types.SimpleNamespace

    def __init__(self):
        self.done = threading.Event()

    def InferenceSession(self, model, options, providers, enable_fallback):
        assert enable_fallback == 0  # a provider that fails is not replaced silently
        for _ in range(5):
            threading.Thread(target=self.done.wait).start()
        return types.SimpleNamespace(asked=options.intra_op_num_threads)


def test_onnx_runtime_says_how_large_its_pool_is(tmp_path, monkeypatch):
    module = adapters.module("onnxruntime")
    written = types.SimpleNamespace(SerializeToString=lambda: b"")
    monkeypatch.setattr(module.Writer, "model", lambda writer, outputs: written)
    deaf = Deaf()
    plan = plans.loaded(tmp_path, plans.small("infer"))
    try:
        session = module.Session(deaf, None, "cpu", 2, plan)
    finally:
        deaf.done.set()
    assert session.session.asked == 2 and session.terms().threads == 6
    assert module.terms_of("cpu", None).threads is None


def test_nobody_tells_is_unconfirmed(tmp_path):
    from test_protocol import Runner

    adapter = tmp_path / "quiet" / "adapter.py"
    adapter.parent.mkdir()
    adapter.write_text(QUIET)
    runner = Runner(adapter)
    try:
        terms = runner.ok("hello", protocol=1, device="cpu", threads=2)["terms"]
        assert terms["threads"] == 0 and terms["switches"] == {"threads": "unconfirmed"}
    finally:
        runner.process.kill()
        runner.process.communicate()


QUIET = """
from dlbench_sdk.contract import Description, Framework, Terms


class Quiet(Framework):
    def open(self, device, threads):
        return Description("Quiet", "1", {}, [], "biased", Terms(None, "NCHW", "eager"))

    def build(self, plan):
        raise NotImplementedError


def framework():
    return Quiet()
"""


def test_a_thread_that_ends_meanwhile_is_not_counted(monkeypatch):
    named = threads.glob.glob("/proc/self/task/*/comm")
    gone = f"/proc/self/task/{2**22 + 1}/comm"
    monkeypatch.setattr(threads.glob, "glob", lambda _: [gone, *named])
    assert threads.threads_named("") == len(named)
