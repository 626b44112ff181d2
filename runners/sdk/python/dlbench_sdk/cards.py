"""Finds the card that a framework is to compute on, or the reason why it cannot."""

from __future__ import annotations

import ctypes
import uuid
from typing import Any

import numpy as np

from .contract import Device, DeviceUnavailable


def of_torch(torch: Any, device: str) -> Any:
    """The torch device."""
    kind, _, index = device.partition(":")
    if kind == "cpu":
        return torch.device("cpu")
    if torch.version.cuda is None:
        raise DeviceUnavailable("this PyTorch is built without CUDA")
    if not torch.cuda.is_available():
        raise DeviceUnavailable("PyTorch finds no usable CUDA device (driver or card missing)")
    number = int(index or 0)
    if number >= torch.cuda.device_count():
        raise DeviceUnavailable(f"no GPU {number}: there are {torch.cuda.device_count()}")
    major, minor = torch.cuda.get_device_capability(number)
    built = torch.cuda.get_arch_list()
    if not runs_on(built, major, minor):
        text = f"built for {', '.join(built)}, this GPU is sm_{major}{minor}"
        raise DeviceUnavailable(text)
    return torch.device("cuda", number)


def seen_by_torch(torch: Any, device: Any) -> Device:
    """What a hello says of a torch device."""
    if device.type == "cpu":
        return Device("cpu")
    card = torch.cuda.get_device_properties(device)
    return Device("gpu", card.name, f"GPU-{card.uuid}")


def runs_on(built: list[str], major: int, minor: int) -> bool:
    """Whether a build has binaries for a GPU: sm_86 runs on cards of its generation that are no
    older, code for one card's own features (sm_90a) only there, for a family's (sm_100f) within
    the generation (CUDA C++ Programming Guide, "Binary Compatibility"). Intermediate code
    (compute_80) does not count: recompiling it takes minutes, at every first load."""
    for name in built:
        kind, _, number = name.partition("_")
        if kind != "sm" or not number.rstrip("af").isdigit():
            continue
        version = divmod(int(number.rstrip("af")), 10)
        if version == (major, minor):
            return True
        if not number.endswith("a") and version[0] == major and version[1] <= minor:
            return True
    return False


def of_tensorflow(tf: Any, device: str) -> str:
    """Make one card the only one, without taking all of its memory, and return its name."""
    if not tf.test.is_built_with_cuda():
        raise DeviceUnavailable("this build of TensorFlow has no GPU support")
    cards = tf.config.list_physical_devices("GPU")
    number = int(device.partition(":")[2] or 0)
    if number >= len(cards):
        raise DeviceUnavailable(f"no GPU {number}: TensorFlow finds {len(cards)}")
    tf.config.set_visible_devices(cards[number], "GPU")
    tf.config.experimental.set_memory_growth(cards[number], True)
    return tf.config.experimental.get_device_details(cards[number]).get("device_name", "")


def of_jax(jax: Any, device: str) -> Any:
    """The JAX device."""
    kind, _, index = device.partition(":")
    try:
        devices = jax.devices(kind)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise DeviceUnavailable(f"this JAX finds no {kind}: {reason}") from error
    number = int(index or 0)
    if number >= len(devices):
        raise DeviceUnavailable(f"no GPU {number}: there are {len(devices)}")
    found = devices[number]
    if found.platform != "cpu":
        try_out(jax, found)
    return found


def try_out(jax: Any, device: Any) -> None:
    """A card may be listed that this build has no code for: compute something on it."""
    try:
        one = jax.device_put(np.ones((2, 2), np.float32), device)
        jax.block_until_ready(one @ one)
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise DeviceUnavailable(f"this JAX cannot compute on {device}: {reason}") from error


def uuid_of(device: str) -> str:
    """The card's, from CUDA's driver as this process sees it: most frameworks do not tell. Empty
    for the CPU, and if the driver does not answer (CUDA Driver API, "Device Management")."""
    cuda, card = driver_of(device)
    raw = (ctypes.c_ubyte * 16)()
    if cuda is None:
        return ""
    ask = getattr(cuda, "cuDeviceGetUuid_v2", None) or cuda.cuDeviceGetUuid
    if ask(raw, card):
        return ""
    return f"GPU-{uuid.UUID(bytes=bytes(raw))}"


def driver_of(device: str) -> tuple[Any, ctypes.c_int]:
    """CUDA's driver and its handle of the card; None for the CPU, and if it does not answer."""
    card = ctypes.c_int()
    if device == "cpu":
        return None, card
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None, card
    number = int(device.partition(":")[2] or 0)
    if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(card), number):
        return None, card
    return cuda, card


def no_tf32(device: str) -> str:
    """Why the device does not multiply in tf32; empty if it does, or if the driver does not
    tell. It came with compute capability 8.0."""
    if device == "cpu":
        return "this CPU has none"
    cuda, card = driver_of(device)
    version = []
    for attribute in (75, 76):  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
        value = ctypes.c_int()
        if cuda is None or cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, card):
            return ""
        version.append(value.value)
    if version[0] >= 8:
        return ""
    return f"this GPU (sm_{version[0]}{version[1]}) has none, it came with sm_80"
