"""JAX: pure functions under jit, NHWC, by jax.lax."""

from __future__ import annotations

import os

import numpy as np

from dlbench_sdk import cards
from dlbench_sdk.adapter import Adapter, Description, Terms, environment, threads_named
from dlbench_sdk.nhwc import (
    axis,
    explicit,
    flattens_in_place,
    from_nchw,
    layout_of,
    shape_to_nchw,
    to_nchw,
)
from dlbench_sdk.plan import OPERATORS, Node, Plan
from dlbench_sdk.windows import overhang, reach, resize_matrix, shifts, window_counts

CHANNELS_LAST = ("NHWC", "HWIO", "NHWC")
# In bfloat16 these compute in it; all others take float32 and give bfloat16, as Flax' layers do.
NARROW = ("Conv", "ConvTranspose", "Gemm", "Relu", "MaxPool", "Add", "Concat", "Flatten", "Dropout")
MULTIPLIES = ("Conv", "ConvTranspose", "Gemm")
# How JAX calls the way in which float32 multiplies; its own default on GPUs is TF32.
MATMUL_PRECISION = {"tf32": "tensorfloat32"}
GROWING = "XLA_PYTHON_CLIENT_PREALLOCATE"


class Jax(Adapter):
    plan = None

    def open(self, device: str, threads: int) -> Description:
        os.environ.setdefault(GROWING, "false")  # else it takes three quarters of a card at once
        import jax
        import jaxlib

        self.jax, self.np, self.lax = jax, jax.numpy, jax.lax
        self.device = cards.of_jax(jax, device)
        jax.config.update("jax_default_device", self.device)
        jax.config.update("jax_default_matmul_precision", "highest")
        precisions, no_precision = self.precisions()
        return Description(
            framework="JAX",
            version=jax.__version__,
            build={"jaxlib": jaxlib.__version__, "platform": self.device.platform},
            operators=OPERATORS,
            running_variance="biased",
            device_kind="cpu" if self.device.platform == "cpu" else "gpu",
            device_name="" if self.device.platform == "cpu" else self.device.device_kind,
            device_uuid=cards.uuid_of(device),
            precisions=precisions,
            no_precision=no_precision,
        )

    def precisions(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """Those of the device, and why not the others."""
        reasons = {"fp16": "this runner has no loss scaling for JAX"}
        if self.device.platform == "cpu":
            return ("fp32", "bf16"), {**reasons, "tf32": "this CPU has none"}
        capability = str(getattr(self.device, "compute_capability", ""))
        if capability and float(capability) < 8:
            reason = f"this GPU (compute capability {capability}) has none, it came with 8.0"
            return ("fp32",), {**reasons, "tf32": reason, "bf16": reason}
        return ("fp32", "tf32", "bf16"), reasons

    def terms(self) -> Terms:
        precision = self.plan.precision if self.plan else "fp32"
        switches = {"donation": "parameters and velocity"}
        switches["matmul_precision"] = str(self.jax.config.jax_default_matmul_precision)
        if self.device.platform != "cpu":
            switches["tf32"] = "on" if precision == "tf32" else "off"
            switches["autotuning"] = "XLA's own, while it compiles"
            switches |= environment(GROWING)
        if precision == "bf16":
            weights = "float32" if self.plan.training else "cast once at load"
            switches |= {"compute": "bfloat16; batch norm in float32", "weights": weights}
        switches |= environment("NPROC", "XLA_FLAGS")
        return Terms(threads_named("tf_XLAEigen"), "NHWC", "graph (jit)", precision, switches)

    def load(self, plan: Plan) -> None:
        jax, put = self.jax, self.jax.device_put
        self.plan = plan
        multiply = MATMUL_PRECISION.get(plan.precision, "highest")
        jax.config.update("jax_default_matmul_precision", multiply)
        self.narrow = self.np.bfloat16 if plan.precision == "bf16" else None
        self.layouts = {n: layout_of(plan, n) for n in plan.weights}
        self.ops = [(node, self.operator(node)) for node in plan.nodes]
        if self.narrow:
            self.ops = [(node, self.mixed(node, operator)) for node, operator in self.ops]
        self.inputs = [put(from_nchw(x)) for x in plan.inputs]
        self.labels = [put(y.astype(np.int32)) for y in plan.labels]
        self.reset()
        self.infer_step = jax.jit(self.infer)
        self.train_step = jax.jit(self.train, donate_argnums=(0, 1, 2))
        self.observe = jax.jit(self.observed)
        self.differentiate = jax.jit(jax.grad(self.loss, argnums=(0, 2), has_aux=True))

    def unload(self) -> None:
        self.plan = self.ops = self.inputs = self.labels = None
        self.trained = self.running = self.velocity = None
        self.infer_step = self.train_step = self.observe = self.differentiate = None
        self.jax.clear_caches()

    def reset(self) -> None:
        plan, put = self.plan, self.jax.device_put

        cast = set()
        if self.narrow and not plan.training:
            cast = {name for node in plan.nodes if node.op in MULTIPLIES for name in node.params}

        def placed(names):
            held = {n: put(self.layouts[n].to_framework(plan.weights[n])) for n in names}
            return {n: p.astype(self.narrow) if n in cast else p for n, p in held.items()}

        self.trained, self.running = placed(plan.trainable), placed(plan.statistics)
        self.velocity = {n: self.np.zeros_like(p) for n, p in self.trained.items()}

    def step(self, slot: int):
        if not self.plan.training:
            return self.infer_step(self.trained, self.running, self.inputs[slot])
        self.trained, self.velocity, self.running, loss = self.train_step(
            self.trained, self.velocity, self.running, self.inputs[slot], self.labels[slot]
        )
        return loss

    def synchronize(self, handle) -> None:
        self.jax.block_until_ready((handle, self.trained, self.velocity))

    def read(self, handle) -> np.ndarray:
        return np.asarray(handle)

    def used(self) -> dict[str, np.ndarray]:
        """What the step added to the velocity."""
        m = self.plan.optimizer.momentum
        grown = {n: wide(v) - m * self.velocity_before[n] for n, v in self.velocity.items()}
        return {n: self.layouts[n].to_plan(g) for n, g in grown.items()}

    def infer(self, trained, running, x):
        return self.float32(self.forward(trained, running, x)[0][self.plan.outputs[0]])

    def train(self, trained, velocity, running, x, labels):
        m, rate = self.plan.optimizer.momentum, self.plan.optimizer.learning_rate
        value_and_grad = self.jax.value_and_grad(self.loss, has_aux=True)
        (loss, (_, moved)), gradients = value_and_grad(trained, running, x, labels)
        v = {n: m * velocity[n] + g for n, g in gradients.items()}
        p = {n: trained[n] - rate * (g + m * v[n]) for n, g in gradients.items()}
        return p, v, {**running, **moved}, loss

    def loss(self, trained, running, x, labels):
        values, moved = self.forward(trained, running, x)
        log_p = self.jax.nn.log_softmax(self.float32(values[self.plan.outputs[0]]))
        loss = -self.np.take_along_axis(log_p, labels[:, None], 1).mean()
        return loss, (loss, moved)

    def observed(self, trained, running, x):
        values, _ = self.forward(trained, running, x)
        return {name: self.float32(values[name]) for name in self.plan.outputs}

    def float32(self, x):
        return x.astype(self.np.float32) if self.narrow else x

    def mixed(self, node: Node, operator):
        """A node of a network that computes in bfloat16 and keeps its parameters in float32."""
        take = self.narrow if node.op in NARROW else self.np.float32

        def apply(*operands):
            y = operator(*[x.astype(take) for x in operands])
            if isinstance(y, tuple):  # batch norm's statistics stay float32
                return y[0].astype(self.narrow), *y[1:]
            return y.astype(self.narrow)

        return apply

    def forward(self, trained, running, x):
        """Values by name, and the moved running statistics."""
        params, values, moved = {**trained, **running}, {self.plan.input: x}, {}
        self.static = {}
        for node, operator in self.ops:
            y = operator(*[values[n] for n in node.data], *[params[n] for n in node.params])
            if node.op == "BatchNormalization":
                y, mean, variance = y
                if self.plan.training:
                    moved[node.params[2]], moved[node.params[3]] = mean, variance
            values[node.output] = y
            self.static[node.name] = shape_to_nchw(y.shape)
        return values, moved

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        values = self.observe(self.trained, self.running, self.inputs[slot])
        return {name: to_nchw(np.asarray(v)) for name, v in values.items()}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        self.velocity_before = {n: wide(v) for n, v in self.velocity.items()}
        state = self.trained, self.running, self.inputs[slot], self.labels[slot]
        (grads, dx), (loss, _) = self.differentiate(*state)
        out = {n: self.layouts[n].to_plan(np.asarray(g)) for n, g in grads.items()}
        out["input"] = to_nchw(np.asarray(dx))
        return float(loss), out

    def state(self) -> dict[str, np.ndarray]:
        held = {**self.trained, **self.running}
        values = {n: np.asarray(held[n], np.float32) for n in self.plan.weights}
        return {n: self.layouts[n].to_plan(value) for n, value in values.items()}

    def shapes(self) -> dict[str, list[int]]:
        return self.static

    def size_of(self, node: Node) -> tuple[int, ...]:
        return self.plan.shape_of(node.data[0])[2:]

    def _conv(self, node: Node):
        convolve = self.lax.conv_general_dilated
        padding = explicit(node.pads)[1:3]

        def apply(x, w, b=None):
            y = convolve(
                x,
                w,
                node.strides,
                padding,
                rhs_dilation=node.dilations,
                dimension_numbers=CHANNELS_LAST,
                feature_group_count=node.group,
            )
            return y if b is None else y + b

        return apply

    def _convtranspose(self, node: Node):
        jnp, convolve, groups = self.np, self.lax.conv_general_dilated, node.group
        padding = []
        for i, (size, out) in enumerate(zip(self.size_of(node), node.shape[2:])):
            tail = node.dilations[i] * (node.kernel_shape[i] - 1)
            before = tail - node.pads[i]
            spread = (size - 1) * node.strides[i] + 1
            padding.append((before, out - spread - before + tail))

        def apply(x, w, b=None):
            kh, kw, outward, inward = w.shape
            w = jnp.flip(w, (0, 1)).reshape(kh, kw, outward, groups, inward // groups)
            w = w.transpose(0, 1, 4, 3, 2).reshape(kh, kw, inward // groups, groups * outward)
            y = convolve(
                x,
                w,
                (1, 1),
                padding,
                lhs_dilation=node.strides,
                rhs_dilation=node.dilations,
                dimension_numbers=CHANNELS_LAST,
                feature_group_count=groups,
            )
            return y if b is None else y + b

        return apply

    def _batchnormalization(self, node: Node):
        lax, training, old = self.lax, self.plan.training, node.momentum

        def apply(x, scale, bias, mean, variance):
            moved = mean, variance
            if training:
                moved = mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            y = (x - mean) * (lax.rsqrt(variance + node.epsilon) * scale) + bias
            return y, *moved

        def moving(x, scale, bias, mean, variance):
            y, batch_mean, batch_variance = apply(x, scale, bias, mean, variance)
            new = 1 - old
            return y, old * mean + new * batch_mean, old * variance + new * batch_variance

        return moving if training else apply

    def _relu(self, node: Node):
        return self.jax.nn.relu

    def _clip(self, node: Node):
        return lambda x: self.np.clip(x, node.min, node.max)

    def _sigmoid(self, node: Node):
        return self.jax.nn.sigmoid

    def _softmax(self, node: Node):
        return lambda x: self.jax.nn.softmax(x, axis(node))

    def _maxpool(self, node: Node):
        lax = self.lax
        extra = overhang(node, self.size_of(node), node.dilations)
        padding = explicit([p + e for p, e in zip(node.pads, extra)])
        if list(node.dilations) != [1, 1]:
            return self.dilated_maxpool(node, padding)
        window, strides = (1, *node.kernel_shape, 1), (1, *node.strides, 1)
        return lambda x: lax.reduce_window(x, -np.inf, lax.max, window, strides, padding)

    def dilated_maxpool(self, node: Node, padding):
        """The maximum of shifted images: reduce_window has no gradient with dilations."""
        jnp, windows = self.np, shifts(node)

        def apply(x):
            x = jnp.pad(x, padding, constant_values=-np.inf)
            return jnp.stack([x[:, rows, columns] for rows, columns in windows]).max(0)

        return apply

    def _averagepool(self, node: Node):
        lax, size = self.lax, self.size_of(node)
        counts = from_nchw(window_counts(node, size))
        counts = counts.astype(np.float32)
        padding = explicit(reach(node, size))
        window, strides = (1, *node.kernel_shape, 1), (1, *node.strides, 1)
        return lambda x: lax.reduce_window(x, 0.0, lax.add, window, strides, padding) / counts

    def _globalaveragepool(self, node: Node):
        return lambda x: x.mean((1, 2), keepdims=True)

    def _add(self, node: Node):
        return self.np.add

    def _mul(self, node: Node):
        return self.np.multiply

    def _concat(self, node: Node):
        return lambda *parts: self.np.concatenate(parts, axis(node))

    def _flatten(self, node: Node):
        if flattens_in_place(self.plan, node):
            return lambda x: x.reshape(x.shape[0], -1)
        return lambda x: (x.transpose(0, 3, 1, 2) if x.ndim == 4 else x).reshape(x.shape[0], -1)

    def _gemm(self, node: Node):
        return lambda x, w, b: node.alpha * (x @ w) + node.beta * b

    def _lrn(self, node: Node):
        lax, window = self.lax, (1, 1, 1, node.size)
        padding = [(0, 0), (0, 0), (0, 0), ((node.size - 1) // 2, node.size // 2)]

        def apply(x):
            squares = lax.reduce_window(x * x, 0.0, lax.add, window, (1, 1, 1, 1), padding)
            return x * (node.bias + node.alpha / node.size * squares) ** -node.beta

        return apply

    def _dropout(self, node: Node):
        return lambda x: x

    def _resize(self, node: Node):
        h, w = self.size_of(node)
        rows = resize_matrix(node, h, node.scales_h).astype(np.float32)
        columns = resize_matrix(node, w, node.scales_w).astype(np.float32)
        return lambda x: self.np.einsum("ph,nhwc,qw->npqc", rows, x, columns)


def wide(x) -> np.ndarray:
    return np.asarray(x, np.float64)


def adapter() -> Adapter:
    return Jax()
