"""The tensors that parity judges. The harness judges them, never the runner."""

from __future__ import annotations

import numpy as np

from . import safetensors
from .adapter import Adapter
from .plan import Plan


def verify(adapter: Adapter, plan: Plan, params: dict) -> None:
    """Write what was asked for and leave the adapter as it was loaded."""
    dtype = np.float64 if params.get("noise") or _wide(adapter) else np.float32
    tensors: dict[str, np.ndarray] = {}

    def put(name: str, value) -> None:
        tensors[name] = np.ascontiguousarray(value, dtype=dtype)

    noise = params.get("noise")
    if noise:
        adapter.set_noise(noise["precision"], noise["seed"], noise.get("scale") or 1.0)
    adapter.reset()
    try:
        for slot in range(plan.slots):
            suffix = "" if slot == 0 else f".slot{slot}"
            for name, value in adapter.outputs(slot).items():
                put(f"output.{name}{suffix}", value)
        if plan.training:
            if params.get("gradients"):
                _steps_in_depth(adapter, plan, put)
            _trajectory(adapter, plan, int(params.get("steps") or 0), put)
    finally:
        if noise:
            adapter.set_noise("", 0)
        adapter.reset()
    safetensors.write(params["output"], tensors)


def _wide(adapter: Adapter) -> bool:
    return getattr(adapter, "float64", False)


def _steps_in_depth(adapter: Adapter, plan: Plan, put) -> None:
    """Two steps by the timed function, with the gradients that each started from."""
    for step in (0, 1):
        slot = step % plan.slots
        loss, gradients = adapter.gradients(slot)
        if step == 0:
            put("loss", [loss])
        for name, value in gradients.items():
            if name != "input":
                put(f"grad.{step}/{name}", value)
            elif step == 0:
                put("grad.input", value)
        adapter.synchronize(adapter.step(slot))
        used = None if plan.precision == "fp32" else adapter.used()
        for name, value in (used or {}).items():
            put(f"grad.{step}/{name}", value)
        for name, value in adapter.state().items():
            kind = "param" if plan.roles[name] == "trainable" else "stat"
            put(f"{kind}.{step + 1}/{name}", value)
    adapter.reset()


def _trajectory(adapter: Adapter, plan: Plan, steps: int, put) -> None:
    """The losses that consecutive steps saw, each before its update."""
    if steps:
        losses = [adapter.read(adapter.step(i % plan.slots)) for i in range(steps)]
        put("trajectory", np.concatenate([np.asarray(x).reshape(-1)[:1] for x in losses]))
