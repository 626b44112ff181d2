"""Whole images and volumes by patches of the network's own input size, as nnU-Net infers them
(Isensee et al. 2021): overlapping patches, each one's logits weighted by a Gaussian, summed and
divided. One implementation for every adapter in Python, so that runners differ only in what lies
between a patch on the host and its logits there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .contract import Network
from .plan import Plan, Unsupported

Corner = tuple[int, ...]
MOST_OVERLAP = 0.9
# A patch's importance falls off with this share of its size as the standard deviation.
SIGMA = 1 / 8


def places(size: int, patch: int, overlap: float) -> list[int]:
    """Where patches begin along one axis: as few as overlap by at least that share, evenly."""
    if patch > size:
        raise ValueError(f"the patch is {patch} long, and the volume only {size}")
    steps = math.ceil((size - patch) / (patch * (1 - overlap))) + 1
    if steps == 1:
        return [0]
    stride = (size - patch) / (steps - 1)
    return [round(stride * i) for i in range(steps)]


def corners(size: Sequence[int], patch: Sequence[int], overlap: float) -> list[Corner]:
    """Where each patch begins, the last axis fastest."""
    if len(size) != len(patch):
        raise ValueError(f"{len(size)} extents, and the network's input has {len(patch)} axes")
    if not 0 <= overlap <= MOST_OVERLAP:
        raise ValueError(f"the overlap is {overlap}, expected from 0 to {MOST_OVERLAP}")
    along = [places(s, p, overlap) for s, p in zip(size, patch)]
    return list(itertools.product(*along))


def importance(patch: Sequence[int]) -> np.ndarray:
    """How much each place of a patch counts: a Gaussian around its middle, 1 there. nnU-Net
    replaces what rounds to 0; in float32 nothing does, because the least is e^-8 per axis."""
    weights = np.ones((), np.float64)
    for extent in patch:
        distance = (np.arange(extent) - extent // 2) / (extent * SIGMA)
        weights = np.multiply.outer(weights, np.exp(-0.5 * distance**2))
    return weights.astype(np.float32)


def tiled(inputs: Sequence[np.ndarray], size: Sequence[int]) -> np.ndarray:
    """A volume [C, …] of the images of all slots, one after the other without overlap, and cut off
    where the volume ends: the same for every runner."""
    images = [image for batch in inputs for image in batch]
    channels, *patch = images[0].shape
    volume = np.empty((channels, *size), np.float32)
    tiles = itertools.product(*(range(0, s, p) for s, p in zip(size, patch)))
    for image, corner in zip(itertools.cycle(images), tiles):
        part = volume[box(corner, patch)]  # cut off at the end
        part[...] = image[box((0,) * len(size), part.shape[1:])]
    return volume


def box(corner: Corner, patch: Sequence[int]) -> tuple[slice, ...]:
    """A patch's place in a volume [C, …]."""
    return (slice(None), *(slice(c, c + p) for c, p in zip(corner, patch)))


class Scan:
    """One volume, and the network that infers it."""

    def __init__(self, network: Network, plan: Plan, size: Sequence[int], overlap: float) -> None:
        logits, patch = plan.shape_of(plan.outputs[0]), plan.input_shape[2:]
        if len(logits) != len(plan.input_shape) or logits[2:] != patch:
            text = f"logits of shape {list(logits)} for an input of {list(plan.input_shape)}"
            raise Unsupported(f"sliding windows want logits for each pixel, and these are {text}")
        self.network, self.plan, self.patch, self.size = network, plan, patch, tuple(size)
        self.classes = logits[1]
        self.corners = corners(size, patch, overlap)
        self.weights = importance(patch)
        self.volume = tiled(plan.inputs, size)
        # The last batch is filled up with its last patch, whose further results nobody takes.
        self.batches = math.ceil(len(self.corners) / plan.batch)
        filled = [*self.corners, *[self.corners[-1]] * (self.batches * plan.batch)]
        self.groups = [filled[i * plan.batch :][: plan.batch] for i in range(self.batches)]

    def restore(self) -> None:
        """Every slot's own batch, as it was before."""
        for slot, values in enumerate(self.plan.inputs):
            self.network.set_input(slot, values)

    def infer(self, first: int) -> np.ndarray:
        """The logits [classes, …] of the whole volume, by batches from that slot on."""
        network = self.network
        result = np.zeros((self.classes, *self.size), np.float32)
        total = np.zeros((1, *self.size), np.float32)
        left = len(self.corners)
        for i, group in enumerate(self.groups):
            slot = (first + i) % self.plan.slots
            network.set_input(slot, self.cut(group))
            handle = network.step(slot)
            network.wait(handle)
            for corner, logits in zip(group[:left], network.read(handle)):
                place = box(corner, self.patch)
                result[place] += logits * self.weights
                total[place] += self.weights
            left -= len(group)
        result /= total
        return result

    def cut(self, group: Sequence[Corner]) -> np.ndarray:
        return np.stack([self.volume[box(corner, self.patch)] for corner in group])


def volumes(
    scan: Scan, clock: Callable[[], int], count: int, first: int
) -> tuple[dict[str, Any], np.ndarray]:
    """That many volumes one after the other, each complete in the host's memory before the next
    begins: the block's times, and the last one's logits."""
    times, result = [0] * count, None
    scan.network.wait(None)
    start = before = clock()
    for i in range(count):
        result = scan.infer(first + i * scan.batches)
        now = clock()
        times[i] = now - before
        before = now
    assert result is not None  # count is at least 1
    return {"start_ns": start, "end_ns": before, "query_ns": times}, result
