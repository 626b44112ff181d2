"""Keras' backends: each with its device, and the loop that Keras' guides write for it."""

from __future__ import annotations

import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from dlbench_sdk import cards
from dlbench_sdk.contract import Device
from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.switches import environment
from dlbench_sdk.threads import threads_named


class Loop(ABC):
    """The custom loop over one model, from its first weights; without an optimizer it infers."""

    infer: Callable[[Any], Any]
    train: Callable[[Any, Any], Any]  # one step; its loss
    differentiate: Callable[[Any, Any], Any]  # loss, its gradients by variable, and the input's

    def __init__(self, backend: Any, model: Any, observed: Any, loss: Any, optimizer: Any) -> None:
        self.backend, self.model, self.observed = backend, model, observed
        self.loss, self.optimizer = loss, optimizer

    @abstractmethod
    def observe(self, x: Any, training: bool) -> Any:
        """Every output of the plan."""

    @abstractmethod
    def wait(self, handle: Any) -> None: ...

    def settle(self) -> None:  # noqa: B027 (most keep nothing elsewhere)
        """Write what a step holds elsewhere to the model's variables."""

    def close(self) -> None:  # noqa: B027
        """Give back what does not go with the loop."""


class Backend(ABC):
    version: str
    execution = "graph"
    channels_last = True
    grouped = True  # convolutions in groups
    variants: tuple[str, ...] = ()

    def __init__(self, variant: str) -> None:
        if variant and variant not in self.variants:
            there = ", ".join(self.variants) or "none"
            raise Unsupported(f"DLBENCH_VARIANT={variant}: on this backend there is {there}")
        self.compiled = bool(variant)
        self.seen = Device()
        self.switches: dict[str, str] = {}  # of a GPU

    @abstractmethod
    def threads(self) -> int | None: ...

    def compiling(self) -> dict[str, str]:
        """What a variant compiles by, for the terms."""
        return {}

    @abstractmethod
    def put(self, x: np.ndarray) -> Any:
        """An array on the device."""

    @abstractmethod
    def loop(self, model: Any, observed: Any, loss: Any, optimizer: Any) -> Loop: ...

    def check_conv(self, node: Node, plan: Plan) -> None:  # noqa: B027
        """Refuse what the backend cannot do."""


class OnTensorFlow(Backend):
    execution = "graph (tf.function)"
    grouped = False
    variants = ("xla",)

    def __init__(self, threads: int, device: str, variant: str) -> None:
        super().__init__(variant)
        self.tf = importlib.import_module("tensorflow")
        self.version = self.tf.__version__
        if self.compiled:
            self.execution = "graph (tf.function, compiled by XLA)"
        self.tf.config.experimental.enable_tensor_float_32_execution(False)
        if device != "cpu":
            name = cards.of_tensorflow(self.tf, device)
            self.seen = Device("gpu", name, cards.uuid_of(device))
            self.switches = {"memory_growth": "on", "cudnn_autotune": "on (default)"}
        self.tf.config.threading.set_intra_op_parallelism_threads(threads)
        self.tf.config.threading.set_inter_op_parallelism_threads(1)

    def threads(self) -> int | None:
        return self.tf.config.threading.get_intra_op_parallelism_threads()

    def compiling(self) -> dict[str, str]:
        by = {"jit_compile": "on", "compiler": f"XLA of TensorFlow {self.version}"}
        return by if self.compiled else {"jit_compile": "off"}

    def check_conv(self, node: Node, plan: Plan) -> None:
        if plan.training and max(node.dilations) > 1:
            raise Unsupported("the gradient of a dilated Conv: TensorFlow has none on CPUs")
        if node.group == plan.channels_of(node) > 1 and node.strides[0] != node.strides[1]:
            raise Unsupported(f"depthwise Conv with strides {node.strides}")

    def put(self, x: np.ndarray) -> Any:
        return self.tf.constant(x)

    def loop(self, model: Any, observed: Any, loss: Any, optimizer: Any) -> Loop:
        return TensorFlowLoop(self, model, observed, loss, optimizer)


