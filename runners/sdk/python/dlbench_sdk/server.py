"""The protocol loop: requests in, replies out, faults turned into error codes."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import gc
import hashlib
import io
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, TextIO

import numpy as np

from . import alternation, loading, loops, safetensors, sliding, slowed
from . import plan as plans
from .beside import Beside
from .contract import Description, DeviceUnavailable, Framework, Network, Terms, Timed
from .verify import verify

PROTOCOL = 1
SLIDING_WINDOW = "sliding-window"
LONGEST = 400  # characters of an error message
# How frameworks put it whose exceptions are no MemoryError.
OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "OOM when")


class RequestError(Exception):
    """A request that is refused with a code of its own."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class Server:
    """One session. The framework is made by the first hello, so that an import that fails is a
    reply and not a crash."""

    def __init__(self, name: str, make: Callable[[], Framework], sources: list[str]):
        self.name, self.make, self.sources = name, make, sources
        self.framework: Framework | None = None
        self.description: Description | None = None
        self.network: Network | None = None
        self.plan: plans.Plan | None = None
        self.beside: Beside | None = None
        self.aside = False
        self.slowdown = slowed.share()
        self.replies = take_stdout()

    def serve(self, requests: TextIO) -> int:
        """Answer until bye or the end of the input."""
        if isinstance(requests, io.TextIOWrapper):  # no byte may end the session
            requests.reconfigure(encoding="utf-8", errors="replace")
        for line in requests:
            if not line.strip():
                continue
            identifier, done = 0, False
            try:
                request = parse(line)
                identifier, done = request["id"], request["request"] == "bye"
                self.reply({"id": identifier, "result": self.handle(request)})
            except Exception as error:
                traceback.print_exc(file=sys.stderr)
                self.reply({"id": identifier, "error": fault(error)})
            if done:
                break
        if self.network is not None:
            self.network.close()
        return 0

    def reply(self, message: dict) -> None:
        self.replies.write(json.dumps(message, allow_nan=False) + "\n")
        self.replies.flush()

    def handle(self, request: dict) -> dict:
        handlers: dict[str, Callable[[dict], dict]] = {
            "hello": self.hello,
            "load": self.load,
            "verify": self.verify,
            "warmup": self.warmup,
            "measure": self.measure,
            "bare": self.bare,
            "alternate": self.alternate,
            "unload": self.unload,
            "bye": lambda _: {},
        }
        handler = handlers.get(request["request"])
        if handler is None:
            raise RequestError("unknown_request", f"unknown request {request['request']!r}")
        params = request.get("params") or {}
        if not isinstance(params, dict):
            raise RequestError("bad_request", "params is not an object")
        return handler(params)

    def hello(self, params: dict) -> dict:
        if self.description is not None:
            raise RequestError("bad_request", "hello came before, and comes once")
        threads, device = integer(params, "threads", 0), params.get("device", "cpu")
        framework = self.make()
        began = time.monotonic()
        d = framework.open(device, threads)
        import_s = time.monotonic() - began
        self.framework, self.description = framework, d
        self.beside = Beside(self.sources[0], device, threads)
        return {
            "protocol": PROTOCOL,
            "runner": self.name,
            "framework": d.framework,
            "framework_version": d.version,
            "adapter_digest": digest_of({*self.sources, *loaded_sources()}),
            "build": d.build,
            "device": dataclasses.asdict(d.device),
            "terms": self.terms_of(d.terms),
            "capabilities": {
                "operators": sorted(d.operators),
                "modes": list(d.modes),
                "precisions": list(d.precisions),
                "no_precision": d.no_precision,
                "no_training": d.no_training,
                "running_variance": d.running_variance,
                "noise": d.noise,
            },
            "import_s": import_s,
            "pid": os.getpid(),
        }

    def load(self, params: dict) -> dict:
        framework, description = self.opened()
        if self.network is not None:
            raise RequestError("bad_request", "load before unload of the former workload")
        plan = plans.read(*(text(params, name) for name in ("plan", "weights", "batch")))
        if plan.precision not in description.precisions:
            others = f"there are {', '.join(description.precisions)}"
            reason = description.no_precision.get(plan.precision, others)
            raise plans.Unsupported(f"precision {plan.precision}: {reason}")
        if plan.training and plan.precision in description.no_training:
            reason = description.no_training[plan.precision]
            raise plans.Unsupported(f"training in {plan.precision}: {reason}")
        began = time.monotonic()
        network = framework.build(plan)
        load_s = time.monotonic() - began
        if self.slowdown is not None:
            slowed.slow(network, self.slowdown)
        self.network, self.plan = network, plan
        return {
            "load_s": load_s,
            "parameters": sum(plan.weights[name].size for name in plan.trainable),
            "terms": self.terms_of(network.terms()),
        }

    def verify(self, params: dict) -> dict:
        network, plan = self.loaded()
        output = text(params, "output")
        verify(network, plan, params)
        return {"output": output, "shapes": network.shapes()}

    def warmup(self, params: dict) -> dict:
        network, plan = self.loaded()
        first, iterations = integer(params, "first_slot", 0), integer(params, "iterations")
        if not self.aside:
            set_aside()
            self.aside = True
        durations, losses = [], []
        for i in range(iterations):
            began = time.monotonic_ns()
            handle = network.step((first + i) % plan.slots)
            network.wait(handle)
            durations.append(time.monotonic_ns() - began)
            if plan.training and i < 3:
                losses.append(scalar(network.read(handle)))
        return {"iteration_ns": durations, "losses": losses}

    def measure(self, params: dict) -> dict:
        network, plan = self.loaded()
        loop = self.loop(params)
        # Every block starts without old garbage. The collector stays on, as in anybody's program:
        # models in Python leave cycles that hold their activations.
        gc.collect()
        result, handle = loop()
        whole = params.get("scenario") == SLIDING_WINDOW  # and assembled on the host already
        output = np.ascontiguousarray(handle if whole else network.read(handle), dtype="<f4")
        result["output_digest"] = hashlib.sha256(output.tobytes()).hexdigest()
        if plan.training:
            result["loss"] = scalar(output)
        if params.get("output"):
            safetensors.write(params["output"], {"output": output})
        return result

    def loop(self, params: dict) -> Callable[[], tuple[dict, Any]]:
        """What a block runs, with everything that can be wrong with it looked at before."""
        network, plan = self.loaded()
        step, wait, clock = network.step, network.wait, time.monotonic_ns
        iterations, slot = integer(params, "iterations"), integer(params, "first_slot", 0)
        order = [(slot + i) % plan.slots for i in range(iterations)]
        scenario = params.get("scenario")
        if scenario in ("offline", "train"):
            timed = network if isinstance(network, Timed) else None
            return lambda: loops.back_to_back(step, wait, clock, order, timed)
        if scenario == "single-stream":
            return lambda: loops.one_at_a_time(step, wait, clock, order)
        if scenario == "multi-stream":
            size = integer(params, "query_iterations")
            if iterations % size:
                text = f"{iterations} iterations are not whole queries of query_iterations {size}"
                raise RequestError("bad_request", text)
            return lambda: loops.queries(step, wait, clock, order, size)
        if scenario == "server":
            arrivals = arrivals_of(params, iterations)
            return lambda: loops.scheduled(step, wait, clock, order, arrivals)
        if scenario == SLIDING_WINDOW:
            return self.whole_volumes(params, iterations, slot)
        raise RequestError("bad_request", f"unknown scenario {scenario!r}")

    def whole_volumes(
        self, params: dict, iterations: int, first: int
    ) -> Callable[[], tuple[dict, Any]]:
        """Queries that are whole volumes: with the batches that the window's patches make up."""
        network, plan = self.loaded()
        size, overlap = window_of(params)
        if plan.training:
            raise RequestError("bad_request", f"{SLIDING_WINDOW} is of inference")
        try:
            scan = sliding.Scan(network, plan, size, overlap)
        except ValueError as error:
            raise RequestError("bad_request", f"window: {error}") from error
        batches = integer(params, "query_iterations")
        if batches != scan.batches or iterations % batches:
            text = f"{iterations} iterations in queries of query_iterations {batches}"
            raise RequestError("bad_request", f"{text}: a volume's patches make {scan.batches}")
        scan.restore()  # what cannot be done is known before the clock starts

        def run() -> tuple[dict, Any]:
            try:
                return sliding.volumes(scan, time.monotonic_ns, iterations // batches, first)
            finally:
                scan.restore()

        return run

    def bare(self, params: dict) -> dict:
        """The plan's bare loop, beside the network or before there is one."""
        beside = self.compared()
        if beside.workload is not None:
            raise RequestError("bad_request", "bare before unload of the former workload")
        return {"load_s": beside.build(text(params, "plan"))}

    def alternate(self, params: dict) -> dict:
        network, plan = self.loaded()
        beside = self.compared()
        if beside.workload is None:
            raise RequestError("bad_request", "bare has to come first")
        order = text(params, "order")
        if set(order) - set(alternation.SIDES):
            raise RequestError("bad_request", f"order is {order!r}, expected only r and b")
        iterations, lead = integer(params, "iterations"), integer(params, "lead", 0)
        return beside.alternate(network, plan, order, iterations, lead)

    def unload(self, _: dict) -> dict:
        if self.beside is not None:
            self.beside.close()
        if self.network is not None:
            network, self.network, self.plan = self.network, None, None
            network.close()
            del network
            self.aside = False
            gc.unfreeze()
            gc.collect()
        return {}

    def opened(self) -> tuple[Framework, Description]:
        if self.framework is None or self.description is None:
            raise RequestError("bad_request", "hello has to come first")
        return self.framework, self.description

    def loaded(self) -> tuple[Network, plans.Plan]:
        self.opened()
        if self.network is None or self.plan is None:
            raise RequestError("bad_request", "load has to come first")
        return self.network, self.plan

    def compared(self) -> Beside:
        self.opened()
        assert self.beside is not None  # hello made it
        return self.beside

    def terms_of(self, terms: Terms) -> dict:
        terms = slowed.told(terms, self.slowdown)
        switches = dict(terms.switches)
        if not terms.threads:
            switches["threads"] = "unconfirmed"
        return {
            "threads": terms.threads or 0,
            "cpus": sorted(os.sched_getaffinity(0)),
            "layout": terms.layout,
            "execution": terms.execution,
            "precision": terms.precision,
            "switches": switches,
        }


def scalar(value: np.ndarray) -> float | None:
    """A loss for JSON, which has no NaN: a loss that is none is null."""
    number = float(np.asarray(value).reshape(-1)[0])
    return number if np.isfinite(number) else None


def integer(params: dict, name: str, default: int | None = None) -> int:
    """A count: positive, or at least zero if it has a default."""
    value, least = params.get(name, default), 1 if default is None else 0
    if not isinstance(value, int) or value < least:
        raise RequestError("bad_request", f"{name} is {value!r}, expected an integer from {least}")
    return value


def arrivals_of(params: dict, iterations: int) -> list[int]:
    """When each query is scheduled, in nanoseconds after the block's start."""
    arrivals = params.get("arrival_ns")
    whole = isinstance(arrivals, list) and all(isinstance(ns, int) for ns in arrivals)
    if not isinstance(arrivals, list) or not whole or len(arrivals) != iterations:
        message = f"arrival_ns has to be a list of {iterations} integers, one an iteration"
        raise RequestError("bad_request", message)
    if any(b < a for a, b in zip([0, *arrivals], arrivals)):
        raise RequestError("bad_request", "arrival_ns runs backwards")
    return arrivals


def window_of(params: dict) -> tuple[list[int], float]:
    """Size and overlap of what is inferred by patches."""
    window = params.get("window")
    given = window if isinstance(window, dict) else {}
    size, overlap = given.get("size"), given.get("overlap")
    if not (
        isinstance(size, list)
        and all(isinstance(s, int) and s > 0 for s in size)
        and isinstance(overlap, (int, float))
    ):
        message = (
            f'window is {window!r}, expected an object like {{"size": [64, 64], "overlap": 0.5}}'
        )
        raise RequestError("bad_request", message)
    return size, float(overlap)


def text(params: dict, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise RequestError("bad_request", f"{name} is {value!r}, expected a path")
    return value


def parse(line: str) -> dict:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise RequestError("bad_request", f"the request is not JSON: {error}") from error
    if not isinstance(request, dict) or not isinstance(request.get("id"), int):
        raise RequestError("bad_request", "a request is an object with an integer id")
    if not isinstance(request.get("request"), str):
        raise RequestError("bad_request", "a request names what it wants in the field request")
    return request


def fault(error: Exception) -> dict:
    """The stable code of a fault, and its message."""
    text = f"{type(error).__name__}: {error}"
    if len(text) > LONGEST:  # the log has all of it
        text = text[: LONGEST // 2] + " … " + text[-LONGEST // 2 :]
    if isinstance(error, RequestError):
        return {"code": error.code, "message": str(error)}
    if isinstance(error, plans.Unsupported):
        return {"code": "unsupported", "message": str(error)}
    if isinstance(error, DeviceUnavailable):
        return {"code": "device_unavailable", "message": str(error)}
    if isinstance(error, (plans.BadPlan, safetensors.BadFile, FileNotFoundError)):
        return {"code": "bad_input", "message": text}
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        return {"code": "disk_full", "message": text}
    if isinstance(error, MemoryError) or any(sign in text for sign in OUT_OF_MEMORY):
        return {"code": "out_of_memory", "message": text}
    return {"code": "internal", "message": text}


def loaded_sources() -> set[str]:
    """The library's files and the adapter's, as far as they were loaded."""
    ours = (f"{__package__}.", loading.PREFIX)
    loaded = [module for name, module in sys.modules.items() if name.startswith(ours)]
    return {module.__file__ for module in loaded if module.__file__}


def digest_of(sources: set[str]) -> str:
    """Over names and bytes; a name is that of the file in its directory, wherever that lies."""
    digest = hashlib.sha256()
    named = {os.path.join(*os.path.abspath(path).split(os.sep)[-2:]): path for path in sources}
    for name, path in sorted(named.items()):
        with open(path, "rb") as file:
            digest.update(name.encode() + b"\0" + file.read())
    return digest.hexdigest()


def set_aside() -> None:
    """Keep what a framework and a loaded network are made of out of later collections: it stays
    anyway, and looking through it takes 0.1 s before every block."""
    gc.collect()
    gc.freeze()


def take_stdout() -> TextIO:
    """Keep a private duplicate of standard output for replies and point descriptor 1 at
    standard error, so that no framework's print can break the stream."""
    private = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(private, "w", encoding="utf-8")


def leave(code: int) -> NoReturn:
    """End the process at once: frameworks take up to 0.8 s to take apart what ends with it
    anyway, and every process that is measured would wait for that."""
    sys.stderr.flush()
    os._exit(code)


def stop_on_sigterm() -> None:
    """End at once and quietly: the harness sends SIGTERM when it has no more questions."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the harness's
