"""A plan as JAX computes it: pure functions under jit, channels last, state donated from step to
step."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.contract import Network, Terms
from dlbench_sdk.nhwc import layout_of
from dlbench_sdk.plan import Node, Plan
from dlbench_sdk.switches import environment
from dlbench_sdk.threads import threads_named

from .losses import loss_of
from .operators import Operators

# In bfloat16 these compute in it; all others take float32 and give bfloat16, as Flax' layers do.
NARROW = ("Conv", "ConvTranspose", "Gemm", "Relu", "MaxPool", "Add", "Concat", "Flatten", "Dropout")
MULTIPLIES = ("Conv", "ConvTranspose", "Gemm")
# How JAX calls the way in which float32 multiplies; its own default on GPUs is TF32.
MATMUL_PRECISION = {"tf32": "tensorfloat32"}
GROWING = "XLA_PYTHON_CLIENT_PREALLOCATE"


def terms_of(jax: Any, device: Any, plan: Plan | None = None) -> Terms:
    precision = plan.precision if plan else "fp32"
    switches = {"donation": "parameters and velocity"}
    switches["matmul_precision"] = str(jax.config.jax_default_matmul_precision)
    if device.platform != "cpu":
        switches["tf32"] = "on" if precision == "tf32" else "off"
        switches["autotuning"] = "XLA's own, while it compiles"
        switches |= environment(GROWING)
    if plan and precision == "bf16":
        weights = "float32" if plan.training else "cast once at load"
        switches |= {"compute": "bfloat16; batch norm in float32", "weights": weights}
    switches |= environment("NPROC", "XLA_FLAGS")
    layout = "NDHWC" if plan and len(plan.input_shape) == 5 else "NHWC"
    return Terms(threads_named("tf_XLAEigen"), layout, "graph (jit)", precision, switches)


class Functions(Network):
    def __init__(self, jax: Any, device: Any, plan: Plan) -> None:
        self.jax, self.np, self.device, self.plan = jax, jax.numpy, device, plan
        multiply = MATMUL_PRECISION.get(plan.precision, "highest")
        jax.config.update("jax_default_matmul_precision", multiply)
        self.narrow = jax.numpy.bfloat16 if plan.precision == "bf16" else None
        self.operators = operators = Operators(jax, plan)
        self.orders, self.loss_of = operators.orders, loss_of(jax, plan)
        self.layouts = {n: layout_of(self.orders, n) for n in plan.weights}
        self.ops = [(node, operators.operator(node)) for node in plan.nodes]
        if self.narrow:
            self.ops = [(node, self.mixed(node, operator)) for node, operator in self.ops]
        self.inputs = [jax.device_put(self.orders.to_held(plan.input, x)) for x in plan.inputs]
        # Without jax_enable_x64 there is no int64.
        narrowed = [y.astype(np.int32) if y.dtype == np.int64 else y for y in plan.labels]
        self.labels = [jax.device_put(y) for y in narrowed]
        self.reset()
        self.infer_step = jax.jit(self.infer)
        self.train_step = jax.jit(self.train, donate_argnums=(0, 1, 2))
        self.observe = jax.jit(self.observed)
        self.differentiate = jax.jit(jax.grad(self.loss, argnums=(0, 2), has_aux=True))

    def terms(self) -> Terms:
        return terms_of(self.jax, self.device, self.plan)

    def close(self) -> None:
        self.jax.clear_caches()  # they hold the compiled functions

    def reset(self) -> None:
        # Numbers are made by numpy: XLA would compile a function for every shape.
        plan, put = self.plan, self.jax.device_put

        cast = set()
        if self.narrow and not plan.training:
            cast = {name for node in plan.nodes if node.op in MULTIPLIES for name in node.params}

        def placed(names: list[str]) -> dict[str, Any]:
            held = {n: self.layouts[n].to_framework(plan.weights[n]) for n in names}
            return {n: put(p.astype(self.narrow) if n in cast else p) for n, p in held.items()}

        self.trained, self.running = placed(plan.trainable), placed(plan.statistics)
        resting = self.trained if plan.training else {}
        self.velocity = {n: put(np.zeros(p.shape, p.dtype)) for n, p in resting.items()}

    def step(self, slot: int) -> Any:
        if not self.plan.training:
            return self.infer_step(self.trained, self.running, self.inputs[slot])
        self.trained, self.velocity, self.running, loss = self.train_step(
            self.trained, self.velocity, self.running, self.inputs[slot], self.labels[slot]
        )
        return loss

    def set_input(self, slot: int, values: np.ndarray) -> None:
        held = self.orders.to_held(self.plan.input, values)
        self.inputs[slot] = self.jax.device_put(held)

    def wait(self, handle: Any) -> None:
        self.jax.block_until_ready((handle, self.trained, self.velocity))

    def read(self, handle: Any) -> np.ndarray:
        value = np.asarray(handle)
        return value if self.plan.training else self.orders.to_plan(self.plan.outputs[0], value)

    def momenta(self) -> dict[str, np.ndarray]:
        held = {n: np.asarray(v, np.float64) for n, v in self.velocity.items()}
        return {n: self.layouts[n].to_plan(v) for n, v in held.items()}

    def infer(self, trained: Any, running: Any, x: Any) -> Any:
        return self.float32(self.forward(trained, running, x)[0][self.plan.outputs[0]])

    def train(self, trained: Any, velocity: Any, running: Any, x: Any, labels: Any) -> Any:
        m, rate = self.plan.sgd.momentum, self.plan.sgd.learning_rate
        value_and_grad = self.jax.value_and_grad(self.loss, has_aux=True)
        (loss, (_, moved)), gradients = value_and_grad(trained, running, x, labels)
        v = {n: m * velocity[n] + g for n, g in gradients.items()}
        p = {n: trained[n] - rate * (g + m * v[n]) for n, g in gradients.items()}
        return p, v, {**running, **moved}, loss

    def loss(self, trained: Any, running: Any, x: Any, labels: Any) -> Any:
        values, moved = self.forward(trained, running, x)
        name = self.plan.outputs[0]
        logits = self.operators.channels_last(name, values[name])
        loss = self.loss_of(self.float32(logits), labels)
        return loss, (loss, moved)

    def observed(self, trained: Any, running: Any, x: Any) -> dict[str, Any]:
        values, _ = self.forward(trained, running, x)
        return {name: self.float32(values[name]) for name in self.plan.outputs}

    def float32(self, x: Any) -> Any:
        return x.astype(self.np.float32) if self.narrow else x

    def mixed(self, node: Node, operator: Any) -> Any:
        """A node of a network that computes in bfloat16 and keeps its parameters in float32."""
        take = self.narrow if node.op in NARROW else self.np.float32

        def apply(*operands: Any) -> Any:
            y = operator(*[x.astype(take) for x in operands])
            if isinstance(y, tuple):  # batch norm's statistics stay float32
                return y[0].astype(self.narrow), *y[1:]
            return y.astype(self.narrow)

        return apply

    def forward(self, trained: Any, running: Any, x: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values by name, and the moved running statistics."""
        params, values, moved = {**trained, **running}, {self.plan.input: x}, {}
        for node, operator in self.ops:
            y = operator(*[values[n] for n in node.data], *[params[n] for n in node.params])
            if node.op == "BatchNormalization":
                y, mean, variance = y
                if self.plan.training:
                    moved[node.params[2]], moved[node.params[3]] = mean, variance
            values[node.output] = y
        return values, moved

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        values = self.observe(self.trained, self.running, self.inputs[slot])
        return {name: self.orders.to_plan(name, np.asarray(v)) for name, v in values.items()}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        state = self.trained, self.running, self.inputs[slot], self.labels[slot]
        (grads, dx), (loss, _) = self.differentiate(*state)
        out = {n: self.layouts[n].to_plan(np.asarray(g)) for n, g in grads.items()}
        out["input"] = self.orders.to_plan(self.plan.input, np.asarray(dx))
        return float(loss), out

    def state(self) -> dict[str, np.ndarray]:
        held = {**self.trained, **self.running}
        values = {n: np.asarray(held[n], np.float32) for n in self.plan.weights}
        return {n: self.layouts[n].to_plan(value) for n, value in values.items()}

    def shapes(self) -> dict[str, list[int]]:
        """As JAX infers them, without computing."""
        asked = self.trained, self.running, self.inputs[0]
        values, _ = self.jax.eval_shape(self.forward, *asked)
        told = self.orders.plan_shape
        return {n.name: told(n.output, values[n.output].shape) for n in self.plan.nodes}