class TensorFlowLoop(Loop):
    def __init__(
        self, backend: OnTensorFlow, model: Any, observed: Any, loss: Any, optimizer: Any
    ) -> None:
        super().__init__(backend, model, observed, loss, optimizer)
        self.tf = tf = backend.tf
        compiled = True if backend.compiled else None
        self.infer = tf.function(lambda x: self.model(x, training=False), jit_compile=compiled)
        self.train = tf.function(self.one_step, jit_compile=compiled)
        self.differentiate = tf.function(self.differentiated, jit_compile=compiled)
        self.look = tf.function(observed, jit_compile=True) if backend.compiled else observed

    def one_step(self, x: Any, y: Any) -> Any:
        with self.tf.GradientTape() as tape:
            loss = self.loss(y, self.model(x, training=True))
        weights = self.model.trainable_variables
        gradients = tape.gradient(loss, [v.value for v in weights])
        self.optimizer.apply(gradients, weights)
        return loss

    def differentiated(self, x: Any, y: Any) -> Any:
        weights = [v.value for v in self.model.trainable_variables]
        with self.tf.GradientTape() as tape:
            tape.watch(x)
            loss = self.loss(y, self.model(x, training=True))
        *gradients, dx = tape.gradient(loss, [*weights, x])
        return loss, gradients, dx

    def observe(self, x: Any, training: bool) -> Any:
        return self.look(x, training=training)

    def wait(self, handle: Any) -> None:
        if handle is not None:
            handle.numpy()


class OnJax(Backend):
    execution = "graph (jit)"

    def __init__(self, threads: int, device: str, variant: str) -> None:
        super().__init__(variant)
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        self.jax = importlib.import_module("jax")
        self.version = self.jax.__version__
        self.jax.devices()  # makes XLA's pool, so that its threads can be counted
        found = cards.of_jax(self.jax, device)
        self.jax.config.update("jax_default_device", found)
        self.jax.config.update("jax_default_matmul_precision", "highest")
        if found.platform != "cpu":
            self.seen = Device("gpu", found.device_kind, cards.uuid_of(device))
            self.switches = environment("XLA_PYTHON_CLIENT_PREALLOCATE")

    def threads(self) -> int | None:
        return threads_named("tf_XLAEigen")

    def put(self, x: np.ndarray) -> Any:
        return self.jax.device_put(x)

    def loop(self, model: Any, observed: Any, loss: Any, optimizer: Any) -> Loop:
        return JaxLoop(self, model, observed, loss, optimizer)


class JaxLoop(Loop):
    """Keras' variables are not the state here: it goes from step to step by itself."""

    def __init__(
        self, backend: OnJax, model: Any, observed: Any, loss: Any, optimizer: Any
    ) -> None:
        super().__init__(backend, model, observed, loss, optimizer)
        self.jax = jax = backend.jax
        self.variables = [model.trainable_variables, model.non_trainable_variables]
        if optimizer:
            self.variables.append(optimizer.variables)
        # Copies: a step gives away what it was called with. By numpy: XLA would compile a copy of
        # every shape.
        self.held = [[jax.device_put(np.array(v.value)) for v in g] for g in self.variables]
        self.forward = jax.jit(lambda t, n, x: model.stateless_call(t, n, x, training=False)[0])
        self.look = jax.jit(observed.stateless_call, static_argnames="training")
        self.step = jax.jit(self.one_step, donate_argnums=(0, 1, 2))
        self.grads = jax.jit(jax.value_and_grad(self.loss_of, argnums=(0, 2), has_aux=True))

    def close(self) -> None:
        self.jax.clear_caches()

    def settle(self) -> None:
        for group, values in zip(self.variables, self.held):
            for variable, value in zip(group, values):
                variable.assign(self.jax.numpy.array(value))

    def loss_of(self, trained: Any, others: Any, x: Any, y: Any) -> Any:
        logits, others = self.model.stateless_call(trained, others, x, training=True)
        return self.loss(y, logits), others

    def one_step(self, trained: Any, others: Any, state: Any, x: Any, y: Any) -> Any:
        value_and_grad = self.jax.value_and_grad(self.loss_of, has_aux=True)
        (loss, others), gradients = value_and_grad(trained, others, x, y)
        trained, state = self.optimizer.stateless_apply(state, gradients, trained)
        return trained, others, state, loss

    def infer(self, x: Any) -> Any:
        return self.forward(self.held[0], self.held[1], x)

    def train(self, x: Any, y: Any) -> Any:
        *self.held, loss = self.step(*self.held, x, y)
        return loss

    def differentiate(self, x: Any, y: Any) -> tuple[Any, Any, Any]:
        (loss, _), (gradients, dx) = self.grads(self.held[0], self.held[1], x, y)
        return loss, gradients, dx

    def observe(self, x: Any, training: bool) -> Any:
        observed = self.observed
        by_path = {v.path: value for v, value in zip(self.variables[1], self.held[1])}
        others = [by_path[v.path] for v in observed.non_trainable_variables]
        return self.look(self.held[0], others, x, training=training)[0]

    def wait(self, handle: Any) -> None:
        self.jax.block_until_ready((handle, self.held))


