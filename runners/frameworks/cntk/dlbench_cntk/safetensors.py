"""The safetensors format (https://github.com/huggingface/safetensors#format), by numpy."""

import json
import os
import struct
from collections import OrderedDict

import numpy as np

TYPES = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
NAMES = {dtype: name for name, dtype in TYPES.items()}


class BadFile(Exception):
    """A file that is not a whole safetensors file; the message names the place."""


def read(path):
    """Read all tensors of a file."""
    with open(path, "rb") as stream:
        data = stream.read()
    if len(data) < 8:
        raise BadFile("%s: %d bytes are too few for a safetensors header" % (path, len(data)))
    (length,) = struct.unpack_from("<Q", data)
    if length > len(data) - 8:
        text = "%s: the header is said to have %d bytes, the file has %d"
        raise BadFile(text % (path, length, len(data)))
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"))
    except ValueError as error:
        raise BadFile("%s: the header is not JSON: %s" % (path, error))
    if not isinstance(header, dict):
        raise BadFile("%s: the header is not an object" % path)
    body = data[8 + length :]
    entries = ((name, entry) for name, entry in header.items() if name != "__metadata__")
    return {name: tensor(path, name, entry, body) for name, entry in entries}


def tensor(path, name, entry, body):
    try:
        dtype = TYPES[entry["dtype"]]
        begin, end = map(int, entry["data_offsets"])
        shape = tuple(map(int, entry["shape"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile("%s: tensor %s: %r in its header" % (path, name, error))
    if not 0 <= begin <= end or min(shape + (0,)) < 0:
        raise BadFile("%s: tensor %s: bytes %d to %d" % (path, name, begin, end))
    if end > len(body):
        text = "%s: tensor %s ends at byte %d, the data have %d: truncated"
        raise BadFile(text % (path, name, end, len(body)))
    try:
        return np.frombuffer(body[begin:end], dtype).reshape(shape)
    except ValueError as error:
        raise BadFile("%s: tensor %s: %s" % (path, name, error))


def write(path, tensors):
    """Write a file, whole or not at all."""
    temporary = "%s.%d.tmp" % (path, os.getpid())
    try:
        with open(temporary, "wb") as stream:
            for part in encode(tensors):
                stream.write(part)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def encode(tensors):
    header, at = OrderedDict(), 0
    for name, array in tensors.items():
        header[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    yield struct.pack("<Q", len(text)) + text
    for array in tensors.values():
        yield np.ascontiguousarray(array).tobytes()
