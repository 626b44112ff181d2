"""A plan as TensorFlow computes it: a step traced by tf.function, variables, channels last."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk.contract import Network, Terms
from dlbench_sdk.nhwc import layout_of
from dlbench_sdk.plan import Plan

from .losses import loss_of
from .operators import Operators

VARIANTS = {"": "graph (tf.function)", "xla": "graph (tf.function, compiled by XLA)"}
# Grappler's pass that lets oneDNN's operators compute in bfloat16.
NARROWING = "auto_mixed_precision_onednn_bfloat16"


def terms_of(tf: Any, on_gpu: bool, variant: str, plan: Plan | None = None) -> Terms:
    precision = plan.precision if plan else "fp32"
    layout = "NDHWC" if plan and len(plan.input_shape) == 5 else "NHWC"
    threading = tf.config.threading
    switches = {
        "inter_op_threads": str(threading.get_inter_op_parallelism_threads()),
        "jit_compile": "on" if variant == "xla" else "off",
        "optimizer": "ResourceApplyMomentum(use_nesterov=True)",
    }
    if precision == "bf16":
        switches[NARROWING] = "on"
        switches["weights"] = "float32, cast in each step"
    if variant == "xla":
        switches["compiler"] = f"XLA of TensorFlow {tf.__version__}"
    if on_gpu:
        switches |= {
            "tf32": "on" if precision == "tf32" else "off",
            "memory_growth": "on",
            "cudnn_autotune": "on (default): finished in the warm-up",
        }
    threads = threading.get_intra_op_parallelism_threads()
    return Terms(threads, layout, VARIANTS[variant], precision, switches)


class Graph(Network):
    def __init__(self, tf: Any, on_gpu: bool, variant: str, plan: Plan) -> None:
        self.tf, self.on_gpu, self.variant, self.plan = tf, on_gpu, variant, plan
        tf.config.experimental.enable_tensor_float_32_execution(plan.precision == "tf32")
        tf.config.optimizer.set_experimental_options({NARROWING: plan.precision == "bf16"})
        self.operators = operators = Operators(tf, plan, variant == "xla")
        self.orders, self.loss = operators.orders, loss_of(tf, plan)
        self.layouts = {n: layout_of(self.orders, n, depthwise=True) for n in plan.weights}
        self.ops = [(node, operators.operator(node)) for node in plan.nodes]
        self.inputs = [tf.constant(self.orders.to_held(plan.input, x)) for x in plan.inputs]
        self.labels = [tf.constant(y) for y in plan.labels]
        self.params = {
            name: tf.Variable(self.layouts[name].to_framework(value), trainable=False)
            for name, value in plan.weights.items()
        }
        self.trained = [self.params[name] for name in plan.trainable]
        self.velocity = [tf.Variable(tf.zeros_like(p), trainable=False) for p in self.trained]
        compiled = True if variant == "xla" else None
        self.infer_step = tf.function(self.infer, jit_compile=compiled)
        self.train_step = tf.function(self.train, jit_compile=compiled)
        self.observe = tf.function(self.observed, jit_compile=compiled)
        self.differentiate = tf.function(self.loss_and_gradients, jit_compile=compiled)

    def terms(self) -> Terms:
        return terms_of(self.tf, self.on_gpu, self.variant, self.plan)

    def close(self) -> None:
        pass  # variables and graphs go with it

    def reset(self) -> None:
        for name, value in self.plan.weights.items():
            self.params[name].assign(self.layouts[name].to_framework(value))
        for velocity in self.velocity:
            velocity.assign(self.tf.zeros_like(velocity))

    def step(self, slot: int) -> Any:
        if self.plan.training:
            return self.train_step(self.inputs[slot], self.labels[slot])
        return self.infer_step(self.inputs[slot])

    def set_input(self, slot: int, values: np.ndarray) -> None:
        self.inputs[slot] = self.tf.constant(self.orders.to_held(self.plan.input, values))

    def wait(self, handle: Any) -> None:
        if self.on_gpu:
            self.tf.test.experimental.sync_devices()
        elif handle is not None:
            handle.numpy()  # on a CPU a view of what is complete by now

    def read(self, handle: Any) -> np.ndarray:
        value = handle.numpy()
        return value if self.plan.training else self.orders.to_plan(self.plan.outputs[0], value)

    def momenta(self) -> dict[str, np.ndarray]:
        held = zip(self.plan.trainable, self.velocity)
        return {n: self.layouts[n].to_plan(v.numpy()) for n, v in held}

    def infer(self, x: Any) -> Any:
        return self.forward(x)[0][self.plan.outputs[0]]

    def train(self, x: Any, labels: Any) -> Any:
        optimizer, raw = self.plan.sgd, self.tf.raw_ops
        loss, gradients, running = self.loss_and_gradients(x, labels)
        for name, value in running.items():
            self.params[name].assign(value)
        for p, v, g in zip(self.trained, self.velocity, gradients[1:]):
            raw.ResourceApplyMomentum(
                var=p.handle,
                accum=v.handle,
                lr=optimizer.learning_rate,
                grad=g,
                momentum=optimizer.momentum,
                use_nesterov=True,
            )
        return loss

    def loss_and_gradients(self, x: Any, labels: Any) -> Any:
        tf = self.tf
        watched = [x, *self.trained] if self.plan.input_gradient else self.trained
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for tensor in watched:
                tape.watch(tensor)
            values, running = self.forward(x)
            name = self.plan.outputs[0]
            loss = self.loss(self.operators.channels_last(name, values[name]), labels)
        gradients = tape.gradient(loss, watched)
        return loss, gradients if self.plan.input_gradient else [None, *gradients], running

    def observed(self, x: Any) -> dict[str, Any]:
        values, _ = self.forward(x)
        return {name: values[name] for name in self.plan.outputs}

    def forward(self, x: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values by name, and the moved running statistics."""
        values, running = {self.plan.input: x}, {}
        for node, operator in self.ops:
            y = operator(*[values[n] for n in node.data], *[self.params[n] for n in node.params])
            if node.op == "BatchNormalization":
                y, mean, variance = y
                if self.plan.training:
                    running[node.params[2]], running[node.params[3]] = mean, variance
            values[node.output] = y
        return values, running

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        values = self.observe(self.inputs[slot])
        return {name: self.orders.to_plan(name, v.numpy()) for name, v in values.items()}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        loss, (dx, *grads), _ = self.differentiate(self.inputs[slot], self.labels[slot])
        out = {
            name: self.layouts[name].to_plan(g.numpy())
            for name, g in zip(self.plan.trainable, grads)
        }
        if dx is not None:
            out["input"] = self.orders.to_plan(self.plan.input, dx.numpy())
        return float(loss), out

    def state(self) -> dict[str, np.ndarray]:
        return {name: self.layouts[name].to_plan(p.numpy()) for name, p in self.params.items()}

    def shapes(self) -> dict[str, list[int]]:
        traced: dict[str, list[int]] = {}

        def trace(x: Any) -> None:
            values, _ = self.forward(x)
            for n in self.plan.nodes:
                traced[n.name] = self.orders.plan_shape(n.output, values[n.output].shape)

        self.tf.function(trace).get_concrete_function(self.inputs[0])
        return traced
