"""A plan as PyTorch computes it: a function over torch tensors, autograd, and torch.optim.SGD."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from dlbench_sdk.contract import Network, Terms
from dlbench_sdk.plan import Plan
from dlbench_sdk.switches import ALLOCATOR, environment

from .losses import loss_of
from .operators import Operators

EXECUTIONS = {
    "eager": "eager",
    "compile": "graph (torch.compile)",
    "cudagraphs": "eager, each step captured in a CUDA graph",
}
# What float16's small gradients are multiplied by before they are computed. SGD is linear, so
# that dividing the learning rate takes it out again, and a power of two rounds nothing.
LOSS_SCALE = 2.0**10
# What multiplies; in inference its weights are cast once.
MULTIPLIES = ("Conv", "ConvTranspose", "Gemm")


def multiply_in(torch: Any, precision: str) -> None:
    """How convolutions and products of float32 multiply: "ieee" or "tf32". The old and the new
    switches are set, the old ones first: if they disagree, the old ones' getters raise, and parts
    of PyTorch (max-autotune) still ask them."""
    backends = torch.backends
    backends.cuda.matmul.allow_tf32 = precision == "tf32"
    backends.cudnn.allow_tf32 = precision == "tf32"
    if hasattr(backends.cuda.matmul, "fp32_precision"):  # since PyTorch 2.9
        backends.cuda.matmul.fp32_precision = precision
        backends.cudnn.conv.fp32_precision = precision
        backends.cudnn.rnn.fp32_precision = precision


def terms_of(torch: Any, device: Any, variant: str, plan: Plan | None = None) -> Terms:
    switches = {"inference": "torch.inference_mode", "optimizer": "SGD(fused=True)"}
    precision, training = (plan.precision, plan.training) if plan else ("fp32", False)
    if device.type == "cuda":
        switches |= {
            "tf32": "on" if precision == "tf32" else "off",
            "cudnn_benchmark": "on: finished in the warm-up",
            "memory": "PyTorch's caching allocator, growing",
        }
    if precision in ("bf16", "fp16"):
        switches["autocast"] = {"bf16": "bfloat16", "fp16": "float16"}[precision]
        if training:
            switches["master_weights"] = "float32"
        else:
            switches["weights"] = "cast once at load; batch norm's stay float32"
    if precision == "fp16" and training:
        switches["loss_scale"] = f"{LOSS_SCALE:.0f}, constant"
    switches |= environment("OMP_WAIT_POLICY", "KMP_BLOCKTIME", *ALLOCATOR)
    layout = layout_of(device, plan)
    return Terms(torch.get_num_threads(), layout, EXECUTIONS[variant], precision, switches)


def layout_of(device: Any, plan: Plan | None) -> str:
    """Channels last, except where volumes train on CPUs: oneDNN returns the gradients of their
    kernels in the other order, and turning them back costs more than the layout gains."""
    if plan is None or len(plan.input_shape) < 5:
        return "NHWC"
    return "NCDHW" if plan.training and device.type == "cpu" else "NDHWC"


class TorchNetwork(Network):
    def __init__(self, torch: Any, device: Any, variant: str, plan: Plan) -> None:
        self.torch, self.device, self.variant, self.plan = torch, device, variant, plan
        multiply_in(torch, "tf32" if plan.precision == "tf32" else "ieee")
        self.dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(plan.precision)
        self.loss_scale = LOSS_SCALE if plan.precision == "fp16" else 1.0
        self.optimizer: Any = None
        self.loss_of = loss_of(torch, plan)
        operators = Operators(torch, plan)
        self.ops = [(node.output, operators.operator(node), node.data) for node in plan.nodes]
        self.inputs = [self.put(x) for x in plan.inputs]
        self.labels = [torch.from_numpy(y.copy()).to(device) for y in plan.labels]
        params = {name: self.put(value) for name, value in plan.weights.items()}
        if self.dtype and not plan.training:
            for name in multiplied(plan):
                params[name] = params[name].to(self.dtype)
        self.params = self.held(params)
        self.bound = [[self.params[p] for p in node.params] for node in plan.nodes]
        self.last_use = last_uses(plan)
        for name in plan.trainable:
            self.params[name].requires_grad_(plan.training)
        self.reset()

    def held(self, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters, in what holds them."""
        return params

    def terms(self) -> Terms:
        return terms_of(self.torch, self.device, self.variant, self.plan)

    def put(self, value: np.ndarray) -> Any:
        tensor = self.torch.from_numpy(value.copy()).to(self.device)
        formats = {4: self.torch.channels_last}
        if layout_of(self.device, self.plan) == "NDHWC":
            formats[5] = self.torch.channels_last_3d
        if tensor.dim() in formats:
            # Not contiguous(): it leaves one-channel tensors as they are, because both layouts
            # fit them, and what is computed from them is NCHW then.
            tensor = tensor.to(memory_format=formats[tensor.dim()])
        return tensor

    def close(self) -> None:
        pass  # its tensors go with it

    def reset(self) -> None:
        torch = self.torch
        with torch.no_grad():
            for name, value in self.plan.weights.items():
                self.params[name].copy_(torch.from_numpy(value.copy()))
        self.forget_velocity()

    def forget_velocity(self) -> None:
        o = self.plan.optimizer
        if o is None:
            return
        for name in self.plan.trainable:
            self.params[name].grad = None
        self.optimizer = self.torch.optim.SGD(
            [self.params[name] for name in self.plan.trainable],
            lr=o.learning_rate / self.loss_scale,
            momentum=o.momentum,
            nesterov=True,
            fused=True,
        )

    def step(self, slot: int) -> Any:
        if not self.plan.training:
            with self.torch.inference_mode(), self.autocast():
                return self.run(self.inputs[slot])
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            logits = self.run(self.inputs[slot])
        loss = self.loss(logits, slot)
        self.scaled(loss).backward()
        self.optimizer.step()
        return loss.detach()

    def autocast(self) -> Any:
        """Mixed precision as PyTorch has it; nothing if the plan wants none."""
        if not self.dtype:
            return contextlib.nullcontext()
        # A cache of casts must not outlive a captured graph.
        cached = self.variant != "cudagraphs"
        return self.torch.autocast(self.device.type, dtype=self.dtype, cache_enabled=cached)

    def scaled(self, loss: Any) -> Any:
        return loss if self.loss_scale == 1 else loss * self.loss_scale

    def used(self) -> dict[str, np.ndarray]:
        held = {name: self.params[name].grad for name in self.plan.trainable}
        return {name: self.read(g) / self.loss_scale for name, g in held.items()}

    def run(self, x: Any) -> Any:
        """What steps time."""
        return self.forward(x)

    def forward(self, x: Any, observed: dict[str, Any] | None = None) -> Any:
        values = {self.plan.input: x}
        for (output, operator, data), bound, done in zip(self.ops, self.bound, self.last_use):
            y = operator(*[values[name] for name in data], *bound)
            if observed is not None:
                observed[output] = y
            for name in done:
                del values[name]
            values[output] = y
        return values[self.plan.outputs[0]]

    def loss(self, logits: Any, slot: int) -> Any:
        return self.loss_of(logits, self.labels[slot])

    def set_input(self, slot: int, values: np.ndarray) -> None:
        with self.torch.no_grad():  # into the same memory, which captured graphs read
            self.inputs[slot].copy_(self.torch.from_numpy(np.require(values, requirements="W")))

    def wait(self, handle: Any) -> None:
        pass  # a CPU's operators return when they are done

    def read(self, handle: Any) -> np.ndarray:
        return handle.detach().float().cpu().numpy()

    def observed(self, slot: int) -> dict[str, Any]:
        """Every node's value, by a forward pass in the plan's mode."""
        values: dict[str, Any] = {}
        with self.torch.inference_mode(), self.keeping_statistics(), self.autocast():
            self.forward(self.inputs[slot], values)
        return values

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        values = self.observed(slot)
        return {name: self.read(values[name]) for name in self.plan.outputs}

    def shapes(self) -> dict[str, list[int]]:
        values = self.observed(0)
        return {n.name: list(values[n.output].shape) for n in self.plan.nodes}

    def keeping_statistics(self) -> Kept:
        return Kept([self.params[name] for name in self.plan.statistics])

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        x = self.inputs[slot].detach().requires_grad_(True)
        names = self.plan.trainable
        with self.keeping_statistics():
            with self.autocast():
                logits = self.forward(x)
            loss = self.loss(logits, slot)
            wanted = [x, *(self.params[name] for name in names)]
            grads = self.torch.autograd.grad(self.scaled(loss), wanted)
        out = {n: self.read(g) / self.loss_scale for n, g in zip(["input", *names], grads)}
        return float(loss.detach()), out

    def state(self) -> dict[str, np.ndarray]:
        return {name: self.read(value).copy() for name, value in self.params.items()}


