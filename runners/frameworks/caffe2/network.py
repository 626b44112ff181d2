"""A plan as Caffe2 computes it: nets of the workspace, one for each slot and purpose."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk import threads
from dlbench_sdk.contract import Network, Terms
from dlbench_sdk.plan import Plan

from .devices import Devices
from .losses import LOSS, Loss
from .operators import Operators

LEARNING_RATE = "training.learning_rate"


def terms_of() -> Terms:
    """Caffe2 tells nobody its threads; those that compute are OpenMP's."""
    switches = {"net_type": "simple", "device": "IDEEP", "in_place_relu": "on"}
    return Terms(threads.openmp(), "NCHW (blocked inside)", "graph (net)", "fp32", switches)


class Nets(Network):
    def __init__(self, workspace: Any, devices: Devices, plan: Plan) -> None:
        self.workspace, self.devices, self.plan = workspace, devices, plan
        workspace.ResetWorkspace()
        self.in_place = plan.in_place("Relu")
        self.timed = Operators(devices, plan, input_gradient=False)
        self.deep = Operators(devices, plan, input_gradient=True)
        self.loss = Loss(devices, plan)
        for slot in range(plan.slots):
            self.feed(f"input.{slot}", plan.inputs[slot])
            self.feed(f"labels.{slot}", self.loss.labels(plan.labels[slot]), on_cpu=True)
        slots = range(plan.slots)
        self.gradient_nets: list[Any] = []
        self.result = LOSS
        if plan.training:
            self.steps = [self.net(f"train.{s}", self.train, s) for s in slots]
            self.gradient_nets = [self.net(f"gradients.{s}", self.differentiate, s) for s in slots]
        else:
            self.steps = [self.net(f"infer.{s}", self.infer, s) for s in slots]
        self.observed: dict[int, dict[str, str]] = {}
        self.observing = [self.net(f"observe.{s}", self.observe, s) for s in slots]
        for name, (value, on_cpu) in {**self.timed.constants, **self.deep.constants}.items():
            self.feed(name, value, on_cpu)
        for name, value in self.loss.constants.items():
            self.feed(name, value, on_cpu=True)
        self.reset()
        for net in [*self.steps, *self.observing, *self.gradient_nets]:
            workspace.CreateNet(net)

    def net(self, name: str, write: Any, slot: int) -> Any:
        net = self.devices.core.Net(name)
        net.AddExternalInputs(f"input.{slot}", *self.plan.weights)
        with self.devices.core.DeviceScope(self.devices.fast):
            write(net, slot)
        return net

    def feed(self, name: str, value: np.ndarray, on_cpu: bool = False) -> None:
        device = self.devices.cpu if on_cpu else self.devices.fast
        self.workspace.FeedBlob(name, np.ascontiguousarray(value), device)

    def terms(self) -> Terms:
        return terms_of()

    def close(self) -> None:
        self.workspace.ResetWorkspace()

    def reset(self) -> None:
        plan = self.plan
        for name, value in plan.weights.items():
            self.feed(name, value)
        if plan.optimizer:
            self.feed(
                LEARNING_RATE, np.array([plan.optimizer.learning_rate], np.float32), on_cpu=True
            )
            for name in plan.trainable:
                self.feed(f"{name}.velocity", np.zeros_like(plan.weights[name]))

    def forward(self, net: Any, slot: int, table: Operators, in_place: set[str]) -> dict[str, str]:
        """Write the operators of a pass, and return the blob of each activation."""
        blobs = {self.plan.input: f"input.{slot}"}
        for node in self.plan.nodes:
            inputs = [blobs[n] for n in node.data]
            output = inputs[0] if node.name in in_place else f"value.{node.name}"
            if node.op == "Dropout":
                output = inputs[0]
            table.operator(node)(net, inputs, output)
            blobs[node.output] = output
        return blobs

    def infer(self, net: Any, slot: int) -> None:
        self.result = self.forward(net, slot, self.timed, self.in_place)[self.plan.outputs[0]]

    def observe(self, net: Any, slot: int) -> None:
        """Everything is seen, so that nothing is in place."""
        self.observed[slot] = self.forward(net, slot, self.timed, set())

    def differentiate(self, net: Any, slot: int) -> None:
        gradients = self.gradients_of(net, slot, self.deep)
        for name in [f"input.{slot}", *self.plan.trainable]:
            self.flatten(net, gradients[name], f"{name}.gradient")

    def flatten(self, net: Any, blob: str, flat: str) -> None:
        """Lay a tensor out row by row. Updates and fetches read raw memory, which may hold
        the blocks that oneDNN computes with; a reshape that changes something undoes them."""
        net.Reshape([blob], [flat, f"{flat}.shape"], shape=[-1])

    def gradients_of(self, net: Any, slot: int, table: Operators) -> Any:
        logits = self.forward(net, slot, table, self.in_place)[self.plan.outputs[0]]
        return self.loss.write(net, logits, f"labels.{slot}")

    def train(self, net: Any, slot: int) -> None:
        gradients = self.gradients_of(net, slot, self.timed)
        for name in self.plan.trainable:
            gradient, velocity = f"{name}.gradient", f"{name}.velocity"
            self.flatten(net, gradients[name], gradient)
            net.MomentumSGDUpdate(
                [gradient, velocity, LEARNING_RATE, name],
                [gradient, velocity, name],
                momentum=self.plan.sgd.momentum,
                nesterov=1,
            )

    def step(self, slot: int) -> Any:
        self.workspace.RunNet(self.steps[slot])
        return self.result

    def set_input(self, slot: int, values: np.ndarray) -> None:
        self.feed(f"input.{slot}", values)

    def wait(self, handle: Any) -> None:
        pass  # RunNet returns when the net is done

    def read(self, handle: Any) -> np.ndarray:
        return np.array(self.workspace.FetchBlob(handle))

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        blobs = self.seen(slot)
        return {name: self.read(blobs[name]) for name in self.plan.outputs}

    def shapes(self) -> dict[str, list[int]]:
        blobs = self.seen(0)
        return {n.name: list(self.read(blobs[n.output]).shape) for n in self.plan.nodes}

    def seen(self, slot: int) -> dict[str, str]:
        """Run the net of which everything can be read, and return its blobs."""
        with Kept(self):
            self.workspace.RunNet(self.observing[slot])
        return self.observed[slot]

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        with Kept(self):
            self.workspace.RunNet(self.gradient_nets[slot])
        out = {
            name: self.read(f"{name}.gradient").reshape(self.plan.weights[name].shape)
            for name in self.plan.trainable
        }
        out["input"] = self.read(f"input.{slot}.gradient").reshape(self.plan.input_shape)
        return float(self.read(LOSS).reshape(-1)[0]), out

    def state(self) -> dict[str, np.ndarray]:
        return {name: self.read(name) for name in self.plan.weights}


class Kept:
    """Puts the running statistics back to what they were."""

    def __init__(self, nets: Nets) -> None:
        self.nets = nets

    def __enter__(self) -> None:
        self.copies = {name: self.nets.read(name) for name in self.nets.plan.statistics}

    def __exit__(self, *_: object) -> None:
        for name, value in self.copies.items():
            self.nets.feed(name, value)