class OnTorch(Backend):
    execution = "eager"
    channels_last = False
    variants = ("compile",)

    def __init__(self, threads: int, device: str, variant: str) -> None:
        super().__init__(variant)
        self.torch = torch = importlib.import_module("torch")
        self.version = torch.__version__
        torch.set_num_threads(threads)
        self.device = cards.of_torch(torch, device)
        self.seen = cards.seen_by_torch(torch, self.device)
        # Keras takes the card when there is one, and asks the environment first.
        os.environ["KERAS_TORCH_DEVICE"] = str(self.device)
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        self.switches = {"cudnn_benchmark": "on"}
        if self.compiled:
            self.execution = "graph (torch.compile)"

    def threads(self) -> int | None:
        return self.torch.get_num_threads()

    def compiling(self) -> dict[str, str]:
        if not self.compiled:
            return {"jit_compile": "off"}
        by = f"Inductor of PyTorch {self.version}"
        return {"jit_compile": "on", "compiler": by, "compile_mode": "default", "fullgraph": "off"}

    def put(self, x: np.ndarray) -> Any:
        return self.torch.from_numpy(x.copy()).to(self.device)

    def loop(self, model: Any, observed: Any, loss: Any, optimizer: Any) -> Loop:
        return TorchLoop(self, model, observed, loss, optimizer)


class TorchLoop(Loop):
    def __init__(
        self, backend: OnTorch, model: Any, observed: Any, loss: Any, optimizer: Any
    ) -> None:
        super().__init__(backend, model, observed, loss, optimizer)
        self.torch, self.device = backend.torch, backend.device
        self.forward, self.look, self.loss_of = model, observed, self.eager_loss
        if backend.compiled:
            compiled = self.torch.compile
            self.forward, self.look = compiled(model), compiled(observed)
            self.loss_of = compiled(self.eager_loss)

    def close(self) -> None:
        if self.backend.compiled:
            self.torch.compiler.reset()

    def eager_loss(self, x: Any, y: Any) -> Any:
        return self.loss(y, self.model(x, training=True))

    def infer(self, x: Any) -> Any:
        with self.torch.inference_mode():
            return self.forward(x, training=False)

    def train(self, x: Any, y: Any) -> Any:
        self.model.zero_grad()
        loss = self.loss_of(x, y)
        loss.backward()
        weights = self.model.trainable_variables
        with self.torch.no_grad():
            self.optimizer.apply([v.value.grad for v in weights], weights)
        return loss.detach()

    def differentiate(self, x: Any, y: Any) -> tuple[Any, Any, Any]:
        x = x.clone().requires_grad_(True)
        weights = [v.value for v in self.model.trainable_variables]
        loss = self.loss_of(x, y)
        *gradients, dx = self.torch.autograd.grad(loss, [*weights, x])
        return loss.detach(), gradients, dx

    def observe(self, x: Any, training: bool) -> Any:
        with self.torch.no_grad():
            return self.look(x, training=training)

    def wait(self, handle: Any) -> None:
        if self.device.type == "cuda":
            self.torch.cuda.synchronize(self.device)


BACKENDS: dict[str, Callable[[int, str, str], Backend]] = {
    "tensorflow": OnTensorFlow,
    "jax": OnJax,
    "torch": OnTorch,
}