class OnCard(TorchNetwork):
    """A GPU computes behind the program, and has events of its own."""

    def wait(self, handle: Any) -> None:
        self.torch.cuda.synchronize(self.device)

    def mark(self) -> Any:
        event = self.torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between_ns(self, first: Any, last: Any) -> int:
        return round(first.elapsed_time(last) * 1e6)


class Captured(OnCard):
    """A slot's step as a CUDA graph, by PyTorch's notes on CUDA graphs."""

    def __init__(self, torch: Any, device: Any, variant: str, plan: Plan) -> None:
        super().__init__(torch, device, variant, plan)
        self.graphs = [self.captured(slot) for slot in range(plan.slots)]
        self.reset()

    def captured(self, slot: int) -> tuple[Any, Any, dict[str, Any]]:
        """The graph, its output and its gradients. Some steps on a stream of their own come
        before, so that what is made once is there."""
        cuda, issue = self.torch.cuda, super().step
        side = cuda.Stream()
        side.wait_stream(cuda.current_stream())
        with cuda.stream(side):
            for _ in range(3):
                issue(slot)
        cuda.current_stream().wait_stream(side)
        graph = cuda.CUDAGraph()
        with cuda.graph(graph):
            output = issue(slot)
        return graph, output, {name: self.params[name].grad for name in self.plan.trainable}

    def step(self, slot: int) -> Any:
        graph, output, self.last_gradients = self.graphs[slot]
        graph.replay()
        return output

    def used(self) -> dict[str, np.ndarray]:
        return {n: self.read(g) / self.loss_scale for n, g in self.last_gradients.items()}

    def forget_velocity(self) -> None:
        if self.optimizer is None:
            super().forget_velocity()
            return
        for state in self.optimizer.state.values():  # the graphs hold its addresses
            state["momentum_buffer"].zero_()


def multiplied(plan: Plan) -> list[str]:
    """The parameters of what multiplies."""
    return [name for node in plan.nodes if node.op in MULTIPLIES for name in node.params]


class Kept:
    """Puts tensors back to what they were."""

    def __init__(self, tensors: list[Any]) -> None:
        self.tensors = tensors

    def __enter__(self) -> None:
        self.copies = [t.clone() for t in self.tensors]

    def __exit__(self, *_: object) -> None:
        for tensor, copy in zip(self.tensors, self.copies):
            tensor.copy_(copy)


def last_uses(plan: Plan) -> list[list[str]]:
    """For each node, the activations that no later node takes: their memory is given back."""
    last = {name: i for i, node in enumerate(plan.nodes) for name in node.data}
    return [
        [name for name in dict.fromkeys(node.data) if last[name] == i]
        for i, node in enumerate(plan.nodes)
    ]
