"""A plan as Caffe computes it: a net for the timed steps, and one that lets everything be seen."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

from dlbench_sdk.contract import Network, Terms
from dlbench_sdk.plan import Node, Plan

from .blas import OpenBLAS
from .losses import LABELS, LOSS
from .operators import SEEN_INPUT, Writer

# Nodes whose first two parameters a Scale has, in a layer of its own.
NORMALIZATIONS = ("BatchNormalization", "InstanceNormalization", "LayerNormalization")


def terms_of(blas: OpenBLAS) -> Terms:
    switches = {
        "openblas_core": blas.core,
        "solver": "Nesterov",
        "in_place": "batch norm, scale and rectifiers",
    }
    return Terms(blas.threads, "NCHW", "graph (net)", "fp32", switches)


class Nets(Network):
    def __init__(self, caffe: Any, pb: Any, plan: Plan) -> None:
        self.caffe, self.plan = caffe, plan
        self.inputs = list(plan.inputs)
        self.directory = tempfile.TemporaryDirectory(prefix="caffe-")
        self.timed, self.seen = Writer(pb, plan, False), Writer(pb, plan, True)
        self.path = self.write(self.timed.message, "fast")
        if plan.training:
            self.path = self.write(solver_of(pb, plan, self.path), "solver")
        self.result = LOSS if plan.training else self.timed.blobs[plan.outputs[0]]
        self.deep = caffe.Net(self.write(self.seen.message, "observed"), self.phase())
        fill(self.deep, self.seen.constants)
        self.reset()

    def phase(self) -> int:
        return self.caffe.TRAIN if self.plan.training else self.caffe.TEST

    def write(self, message: Any, name: str) -> str:
        path = os.path.join(self.directory.name, f"{name}.prototxt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(str(message))
        return path

    def terms(self) -> Terms:
        return terms_of(OpenBLAS())

    def close(self) -> None:
        self.directory.cleanup()

    def reset(self) -> None:
        plan = self.plan
        if plan.training:
            self.solver = self.caffe.get_solver(self.path)  # its history is zero
            self.net = self.solver.net
        else:
            self.net = self.caffe.Net(self.path, self.phase())
        fill(self.net, self.timed.constants)
        for layer, matrix in self.timed.fixed.items():
            held = self.net.params[layer][0]
            held.data[...] = matrix.reshape(held.data.shape)
        for name, value in plan.weights.items():
            blob, factor = self.held(name)
            blob.data[...] = value.reshape(blob.data.shape) * factor
            if plan.roles[name] == "running_mean":
                self.net.params[self.place(name)[0].name][2].data[...] = factor
        self.deep.share_with(self.net)

    def place(self, name: str) -> tuple[Node, int]:
        node = next(n for n in self.plan.nodes if name in n.params)
        return node, node.params.index(name)

    def held(self, name: str) -> tuple[Any, float]:
        """The blob that holds a parameter, and by what it is multiplied there. Caffe divides sums
        by a factor that grows to 1/(1 - momentum): from there on it is the plan's decay."""
        node, index = self.place(name)
        if node.op not in NORMALIZATIONS:
            return self.net.params[node.name][index], 1.0
        if index < 2:
            return self.net.params[f"{node.name}.scale"][index], 1.0
        return self.net.params[node.name][index - 2], 1.0 / (1.0 - node.momentum)

    def step(self, slot: int) -> Any:
        self.net.blobs["data"].data[...] = self.inputs[slot]
        if not self.plan.training:
            self.net.forward()
            return self.net.blobs[self.result]
        self.net.blobs[LABELS].data[...] = self.plan.labels[slot]
        self.solver.step(1)
        return self.net.blobs[self.result]

    def set_input(self, slot: int, values: np.ndarray) -> None:
        self.inputs[slot] = values

    def wait(self, handle: Any) -> None:
        pass  # forward, backward and step return when they are done

    def read(self, handle: Any) -> np.ndarray:
        return np.array(handle.data)

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        self.observe(slot)
        return {name: self.read(self.blob(name)) for name in self.plan.outputs}

    def shapes(self) -> dict[str, list[int]]:
        self.observe(0)
        return {n.name: list(self.blob(n.output).data.shape) for n in self.plan.nodes}

    def blob(self, name: str) -> Any:
        return self.deep.blobs[self.seen.blobs[name]]

    def observe(self, slot: int, backward: bool = False) -> None:
        with Kept(self):
            self.deep.params[SEEN_INPUT][0].data[...] = self.plan.inputs[slot]
            if self.plan.training:
                self.deep.blobs[LABELS].data[...] = self.plan.labels[slot]
            self.deep.forward()
            if backward:
                self.deep.backward()

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        self.net.clear_param_diffs()  # shared with the observed net
        self.deep.clear_param_diffs()
        self.observe(slot, backward=True)
        out = {}
        for name in self.plan.trainable:
            node, index = self.place(name)
            layer = f"{node.name}.scale" if node.op in NORMALIZATIONS else node.name
            gradient = np.array(self.deep.params[layer][index].diff)
            out[name] = gradient.reshape(self.plan.weights[name].shape)
        out["input"] = np.array(self.deep.blobs["data"].diff)
        return float(self.deep.blobs[LOSS].data), out

    def state(self) -> dict[str, np.ndarray]:
        out = {}
        for name in self.plan.weights:
            blob, factor = self.held(name)
            out[name] = np.array(blob.data).reshape(self.plan.weights[name].shape)
            if factor != 1.0:
                out[name] = out[name] / self.net.params[self.place(name)[0].name][2].data[0]
        return out


def solver_of(pb: Any, plan: Plan, net: str) -> Any:
    o = plan.sgd
    return pb.SolverParameter(
        net=net,
        type="Nesterov",
        base_lr=o.learning_rate,
        momentum=o.momentum,
        lr_policy="fixed",
        weight_decay=0.0,
        display=0,
        snapshot=0,
        snapshot_after_train=False,
        solver_mode=pb.SolverParameter.CPU,
        max_iter=2**30,
    )


def fill(net: Any, constants: dict[str, np.ndarray]) -> None:
    for name, value in constants.items():
        net.blobs[name].data[...] = value


class Kept:
    """Puts the running statistics back to what they were."""

    def __init__(self, nets: Nets) -> None:
        nodes = [n for n in nets.plan.nodes if n.op == "BatchNormalization"]
        self.blobs = [blob for node in nodes for blob in nets.net.params[node.name]]

    def __enter__(self) -> None:
        self.copies = [np.array(blob.data) for blob in self.blobs]

    def __exit__(self, *_: object) -> None:
        for blob, copy in zip(self.blobs, self.copies):
            blob.data[...] = copy
