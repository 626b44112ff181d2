"""The protocol loop: requests in, replies out, faults turned into error codes."""

import ctypes
import errno
import gc
import glob
import hashlib
import json
import os
import re
import signal
import sys
import time
import traceback

import numpy as np

from dlbench_sdk import alternation, loops  # the same texts as for Python 3
from dlbench_sdk.counters import Counters

from . import plan as plans
from . import safetensors
from .plan import DeviceUnavailable
from .verify import verify

PROTOCOL = 1
NO_PRECISION = {
    "bf16": "CNTK has no bfloat16",
    "fp16": "this runner has no float16 for CNTK, which computes in it on GPUs only",
}
PROCESS_CPU_TIME = 2  # the clock of all threads of a process
LONGEST = 400  # characters of an error message
OUT_OF_MEMORY = ("out of memory", "bad allocation", "bad_alloc", "can't allocate memory")


class RequestError(Exception):
    """A request that is refused with a code of its own."""

    def __init__(self, code, message):
        Exception.__init__(self, message)
        self.code = code


class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class Monotonic(object):
    """CLOCK_MONOTONIC in nanoseconds, which Python 2.7 has no function for; or another clock."""

    def __init__(self, clock=1):
        self.clock = clock
        self.read = ctypes.CDLL("librt.so.1").clock_gettime
        self.now = Timespec()
        self.place = ctypes.byref(self.now)

    def __call__(self):
        self.read(self.clock, self.place)
        return self.now.seconds * 1000000000 + self.now.nanoseconds


