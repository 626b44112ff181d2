"""The safetensors format, read and written with numpy only.

Runner images hold frameworks of many ages; a format of one page needs no
package (https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping

import numpy as np

_TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
_NAMES = {np.dtype(v): k for k, v in _TYPES.items()}


class BadFile(Exception):
    """A file that is not a whole safetensors file; the message names the place."""


def read(path: str) -> dict[str, np.ndarray]:
    """Read all tensors of a file."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 8:
        raise BadFile(f"{path}: {len(data)} bytes are too few for a safetensors header")
    (length,) = struct.unpack_from("<Q", data)
    if length > len(data) - 8:
        raise BadFile(
            f"{path}: the header is said to have {length} bytes, the file has {len(data)}"
        )
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise BadFile(f"{path}: the header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise BadFile(f"{path}: the header is a {type(header).__name__}, expected an object")
    body = memoryview(data)[8 + length :]
    return {
        name: _tensor(path, name, entry, body)
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _tensor(path: str, name: str, entry: Mapping, body: memoryview) -> np.ndarray:
    try:
        dtype = np.dtype(_TYPES[entry["dtype"]])
        begin, end = map(int, entry["data_offsets"])
        shape = tuple(map(int, entry["shape"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(f"{path}: tensor {name!r}: {error!r} in its header") from error
    if not 0 <= begin <= end or min(shape, default=0) < 0:
        raise BadFile(f"{path}: tensor {name!r}: bytes {begin} to {end} and shape {list(shape)}")
    if end > len(body):
        raise BadFile(
            f"{path}: tensor {name!r} ends at byte {end}, the data have {len(body)}: truncated"
        )
    try:
        return np.frombuffer(body[begin:end], dtype).reshape(shape)
    except ValueError as error:
        raise BadFile(f"{path}: tensor {name!r}: {error}") from error


def write(path: str, tensors: Mapping[str, np.ndarray]) -> None:
    """Write a file, whole or not at all."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            for part in _encode(tensors):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _encode(tensors: Mapping[str, np.ndarray]) -> Iterator[bytes]:
    header, at = {}, 0
    for name, array in tensors.items():
        size = array.size * array.dtype.itemsize
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [at, at + size],
        }
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield struct.pack("<Q", len(text)) + text
    for array in tensors.values():
        yield np.ascontiguousarray(array).tobytes()
