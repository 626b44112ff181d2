"""What a framework has to bring: everything else is the library's.

An adapter's file has a function `framework()` that makes a Framework. Its life is: made, opened
once, and then one network after another: built, used, closed. Whatever an optional ability needs
is a protocol of its own at the end of this file; nothing else is ever asked of a network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, Protocol, runtime_checkable

import numpy as np

from .plan import Plan, Unsupported


class DeviceUnavailable(Exception):
    """The device is not there, or this build cannot use it; the message says why."""


@dataclass
class Device:
    """What the framework computes on, as it says itself."""

    kind: str = "cpu"  # or "gpu"
    name: str = ""
    uuid: str = ""


@dataclass
class Terms:
    """The conditions in force, as the framework itself reports them."""

    # Of the pool that computes, read back from the framework or its pool, never what was asked
    # for; None if nobody tells.
    threads: Optional[int]  # noqa: UP045 (dataclasses of Python 3.9)
    layout: str
    execution: str
    precision: str = "fp32"
    switches: dict[str, str] = field(default_factory=dict)


@dataclass
class Description:
    """How a framework introduces itself, once it is open."""

    framework: str
    version: str
    build: dict[str, str]
    operators: Sequence[str]
    running_variance: str  # "biased" or "unbiased": the estimator that its batch norm keeps
    terms: Terms  # before there is a network
    device: Device = field(default_factory=Device)
    noise: bool = False  # its networks are Noisy
    modes: tuple[str, ...] = ("infer", "train")
    precisions: Sequence[str] = ("fp32",)  # on this device
    no_precision: dict[str, str] = field(default_factory=dict)  # of the others, why not
    no_training: dict[str, str] = field(default_factory=dict)  # precisions that only infer, and why


class Network(ABC):
    """A plan as the framework computes it, from Framework.build until close. Handles are whatever
    the framework returns from a step on its device.

    The timed loop calls `step` and `wait` of the object itself, with nothing between."""

    @abstractmethod
    def step(self, slot: int) -> Any:
        """One timed iteration on a slot's batch: logits, or one training step's loss. It may
        return before it is done."""

    def set_input(self, slot: int, values: np.ndarray) -> None:
        """Put other values, in the plan's layout, where `step(slot)` reads its input from now on.
        They stay as they are until that step is complete. Asked of plans that only infer, while
        nothing is under way."""
        raise Unsupported("this adapter cannot put other values into its inputs")

    @abstractmethod
    def wait(self, handle: Any) -> None:
        """Wait until a handle's value, and all that was issued before it, is complete; for None,
        until nothing is under way."""

    @abstractmethod
    def read(self, handle: Any) -> np.ndarray:
        """Copy a handle to the host, in the plan's layout."""

    # Snapshots: verification looks at these, in any order. Looking changes nothing, neither
    # parameters nor running statistics nor the momentum.

    @abstractmethod
    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        """Every output of the plan, by a forward pass in its mode."""

    @abstractmethod
    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        """Loss and gradients (of the mean loss) by parameter, and "input" if the plan asks for
        it. Asked of plans that train."""

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Every parameter and running statistic, in the plan's layout."""

    @abstractmethod
    def shapes(self) -> dict[str, list[int]]:
        """NCHW or NCDHW shapes of the nodes, as far as the framework itself tells them."""

    @abstractmethod
    def reset(self) -> None:
        """Go back to the plan's weights and to a momentum of zero: what build made."""

    @abstractmethod
    def terms(self) -> Terms:
        """What is in force for this network."""

    @abstractmethod
    def close(self) -> None:
        """Give its memory back. It is the last call, and comes once."""


class Framework(ABC):
    """One framework in one process, on one device."""

    @abstractmethod
    def open(self, device: str, threads: int) -> Description:
        """Import the framework, set threads (0 leaves them alone) and device, "cpu" or "gpu:0";
        raises DeviceUnavailable. It is the first call, and comes once."""

    @abstractmethod
    def build(self, plan: Plan) -> Network:
        """The plan with its weights, and its batches on the device; raises Unsupported. The
        network before is closed by then. What a build that fails has made, it gives back."""


@runtime_checkable
class Timed(Protocol):
    """A network whose device has a clock of its own."""

    def mark(self) -> Any:
        """An event at this place of the device's own work."""

    def between_ns(self, first: Any, last: Any) -> int:
        """The device's time from one event to a later one, both complete."""


@runtime_checkable
class Used(Protocol):
    """A network that tells the gradients that its last step used. In fewer bits than float32's
    two computations of a gradient differ by more than the update may, so that the update is
    judged by these."""

    def used(self) -> dict[str, np.ndarray]:
        """By parameter, of the step before."""


@runtime_checkable
class Moving(Protocol):
    """A network that shows its velocity instead: what a step used follows from it."""

    def momenta(self) -> dict[str, np.ndarray]:
        """By parameter, in the plan's layout: zero at first, then momentum · before + gradient."""


@runtime_checkable
class Noisy(Protocol):
    """A network that can round as coarsely as another precision: the reference."""

    def set_noise(self, precision: str, seed: int, scale: float = 1.0) -> None:
        """From now on; not any more for the empty precision."""
