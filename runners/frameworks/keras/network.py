"""A plan as Keras computes it: a functional model, and its backend's loop over it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.contract import Network, Terms
from dlbench_sdk.plan import Plan
from dlbench_sdk.switches import ALLOCATOR, environment

from .backends import Backend, Loop
from .losses import loss_of
from .operators import Layers

POLICIES = {"fp32": "float32", "bf16": "mixed_bfloat16"}


def terms_of(keras: Any, backend: Backend, plan: Plan | None = None) -> Terms:
    sides = "DHW" if plan and len(plan.input_shape) == 5 else "HW"
    layout = f"N{sides}C" if backend.channels_last else f"NC{sides}"
    switches = {"image_data_format": keras.config.image_data_format()}
    switches |= environment(*ALLOCATOR)
    switches |= backend.compiling()
    if backend.seen.kind == "gpu":
        switches |= {"tf32": "off", **backend.switches}
    precision = plan.precision if plan else "fp32"
    switches["dtype_policy"] = POLICIES[precision]
    if precision == "bf16":
        switches["weights"] = "float32, cast in each step"
    return Terms(backend.threads(), layout, backend.execution, precision, switches)


class Model(Network):
    def __init__(self, keras: Any, backend: Backend, plan: Plan) -> None:
        self.keras, self.backend, self.plan = keras, backend, plan
        keras.mixed_precision.set_dtype_policy(POLICIES[plan.precision])  # of layers from now on
        self.layers = Layers(keras, backend, plan)
        self.orders = self.layers.orders
        shape = self.orders.held_shape(plan.input)
        x = keras.Input(batch_shape=shape, name=plan.input)
        values = {plan.input: x}
        for node in plan.nodes:
            inputs = [values[n] for n in node.data]
            values[node.output] = self.layers.operator(node)(*inputs)
        told = self.orders.plan_shape
        self.static = {n.name: told(n.output, values[n.output].shape) for n in plan.nodes}
        outputs = [self.in_float32(values[name]) for name in plan.outputs]
        self.model, self.observed = keras.Model(x, outputs[0]), keras.Model(x, outputs)
        self.inputs = [backend.put(self.orders.to_held(plan.input, x)) for x in plan.inputs]
        self.labels = [backend.put(held_labels(y)) for y in plan.labels]
        self.reset()

    def in_float32(self, output: Any) -> Any:
        """As Keras' guide to mixed precision ends a model."""
        if self.plan.precision == "fp32":
            return output
        return self.keras.layers.Activation("linear", dtype="float32")(output)

    def terms(self) -> Terms:
        return terms_of(self.keras, self.backend, self.plan)

    def close(self) -> None:
        self.loop.close()
        self.keras.utils.clear_session()

    def reset(self) -> None:
        for name, value in self.plan.weights.items():
            for variable, part in zip(*self.parts(name, value)):
                variable.assign(part)
        optimizer, o = None, self.plan.optimizer
        if o:
            optimizer = self.keras.optimizers.SGD(o.learning_rate, o.momentum, nesterov=True)
            optimizer.build(self.model.trainable_variables)
        classes = self.orders.of[self.plan.outputs[0]].index(1)
        loss = loss_of(self.keras, self.plan, classes)
        self.loop = self.backend.loop(self.model, self.observed, loss, optimizer)

    def parts(self, name: str, value: np.ndarray) -> tuple[list[Any], list[np.ndarray]]:
        """The variables that hold a parameter, and the part of it that each of them holds."""
        layout, variables = self.layers.variables[name]
        return variables, np.split(layout.to_framework(value), len(variables), -1)

    def together(self, name: str, values: dict[str, Any]) -> np.ndarray:
        layout, variables = self.layers.variables[name]
        parts = [self.keras.ops.convert_to_numpy(values[v.path]) for v in variables]
        return layout.to_plan(np.concatenate(parts, -1))

    def step(self, slot: int) -> Any:
        if self.plan.training:
            return self.loop.train(self.inputs[slot], self.labels[slot])
        return self.loop.infer(self.inputs[slot])

    def set_input(self, slot: int, values: np.ndarray) -> None:
        self.inputs[slot] = self.backend.put(self.orders.to_held(self.plan.input, values))

    def wait(self, handle: Any) -> None:
        self.loop.wait(handle)

    def read(self, handle: Any) -> np.ndarray:
        if self.plan.training:
            return self.keras.ops.convert_to_numpy(handle)
        return self.on_host(self.plan.outputs[0], handle)

    def on_host(self, name: str, x: Any) -> np.ndarray:
        """An activation, or its gradient, in the plan's layout."""
        return self.orders.to_plan(name, self.keras.ops.convert_to_numpy(x))

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        with Kept(self.loop, self.model):
            values = self.loop.observe(self.inputs[slot], self.plan.training)
        values = values if isinstance(values, (list, tuple)) else [values]
        return {name: self.on_host(name, v) for name, v in zip(self.plan.outputs, values)}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        with Kept(self.loop, self.model):
            found = self.loop.differentiate(self.inputs[slot], self.labels[slot])
        loss, gradients, dx = found
        by_path = {v.path: g for v, g in zip(self.model.trainable_variables, gradients)}
        out = {name: self.together(name, by_path) for name in self.plan.trainable}
        return float(loss), {**out, "input": self.on_host(self.plan.input, dx)}

    def momenta(self) -> dict[str, np.ndarray]:
        """Keras' velocity has the learning rate in it, and goes downhill."""
        self.loop.settle()
        trained, downhill = self.model.trainable_variables, -self.plan.sgd.learning_rate
        held = {v.path: m.value for v, m in zip(trained, self.loop.optimizer.momentums)}
        return {n: self.together(n, held) / np.float64(downhill) for n in self.plan.trainable}

    def state(self) -> dict[str, np.ndarray]:
        self.loop.settle()
        held = {v.path: v.value for v in self.model.variables}
        return {name: self.together(name, held) for name in self.plan.weights}

    def shapes(self) -> dict[str, list[int]]:
        return self.static


def held_labels(labels: np.ndarray) -> np.ndarray:
    """Numbers of classes in 32 bits; zeros and ones as they are."""
    return labels.astype(np.int32) if labels.dtype == np.int64 else labels


class Kept:
    """Puts a model's running statistics back to what they were."""

    def __init__(self, loop: Loop, model: Any) -> None:
        loop.settle()
        self.variables = model.non_trainable_variables

    def __enter__(self) -> None:
        self.copies = [np.array(v.numpy()) for v in self.variables]

    def __exit__(self, *_: object) -> None:
        for variable, copy in zip(self.variables, self.copies):
            variable.assign(copy)
