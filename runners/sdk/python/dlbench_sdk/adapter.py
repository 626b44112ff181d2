"""What a framework has to bring: everything else is the library's."""

from __future__ import annotations

import glob
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .plan import Node, Plan, Unsupported


class DeviceUnavailable(Exception):
    """The device is not there, or this build cannot use it; the message says why."""


@dataclass
class Description:
    """How a framework introduces itself."""

    framework: str
    version: str
    build: dict[str, str]
    operators: Sequence[str]
    running_variance: str  # "biased" or "unbiased": the estimator that its batch norm keeps
    device_kind: str = "cpu"
    device_name: str = ""
    device_uuid: str = ""
    noise: bool = False
    modes: tuple[str, ...] = ("infer", "train")
    precisions: Sequence[str] = ("fp32",)  # on this device
    no_precision: dict[str, str] = field(default_factory=dict)  # of the others, why not


@dataclass
class Terms:
    """The conditions in force, as the framework itself reports them."""

    threads: int
    layout: str
    execution: str
    precision: str = "fp32"
    switches: dict[str, str] = field(default_factory=dict)


def threads_named(start: str) -> int:
    """This process's threads whose names start so: a framework's pool, where nothing else tells
    its size."""
    names = []
    for path in glob.glob("/proc/self/task/*/comm"):
        with open(path, encoding="utf-8") as file:
            names.append(file.read())
    return sum(name.startswith(start) for name in names)


# glibc's settings that keep freed memory for the next iteration instead of giving it back to the
# system, as the allocators that PyTorch's tuning guide recommends in its place do.
ALLOCATOR = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_")


def environment(*names: str) -> dict[str, str]:
    """Those of the variables that are set: switches that belong to the terms."""
    return {name: os.environ[name] for name in names if name in os.environ}


class Adapter(ABC):
    """One framework. Handles are whatever the framework computes on its device."""

    @abstractmethod
    def open(self, device: str, threads: int) -> Description:
        """Import the framework, set threads and device; raises DeviceUnavailable."""

    @abstractmethod
    def terms(self) -> Terms:
        """Say what is in force now."""

    @abstractmethod
    def load(self, plan: Plan) -> None:
        """Build the network with the plan's weights and put the batches on the device."""

    @abstractmethod
    def unload(self) -> None:
        """Forget the network and free its memory."""

    @abstractmethod
    def step(self, slot: int) -> Any:
        """One timed iteration on a slot's batch: logits, or one training step's loss."""

    @abstractmethod
    def synchronize(self, handle: Any) -> None:
        """Wait until a handle's value, and all that was issued before it, is complete; without
        a handle, until nothing is under way."""

    @abstractmethod
    def read(self, handle: Any) -> np.ndarray:
        """Copy a handle to the host, in the plan's layout."""

    @abstractmethod
    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        """Forward pass in the plan's mode: every output of the plan, state unchanged."""

    @abstractmethod
    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        """Loss and gradients (of the mean loss) by parameter, "input" among them where the
        plan asks for it; state unchanged. Training alone."""

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Every parameter and running statistic, in the plan's layout."""

    @abstractmethod
    def reset(self) -> None:
        """Go back to the plan's weights and to a momentum of zero."""

    def used(self) -> dict[str, np.ndarray] | None:
        """The gradients that the last step itself used, by parameter; None where its state does
        not tell. In fewer bits two computations of a gradient differ by more than the update may,
        so that the update is judged by these."""
        return None

    def mark(self) -> Any:
        """An event at this place of the device's own work, None where there are no events."""
        return None

    def between_ns(self, first: Any, last: Any) -> int:
        """The device's time from one event to a later one, both complete."""
        raise NotImplementedError

    def operator(self, node: Node):
        """What computes a node: made by the method that is named like its operator, `_relu`.
        Refusals name the node."""
        make = getattr(self, f"_{node.op.lower()}", None)
        try:
            if make is None:
                raise Unsupported(f"operator {node.op}")
            return make(node)
        except Unsupported as refusal:
            raise Unsupported(f"node {node.name!r}: {refusal}") from None

    def set_noise(self, precision: str, seed: int, scale: float = 1.0) -> None:
        """Round as coarsely as that precision from now on, or not any more. The reference alone."""
        raise Unsupported("noise: this runner computes without it")

    def shapes(self) -> dict[str, list[int]]:
        """NCHW shapes of the nodes, as far as the framework itself tells them."""
        return {}
