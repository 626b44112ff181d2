"""A plan as MXNet computes it: a symbol in a hybridized Gluon block, autograd, Gluon's trainer."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from dlbench_sdk import threads
from dlbench_sdk.contract import Network, Terms
from dlbench_sdk.plan import Plan
from dlbench_sdk.switches import environment

from .losses import loss_of
from .operators import Operators

LABELS = "labels"
# Its pools of everything are not oneDNN's, and fail in bfloat16, though its lists say otherwise.
WIDE = ("GlobalAveragePool",)


def terms_of(device: Any, volumes: bool = False, precision: str = "fp32") -> Terms:
    """MXNet tells nobody its threads; those that compute are OpenMP's."""
    switches = {"hybridize": "static_alloc, static_shape", "optimizer": "nag"}
    switches |= environment("MXNET_SUBGRAPH_BACKEND", "OMP_WAIT_POLICY")
    if precision == "bf16":
        switches |= {"amp": "bfloat16", "weights": "float32, cast in each step"}
    layout = "NCDHW" if volumes else "NCHW"
    if device.device_type == "cpu":
        layout += " (blocked inside)"
    else:
        switches |= {"tf32": "off (NVIDIA_TF32_OVERRIDE=0)", "cudnn_autotune": "on (default)"}
    return Terms(threads.openmp(), layout, "graph (hybridized)", precision, switches)


class Block(Network):
    def __init__(self, mx: Any, device: Any, plan: Plan) -> None:
        self.mx, self.sym, self.device, self.plan = mx, mx.sym, device, plan
        operators = Operators(mx.sym, plan)
        values = {plan.input: mx.sym.var(plan.input)}
        held = {name: mx.sym.var(name) for name in plan.weights}
        for node in plan.nodes:
            inputs = [values[n] for n in node.data] + [held[n] for n in node.params]
            values[node.output] = operators.operator(node)(*inputs)
        self.inputs = [self.put(x) for x in plan.inputs]
        self.labels = [self.put(y) for y in plan.labels]
        outputs = [values[name] for name in plan.outputs]
        logits, *_ = self.narrowed(outputs[:1])
        self.params = {name: self.parameter(name, v) for name, v in plan.weights.items()}
        for name, value in operators.constants.items():
            self.params[name] = self.parameter(name, value)
        self.observed = self.block(mx.sym.Group(self.narrowed(outputs)), False)
        self.internals = mx.sym.Group([values[n.output] for n in plan.nodes]).get_internals()
        run = loss_of(mx, plan, logits, mx.sym.var(LABELS)) if plan.training else logits
        self.run = self.block(run, plan.training)
        self.reset()

    def narrowed(self, outputs: list[Any]) -> list[Any]:
        """The same outputs in float32, of a graph that computes in the plan's precision."""
        if self.plan.precision == "fp32":
            return outputs
        amp = importlib.import_module("mxnet.contrib.amp")
        graph = self.sym.Group(outputs)
        inputs = graph.list_inputs()
        wide = [node.name for node in self.plan.nodes if node.op in WIDE]
        graph = amp.convert_symbol(graph, "bfloat16", excluded_sym_names=wide, data_names=inputs)
        return [graph[i] for i in range(len(outputs))]

    def put(self, value: np.ndarray) -> Any:
        return self.mx.nd.array(value, ctx=self.device)

    def parameter(self, name: str, value: np.ndarray) -> Any:
        trained = self.plan.training and self.plan.roles.get(name) == "trainable"
        p = self.mx.gluon.Parameter(
            name, grad_req="write" if trained else "null", shape=value.shape
        )
        p.initialize(init="zeros", ctx=self.device)
        p.set_data(self.put(value))
        return p

    def block(self, outputs: Any, with_labels: bool) -> Any:
        names = [self.plan.input] + [LABELS] * with_labels
        needed = set(outputs.list_inputs())
        params = self.mx.gluon.ParameterDict()
        for name, parameter in self.params.items():
            if name in needed:
                params._params[name] = parameter
        block = self.mx.gluon.SymbolBlock(outputs, [self.sym.var(n) for n in names], params)
        block.hybridize(static_alloc=True, static_shape=True)
        return block

    def terms(self) -> Terms:
        return terms_of(self.device, len(self.plan.input_shape) == 5, self.plan.precision)

    def close(self) -> None:
        pass  # arrays and executors go with it

    def reset(self) -> None:
        # Inference changes no weight. It keeps those of volumes in oneDNN's blocks, into which
        # MXNet cannot copy.
        if not self.plan.training:
            return
        for name, value in self.plan.weights.items():
            self.params[name].set_data(self.put(value))
        o = self.plan.sgd
        settings = {"learning_rate": o.learning_rate, "momentum": o.momentum, "wd": 0.0}
        trained = [self.params[name] for name in self.plan.trainable]
        self.trainer = self.mx.gluon.Trainer(trained, "nag", settings, kvstore=None)

    def step(self, slot: int) -> Any:
        if not self.plan.training:
            return self.run(self.inputs[slot])
        with self.mx.autograd.record():
            loss = self.run(self.inputs[slot], self.labels[slot])
        loss.backward()
        self.trainer.step(1)
        return loss

    def set_input(self, slot: int, values: np.ndarray) -> None:
        self.inputs[slot] = self.put(values)

    def wait(self, handle: Any) -> None:
        self.mx.nd.waitall()

    def read(self, handle: Any) -> np.ndarray:
        return handle.asnumpy()

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        if self.plan.training:
            with self.mx.autograd.train_mode():
                values = self.observed(self.inputs[slot])
        else:
            values = self.observed(self.inputs[slot])
        values = values if isinstance(values, (list, tuple)) else [values]
        return {name: v.asnumpy() for name, v in zip(self.plan.outputs, values)}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        x = self.inputs[slot].copy()
        x.attach_grad()
        kept = {name: self.params[name].data().copy() for name in self.plan.statistics}
        with self.mx.autograd.record():
            loss = self.run(x, self.labels[slot])
        loss.backward()
        out = {name: self.params[name].grad().asnumpy() for name in self.plan.trainable}
        for name, value in kept.items():
            self.params[name].set_data(value)
        return float(loss.asscalar()), {**out, "input": x.grad.asnumpy()}

    def used(self) -> dict[str, np.ndarray]:
        return {name: self.params[name].grad().asnumpy() for name in self.plan.trainable}

    def state(self) -> dict[str, np.ndarray]:
        return {name: self.params[name].data().asnumpy() for name in self.plan.weights}

    def shapes(self) -> dict[str, list[int]]:
        known = {name: p.shape for name, p in self.params.items()}
        known = {n: known[n] for n in self.internals.list_inputs() if n in known}
        known[self.plan.input] = self.plan.input_shape
        _, shapes, _ = self.internals.infer_shape(**known)
        found = dict(zip(self.internals.list_outputs(), shapes))
        return {n.name: list(found[f"{n.name}_output"]) for n in self.plan.nodes}
