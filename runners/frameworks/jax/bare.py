"""ResNet and LeNet as plain functions over lists of arrays, and their jitted loops."""

from __future__ import annotations

import os
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # its twin is on the card, too

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

PRECISIONS = ("fp32", "tf32", "bf16")
COMPUTE = jnp.float32


def start(threads: int, device: str) -> dict:
    kind, _, index = device.partition(":")
    jax.config.update("jax_default_device", jax.devices(kind)[int(index or 0)])
    return {"name": "JAX", "version": jax.__version__}


def weight(*shape):
    return np.random.randn(*shape).astype(np.float32) / np.sqrt(np.prod(shape[:-1]))


def conv(x, w, stride=1, padding=0):
    pads = [(padding, padding)] * 2
    return lax.conv_general_dilated(
        x.astype(COMPUTE),
        w.astype(COMPUTE),
        (stride, stride),
        pads,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def dense(x, w):
    return x.astype(COMPUTE) @ w.astype(COMPUTE)


def batch_norm(x, p, s, train):
    y, moved = normalized(x.astype(jnp.float32), p, s, train)
    return y.astype(COMPUTE), moved


def normalized(x, p, s, train):
    """As Flax' BatchNorm has it: the factors of a channel are multiplied first."""
    mean, var, moved = s["mean"], s["var"], s
    if train:
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        moved = {"mean": 0.9 * s["mean"] + 0.1 * mean, "var": 0.9 * s["var"] + 0.1 * var}
    return (x - mean) * (lax.rsqrt(var + 1e-5) * p["scale"]) + p["bias"], moved


def new_conv_bn(cin, cout, k):
    p = {"w": weight(k, k, cin, cout), "scale": np.ones(cout, "f4"), "bias": np.zeros(cout, "f4")}
    return p, {"mean": np.zeros(cout, "f4"), "var": np.ones(cout, "f4")}


def conv_bn(x, p, s, stride, train):
    k = p["w"].shape[0]
    return batch_norm(conv(x, p["w"], stride, k // 2), p, s, train)


class ResNet:
    def __init__(self, bottleneck, depths, classes, channels, width=64, imagenet=True):
        self.bottleneck, self.imagenet = bottleneck, imagenet
        self.plan, self.params, self.state = [], [], []
        self.add(new_conv_bn(channels, width, 7 if imagenet else 3))
        cin = width
        for stage, depth in enumerate(depths):
            for i in range(depth):
                w = width << stage
                cout = 4 * w if bottleneck else w
                stride = 2 if stage > 0 and i == 0 else 1
                shortcut = stride != 1 or cin != cout
                self.plan.append((stride, shortcut))
                sizes = [(cin, w, 1), (w, w, 3), (w, cout, 1)] if bottleneck else []
                for size in sizes or [(cin, w, 3), (w, cout, 3)]:
                    self.add(new_conv_bn(*size))
                if shortcut:
                    self.add(new_conv_bn(cin, cout, 1))
                cin = cout
        self.params.append({"w": weight(cin, classes), "b": np.zeros(classes, "f4")})

    def add(self, made):
        self.params.append(made[0])
        self.state.append(made[1])

    def apply(self, params, state, x, train):
        at, moved = 0, []

        def layer(x, stride=1):
            nonlocal at
            y, s = conv_bn(x, params[at], state[at], stride, train)
            moved.append(s)
            at += 1
            return y

        x = jax.nn.relu(layer(x, 2 if self.imagenet else 1))
        if self.imagenet:
            pads = [(0, 0), (1, 1), (1, 1), (0, 0)]
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), pads)
        for stride, shortcut in self.plan:
            y = jax.nn.relu(layer(x, 1 if self.bottleneck else stride))
            if self.bottleneck:
                y = jax.nn.relu(layer(y, stride))
            y = layer(y)
            x = jax.nn.relu(y + (layer(x, stride) if shortcut else x))
        x = x.mean((1, 2))
        return dense(x, params[-1]["w"]).astype(jnp.float32) + params[-1]["b"], moved


class LeNet:
    def __init__(self, classes):
        shapes = [(5, 5, 1, 6), (5, 5, 6, 16), (400, 120), (120, 84), (84, classes)]
        self.params = [{"w": weight(*s), "b": np.zeros(s[-1], "f4")} for s in shapes]
        self.state = []

    def apply(self, params, state, x, train):
        for p, padding in zip(params[:2], (2, 0)):
            x = jax.nn.relu(conv(x, p["w"], 1, padding) + p["b"].astype(COMPUTE))
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = x.reshape(x.shape[0], -1)
        for p in params[2:4]:
            x = jax.nn.relu(dense(x, p["w"]) + p["b"].astype(COMPUTE))
        return dense(x, params[4]["w"]).astype(jnp.float32) + params[4]["b"], state


DEPTHS = {
    "resnet18": (False, [2, 2, 2, 2]),
    "resnet34": (False, [3, 4, 6, 3]),
    "resnet50": (True, [3, 4, 6, 3]),
    "resnet101": (True, [3, 4, 23, 3]),
    "resnet152": (True, [3, 8, 36, 3]),
}


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int, precision: str):
        global COMPUTE
        COMPUTE = jnp.bfloat16 if precision == "bf16" else jnp.float32
        multiply = "tensorfloat32" if precision == "tf32" else "highest"
        jax.config.update("jax_default_matmul_precision", multiply)
        self.mode = mode
        if network == "lenet":
            model, shape = LeNet(classes), (28, 28, 1)
        elif network == "resnet20":
            model, shape = ResNet(False, [3, 3, 3], classes, 3, 16, imagenet=False), (32, 32, 3)
        else:
            model, shape = ResNet(*DEPTHS[network], classes, 3), (224, 224, 3)
        self.params, self.state = jax.device_put((model.params, model.state))
        self.velocity = jax.tree.map(jnp.zeros_like, self.params)
        self.inputs = [jax.device_put(np.random.randn(batch, *shape).astype("f4")) for _ in "01"]
        labels = np.random.randint(0, classes, (2, batch)).astype(np.int32)
        self.labels = [jax.device_put(y) for y in labels]
        self.infer_step = jax.jit(lambda p, s, x: model.apply(p, s, x, False)[0])

        def loss_of(params, state, x, y):
            logits, moved = model.apply(params, state, x, True)
            log_p = jax.nn.log_softmax(logits)
            return -jnp.take_along_axis(log_p, y[:, None], 1).mean(), moved

        def one_step(params, velocity, state, x, y):
            (loss, state), grads = jax.value_and_grad(loss_of, has_aux=True)(params, state, x, y)
            velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, grads)
            params = jax.tree.map(lambda p, v, g: p - 1e-3 * (g + 0.9 * v), params, velocity, grads)
            return params, velocity, state, loss

        self.train_step = jax.jit(one_step, donate_argnums=(0, 1, 2))

    def loop(self, iterations: int, slot: int):
        inputs, labels = self.inputs, self.labels
        start = time.monotonic_ns()
        for i in range(iterations):
            k = (slot + i) % 2
            if self.mode == "train":
                self.params, self.velocity, self.state, output = self.train_step(
                    self.params, self.velocity, self.state, inputs[k], labels[k]
                )
            else:
                output = self.infer_step(self.params, self.state, inputs[k])
        jax.block_until_ready((output, self.params))
        return start, time.monotonic_ns(), np.asarray(output)