class Server(object):
    """One session. The network's module is imported by the first hello, so that an import that
    fails is a reply and not a crash."""

    def __init__(self):
        self.framework = self.network = self.plan = self.workload = None
        self.clock = Monotonic()
        self.replies = take_stdout()

    def serve(self, requests):
        """Answer until bye or the end of the input."""
        for line in iter(requests.readline, ""):
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

    def reply(self, message):
        self.replies.write(json.dumps(message, allow_nan=False) + "\n")
        self.replies.flush()

    def handle(self, request):
        handlers = {
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
            raise RequestError("unknown_request", "unknown request %r" % str(request["request"]))
        params = request.get("params") or {}
        if not isinstance(params, dict):
            raise RequestError("bad_request", "params is not an object")
        return handler(params)

    def hello(self, params):
        if self.framework is not None:
            raise RequestError("bad_request", "hello came before, and comes once")
        threads, device = integer(params, "threads", 0), params.get("device", "cpu")
        began = time.time()
        try:
            from . import network
            from .operators import OPERATORS
        except ImportError as error:  # the build for GPUs needs the driver's libraries
            raise DeviceUnavailable("CNTK for %s does not load: %s" % (device, error))

        framework = network.Framework()
        framework.open(str(device), threads)
        self.framework = framework
        return {
            "protocol": PROTOCOL,
            "runner": "cntk",
            "framework": "CNTK",
            "framework_version": self.framework.version,
            "adapter_digest": digest_of(os.path.dirname(os.path.abspath(__file__)), loops.__file__),
            "build": self.framework.build_facts,
            "device": self.framework.seen,
            "terms": terms_of(framework.terms()),
            "capabilities": {
                "operators": OPERATORS,
                "modes": ["infer", "train"],
                "precisions": ["fp32"],
                "no_precision": NO_PRECISION,
                "running_variance": "unbiased",
            },
            "import_s": time.time() - began,
            "pid": os.getpid(),
        }

    def load(self, params):
        framework = self.opened()
        if self.network is not None:
            raise RequestError("bad_request", "load before unload of the former workload")
        plan = plans.read(*[text(params, name) for name in ("plan", "weights", "batch")])
        began = time.time()
        self.network = framework.build(plan)
        self.plan = plan
        return {
            "load_s": time.time() - began,
            "parameters": sum(int(plan.weights[name].size) for name in plan.trainable),
            "terms": terms_of(self.network.terms()),
        }

    def verify(self, params):
        self.loaded()
        output = text(params, "output")
        verify(self.network, self.plan, params)
        return {"output": output, "shapes": self.network.shapes()}

    def warmup(self, params):
        self.loaded()
        first, iterations = integer(params, "first_slot", 0), integer(params, "iterations")
        durations, losses = [], []
        for i in range(iterations):
            began = self.clock()
            handle = self.network.step((first + i) % self.plan.slots)
            self.network.wait(handle)
            durations.append(self.clock() - began)
            if self.plan.training and i < 3:
                losses.append(scalar(self.network.read(handle)))
        return {"iteration_ns": durations, "losses": losses}

    def measure(self, params):
        self.loaded()
        loop = self.loop(params)
        gc.collect()
        result, handle = loop()
        output = np.ascontiguousarray(self.network.read(handle), dtype="<f4")
        result["output_digest"] = hashlib.sha256(output.tobytes()).hexdigest()
        if self.plan.training:
            result["loss"] = scalar(output)
        if params.get("output"):
            safetensors.write(params["output"], {"output": output})
        return result

    def loop(self, params):
        """What a block runs, with everything that can be wrong with it looked at before."""
        step, wait, clock = self.network.step, self.network.wait, self.clock
        iterations, slot = integer(params, "iterations"), integer(params, "first_slot", 0)
        order = [(slot + i) % self.plan.slots for i in range(iterations)]
        scenario = params.get("scenario")
        if scenario in ("offline", "train"):
            return lambda: loops.back_to_back(step, wait, clock, order)
        if scenario == "single-stream":
            return lambda: loops.one_at_a_time(step, wait, clock, order)
        if scenario == "multi-stream":
            size = integer(params, "query_iterations")
            if iterations % size:
                message = "%d iterations are not whole queries of query_iterations %d"
                raise RequestError("bad_request", message % (iterations, size))
            return lambda: loops.queries(step, wait, clock, order, size)
        if scenario == "server":
            arrivals = arrivals_of(params, iterations)
            return lambda: loops.scheduled(step, wait, clock, order, arrivals)
        if scenario == "sliding-window":
            raise RequestError("unsupported", "sliding-window: CNTK's adapter has fixed batches")
        raise RequestError("bad_request", "unknown scenario %r" % str(scenario))

    def bare(self, params):
        """The plan's bare loop, beside the network or before there is one."""
        self.opened()
        if self.workload is not None:
            raise RequestError("bad_request", "bare before unload of the former workload")
        from .bare import Workload

        with open(text(params, "plan")) as stream:
            plan = json.load(stream)
        began = time.time()
        workload = Workload(plan["network"]["name"], plan["mode"], plan["batch"], plan["classes"])
        self.workload = workload
        return {"load_s": time.time() - began}

    def alternate(self, params):
        """Blocks of the network and of the bare loop, from slot 0, in the order that is asked."""
        self.loaded()
        if self.workload is None:
            raise RequestError("bad_request", "bare has to come first")
        order = text(params, "order")
        if set(order) - set(alternation.SIDES):
            raise RequestError("bad_request", "order is %r, expected only r and b" % str(order))
        iterations, lead = integer(params, "iterations"), integer(params, "lead", 0)
        network, clock, slots, bare = self.network, self.clock, self.plan.slots, self.workload.loop

        def own(count):
            times, _ = loops.back_to_back(
                network.step, network.wait, clock, [i % slots for i in range(count)]
            )
            return times["start_ns"], times["end_ns"]

        def of(loop):
            return lambda: lead and loop(lead), lambda: loop(iterations)[:2]

        sides = {"r": of(own), "b": of(lambda count: bare(count, 0))}
        counters = Counters()
        try:
            blocks = alternation.alternate(
                sides, order, gc.collect, counters, Monotonic(PROCESS_CPU_TIME)
            )
        finally:
            counters.close()
        return {"blocks": blocks, "no_counters": counters.missing}

    def unload(self, _):
        self.workload = None
        if self.network is not None:
            self.network.close()
        self.plan = self.network = None
        gc.collect()
        return {}

    def opened(self):
        if self.framework is None:
            raise RequestError("bad_request", "hello has to come first")
        return self.framework

    def loaded(self):
        self.opened()
        if self.network is None:
            raise RequestError("bad_request", "load has to come first")


def terms_of(terms):
    """The protocol's, of which None means that nobody tells."""
    switches = dict(terms["switches"])
    if not terms["threads"]:
        switches["threads"] = "unconfirmed"
    return {
        "threads": terms["threads"] or 0,
        "cpus": allowed_cpus(),
        "layout": terms["layout"],
        "execution": terms["execution"],
        "precision": "fp32",
        "switches": switches,
    }


def scalar(value):
    """A loss for JSON, which has no NaN: a loss that is none is null."""
    number = float(np.asarray(value).reshape(-1)[0])
    return number if np.isfinite(number) else None


def integer(params, name, default=None):
    """A count: positive, or at least zero if it has a default."""
    value, least = params.get(name, default), 1 if default is None else 0
    if not isinstance(value, (int, long)) or value < least:  # noqa: F821
        text = "%s is %r, expected an integer from %d" % (name, value, least)
        raise RequestError("bad_request", text)
    return int(value)


def arrivals_of(params, iterations):
    """When each query is scheduled, in nanoseconds after the block's start."""
    arrivals = params.get("arrival_ns")
    whole = isinstance(arrivals, list) and all(isinstance(ns, (int, long)) for ns in arrivals)  # noqa: F821
    if not whole or len(arrivals) != iterations:
        message = "arrival_ns has to be a list of %d integers, one an iteration"
        raise RequestError("bad_request", message % iterations)
    if any(b < a for a, b in zip([0] + arrivals, arrivals)):
        raise RequestError("bad_request", "arrival_ns runs backwards")
    return arrivals


def text(params, name):
    value = params.get(name)
    if not value or not hasattr(value, "encode"):
        raise RequestError("bad_request", "%s is %r, expected a path" % (name, value))
    return value


def parse(line):
    try:
        request = json.loads(line.decode("utf-8", "replace"))
    except ValueError as error:
        raise RequestError("bad_request", "the request is not JSON: %s" % error)
    if not isinstance(request, dict) or not isinstance(request.get("id"), int):
        raise RequestError("bad_request", "a request is an object with an integer id")
    if not hasattr(request.get("request"), "encode"):
        text = "a request names what it wants in the field request"
        raise RequestError("bad_request", text)
    return request


def fault(error):
    """The stable code of a fault, and its message."""
    message = "%s: %s" % (type(error).__name__, str(error).decode("utf-8", "replace"))
    if len(message) > LONGEST:  # the log has all of it
        message = message[: LONGEST // 2] + " \u2026 " + message[-LONGEST // 2 :]
    if isinstance(error, RequestError):
        return {"code": error.code, "message": str(error)}
    if isinstance(error, plans.Unsupported):
        return {"code": "unsupported", "message": str(error)}
    if isinstance(error, DeviceUnavailable):
        return {"code": "device_unavailable", "message": str(error)}
    missing = isinstance(error, EnvironmentError) and error.errno == errno.ENOENT
    if missing or isinstance(error, (plans.BadPlan, safetensors.BadFile)):
        return {"code": "bad_input", "message": message}
    full = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    if isinstance(error, EnvironmentError) and error.errno in full:
        return {"code": "disk_full", "message": message}
    if isinstance(error, MemoryError) or any(sign in message for sign in OUT_OF_MEMORY):
        return {"code": "out_of_memory", "message": message}
    return {"code": "internal", "message": message}


def allowed_cpus():
    """sched_getaffinity, which Python 2.7 has no function for."""
    with open("/proc/self/status") as stream:
        found = re.search(r"^Cpus_allowed_list:\s*(\S+)", stream.read(), re.MULTILINE)
    cpus = []
    for part in found.group(1).split(","):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return cpus


def digest_of(directory, loops_file):
    digest = hashlib.sha256()
    shared = os.path.splitext(loops_file)[0] + ".py"  # of a .pyc too
    for path in sorted(glob.glob(os.path.join(directory, "*.py"))) + [shared]:
        with open(path, "rb") as stream:
            digest.update(os.path.basename(path) + b"\0" + stream.read())
    return digest.hexdigest()


def take_stdout():
    """Keep a private duplicate of standard output for replies and point descriptor 1 at
    standard error, so that no framework's print can break the stream."""
    private = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(private, "w")


def leave(code):
    """End the process at once: taking CNTK apart takes time, and ends with the process anyway."""
    sys.stderr.flush()
    os._exit(code)


def stop_on_sigterm():
    """End at once and quietly: the harness sends SIGTERM when it has no more questions."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the harness's
