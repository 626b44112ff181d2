"""python3 -m dlbench_bare FILE answers the protocol's requests with the bare loops of that file."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time

from .loading import Loops, Refused


def main() -> int:
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    threads = int(os.environ.get("DLBENCH_THREADS", "1"))
    loops = Loops(sys.argv[1])
    workload = None
    for line in sys.stdin:
        request = json.loads(line)
        params = request.get("params") or {}
        result: dict = {}
        try:
            if request["request"] == "hello":
                device = params.get("device", "cpu")
                result = hello(loops.start(threads, device), threads, device, loops.precisions)
            elif request["request"] == "load":
                with open(params["plan"], encoding="utf-8") as file:
                    workload = loops.build(json.load(file))
                result = {"load_s": 0.0, "parameters": 0}
        except Refused as refusal:
            refuse(replies, request, refusal.code, str(refusal))
            continue
        if request["request"] == "warmup":
            result = {"iteration_ns": warm(workload, params["iterations"])}
        elif request["request"] == "measure":
            start, end, output = workload.loop(params["iterations"], params["first_slot"])
            result = {"start_ns": start, "end_ns": end, "output_digest": digest(output)}
            if workload.mode == "train":
                result["loss"] = float(output.reshape(-1)[0])
        replies.write(json.dumps({"id": request["id"], "result": result}) + "\n")
        replies.flush()
        if request["request"] == "bye":
            break
    return 0


def refuse(replies, request: dict, code: str, message: str) -> None:
    error = {"code": code, "message": message}
    replies.write(json.dumps({"id": request["id"], "error": error}) + "\n")
    replies.flush()


def hello(framework: dict, threads: int, device: str, precisions) -> dict:
    return {
        "protocol": 1,
        "runner": "bare",
        "framework": framework["name"],
        "framework_version": framework["version"],
        "adapter_digest": "",
        "build": {},
        "device": {"kind": device.partition(":")[0], "name": ""},
        "terms": {
            "threads": threads,
            "cpus": sorted(os.sched_getaffinity(0)),
            "layout": "NHWC",
            "execution": "as documented",
            "precision": "fp32",
            "switches": {},
        },
        "capabilities": {
            "operators": [],
            "modes": ["infer", "train"],
            "precisions": list(precisions),
            "running_variance": "unbiased",
        },
        "import_s": 0.0,
        "pid": os.getpid(),
    }


def warm(workload, iterations: int) -> list[int]:
    durations = []
    for i in range(iterations):
        began = time.monotonic_ns()
        workload.loop(1, i % 2)
        durations.append(time.monotonic_ns() - began)
    return durations


def digest(output) -> str:
    return hashlib.sha256(output.astype("<f4").tobytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
