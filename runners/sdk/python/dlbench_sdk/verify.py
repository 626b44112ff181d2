"""The tensors that parity judges. The harness judges them, never the runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import safetensors
from .contract import Moving, Network, Noisy, Used
from .plan import Plan, Unsupported

Put = Callable[[str, Any], None]


def verify(network: Network, plan: Plan, params: dict) -> None:
    """Write what was asked for and leave the network as it was built."""
    noise = params.get("noise")
    dtype = np.float64 if network.terms().precision == "fp64" else np.float32
    tensors: dict[str, np.ndarray] = {}

    def put(name: str, value: Any) -> None:
        tensors[name] = np.ascontiguousarray(value, dtype=dtype)

    if noise and not isinstance(network, Noisy):
        raise Unsupported("noise: this runner computes without it")
    if isinstance(network, Noisy) and noise:
        network.set_noise(noise["precision"], noise["seed"], noise.get("scale") or 1.0)
    network.reset()
    try:
        for slot in range(plan.slots):
            suffix = "" if slot == 0 else f".slot{slot}"
            for name, value in network.outputs(slot).items():
                put(f"output.{name}{suffix}", value)
        if plan.training:
            if params.get("gradients"):
                _steps_in_depth(network, plan, put)
            _trajectory(network, plan, int(params.get("steps") or 0), put)
    finally:
        if isinstance(network, Noisy) and noise:
            network.set_noise("", 0)
        network.reset()
    safetensors.write(params["output"], tensors)


def _steps_in_depth(network: Network, plan: Plan, put: Put) -> None:
    """Two steps by the timed function, with the gradients that each started from."""
    for step in (0, 1):
        slot = step % plan.slots
        loss, gradients = network.gradients(slot)
        if step == 0:
            put("loss", [loss])
        for name, value in gradients.items():
            if name != "input":
                put(f"grad.{step}/{name}", value)
            elif step == 0:
                put("grad.input", value)
        for name, value in _used(network, plan, slot).items():
            put(f"grad.{step}/{name}", value)
        for name, value in network.state().items():
            kind = "param" if plan.roles[name] == "trainable" else "stat"
            put(f"{kind}.{step + 1}/{name}", value)
    network.reset()


def _used(network: Network, plan: Plan, slot: int) -> dict[str, np.ndarray]:
    """One step, and the gradients that it used; none in float32, whose gradients repeat."""
    narrow = plan.precision != "fp32"
    before = network.momenta() if narrow and isinstance(network, Moving) else {}
    network.wait(network.step(slot))
    if narrow and isinstance(network, Used):
        return network.used()
    if narrow and isinstance(network, Moving) and plan.optimizer is not None:
        momentum = plan.optimizer.momentum
        wide = {name: v.astype(np.float64) for name, v in network.momenta().items()}
        return {n: v - momentum * before[n] for n, v in wide.items()}
    return {}


def _trajectory(network: Network, plan: Plan, steps: int, put: Put) -> None:
    """The losses that consecutive steps saw, each before its update."""
    if steps:
        losses = [network.read(network.step(i % plan.slots)) for i in range(steps)]
        put("trajectory", np.concatenate([np.asarray(x).reshape(-1)[:1] for x in losses]))
