"""PyTorch: eager, channels-last, by torch.nn.functional; compiled, or captured in CUDA graphs, in
its variants."""

from __future__ import annotations

import contextlib
import os
import shutil

import numpy as np

from dlbench_sdk import cards
from dlbench_sdk.adapter import ALLOCATOR, Adapter, Description, Terms, environment
from dlbench_sdk.plan import OPERATORS, Node, Plan, Unsupported

EXECUTIONS = {
    "eager": "eager",
    "compile": "torch.compile",
    "cudagraphs": "eager, each step captured in a CUDA graph",
}
# What float16's small gradients are multiplied by before they are computed. SGD is linear, so
# that dividing the learning rate takes it out again, and a power of two rounds nothing.
LOSS_SCALE = 2.0**10
# What multiplies; in inference its weights are cast once.
MULTIPLIES = ("Conv", "ConvTranspose", "Gemm")


class PyTorch(Adapter):
    plan = None

    def open(self, device: str, threads: int) -> Description:
        import torch

        self.torch = torch
        self.variant = os.environ.get("DLBENCH_VARIANT") or "eager"
        if self.variant not in EXECUTIONS:
            raise Unsupported(f"DLBENCH_VARIANT={self.variant}: there are {', '.join(EXECUTIONS)}")
        if threads:
            torch.set_num_threads(threads)
        self.device = cards.of_torch(torch, device)
        self.check_variant()
        self.multiply_in("ieee")
        torch.backends.cudnn.benchmark = True
        precisions, no_precision = self.precisions()
        return Description(
            framework="PyTorch",
            version=torch.__version__,
            build={
                "cuda": str(torch.version.cuda),
                "mkl": str(torch.backends.mkl.is_available()),
                "mkldnn": str(torch.backends.mkldnn.is_available()),
                "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            },
            operators=OPERATORS,
            running_variance="unbiased",
            precisions=precisions,
            no_precision=no_precision,
            **cards.seen_by_torch(torch, self.device),
        )

    def check_variant(self) -> None:
        """Refuse a variant that this machine cannot run."""
        if self.variant == "cudagraphs" and self.device.type != "cuda":
            raise Unsupported("variant cudagraphs: CUDA graphs are of GPUs")
        # Inductor compiles C++ for CPUs, and Triton the host's part of a kernel in C.
        compilers = [shutil.which(name) for name in ("c++", "g++", "clang++", "cc")]
        if self.variant == "compile" and not any(compilers):
            raise Unsupported("variant compile: torch.compile needs a compiler, there is none here")

    def precisions(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """Those of the device, and why not the others."""
        if self.device.type == "cpu":
            reasons = {
                "tf32": "this CPU has none",
                "fp16": "on CPUs this runner has bf16 alone",
            }
            return ("fp32", "bf16"), reasons
        major, minor = self.torch.cuda.get_device_capability(self.device)
        if major >= 8:
            return ("fp32", "tf32", "bf16", "fp16"), {}
        reason = f"this GPU (sm_{major}{minor}) has none, it came with sm_80"
        return ("fp32", "fp16"), {"tf32": reason, "bf16": reason}

    def multiply_in(self, precision: str) -> None:
        """How convolutions and products of float32 multiply: "ieee" or "tf32"."""
        backends = self.torch.backends
        if hasattr(backends.cuda.matmul, "fp32_precision"):
            backends.cuda.matmul.fp32_precision = precision
            backends.cudnn.conv.fp32_precision = precision
            backends.cudnn.rnn.fp32_precision = precision
        else:  # before PyTorch 2.9
            backends.cuda.matmul.allow_tf32 = precision == "tf32"
            backends.cudnn.allow_tf32 = precision == "tf32"

    def terms(self) -> Terms:
        torch = self.torch
        switches = {"inference": "torch.inference_mode", "optimizer": "SGD(fused=True)"}
        precision = self.plan.precision if self.plan else "fp32"
        if self.device.type == "cuda":
            switches |= {
                "tf32": "on" if precision == "tf32" else "off",
                "cudnn_benchmark": "on: finished in the warm-up",
                "memory": "PyTorch's caching allocator, growing",
            }
        if precision in ("bf16", "fp16"):
            switches["autocast"] = {"bf16": "bfloat16", "fp16": "float16"}[precision]
            if self.plan.training:
                switches["master_weights"] = "float32"
            else:
                switches["weights"] = "cast once at load; batch norm's stay float32"
        if precision == "fp16" and self.plan.training:
            switches["loss_scale"] = f"{LOSS_SCALE:.0f}, constant"
        switches |= environment("OMP_WAIT_POLICY", "KMP_BLOCKTIME", *ALLOCATOR)
        execution = EXECUTIONS[self.variant]
        return Terms(torch.get_num_threads(), "NHWC", execution, precision, switches)

    def load(self, plan: Plan) -> None:
        torch = self.torch
        self.plan = plan
        self.multiply_in("tf32" if plan.precision == "tf32" else "ieee")
        self.dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(plan.precision)
        self.loss_scale = LOSS_SCALE if plan.precision == "fp16" else 1.0
        self.graphs, self.optimizer = {}, None
        self.inplace = plan.in_place("Relu", "Add")
        self.ops = [(node.output, self.operator(node), node.data) for node in plan.nodes]
        self.inputs = [self.put(x) for x in plan.inputs]
        self.labels = [torch.from_numpy(y.copy()).to(self.device) for y in plan.labels]
        self.params = {name: self.put(value) for name, value in plan.weights.items()}
        if self.dtype and not plan.training:
            for name in multiplied(plan):
                self.params[name] = self.params[name].to(self.dtype)
        self.bound = [[self.params[p] for p in node.params] for node in plan.nodes]
        self.last_use = last_uses(plan)
        self.run = self.forward if self.variant == "eager" else torch.compile(self.forward)
        for name in plan.trainable:
            self.params[name].requires_grad_(plan.training)
        self.reset()
        if self.variant == "cudagraphs":
            self.graphs = {slot: self.captured(slot) for slot in range(plan.slots)}
            self.reset()

    def put(self, value: np.ndarray):
        tensor = self.torch.from_numpy(value.copy()).to(self.device)
        if tensor.dim() == 4:
            # Not contiguous(): it leaves one-channel tensors as they are, because both layouts
            # fit them, and what is computed from them is NCHW then.
            tensor = tensor.to(memory_format=self.torch.channels_last)
        return tensor

    def unload(self) -> None:
        self.plan = self.ops = self.inputs = self.labels = None
        self.params = self.bound = self.optimizer = self.run = self.graphs = None
        if self.variant == "compile":
            self.torch.compiler.reset()
        if self.device.type == "cuda":
            self.torch.cuda.empty_cache()

    def reset(self) -> None:
        torch = self.torch
        with torch.no_grad():
            for name, value in self.plan.weights.items():
                self.params[name].copy_(torch.from_numpy(value.copy()))
        if self.graphs:  # they hold the addresses of the velocity
            self.forget_velocity()
        elif self.plan.training:
            for name in self.plan.trainable:
                self.params[name].grad = None
            o = self.plan.optimizer
            self.optimizer = torch.optim.SGD(
                [self.params[name] for name in self.plan.trainable],
                lr=o.learning_rate / self.loss_scale,
                momentum=o.momentum,
                nesterov=True,
                fused=True,
            )

    def forget_velocity(self) -> None:
        for state in (self.optimizer.state if self.optimizer else {}).values():
            state["momentum_buffer"].zero_()

    def step(self, slot: int):
        if self.graphs:
            graph, output, self.last_gradients = self.graphs[slot]
            graph.replay()
            return output
        return self.issue(slot)

    def issue(self, slot: int):
        """One iteration, operator by operator."""
        if not self.plan.training:
            with self.torch.inference_mode(), self.autocast():
                return self.run(self.inputs[slot])
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            loss = self.loss(self.run(self.inputs[slot]), slot)
        self.scaled(loss).backward()
        self.optimizer.step()
        return loss.detach()

    def autocast(self):
        """Mixed precision as PyTorch has it; nothing where the plan wants none."""
        if not self.dtype:
            return contextlib.nullcontext()
        # A cache of casts must not outlive a captured graph.
        cached = self.variant != "cudagraphs"
        return self.torch.autocast(self.device.type, dtype=self.dtype, cache_enabled=cached)

    def scaled(self, loss):
        return loss if self.loss_scale == 1 else loss * self.loss_scale

    def captured(self, slot: int):
        """A step's graph, its output and its gradients, as PyTorch's notes on CUDA graphs have
        it: some steps on a stream of their own come before, so that what is made once is there."""
        cuda = self.torch.cuda
        side = cuda.Stream()
        side.wait_stream(cuda.current_stream())
        with cuda.stream(side):
            for _ in range(3):
                self.issue(slot)
        cuda.current_stream().wait_stream(side)
        graph = cuda.CUDAGraph()
        with cuda.graph(graph):
            output = self.issue(slot)
        return graph, output, self.gradients_now()

    def gradients_now(self) -> dict:
        return {name: self.params[name].grad for name in self.plan.trainable}

    def used(self) -> dict[str, np.ndarray]:
        held = self.last_gradients if self.graphs else self.gradients_now()
        return {name: self.read(g) / self.loss_scale for name, g in held.items()}

    def mark(self):
        if self.device.type != "cuda":
            return None
        event = self.torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between_ns(self, first, last) -> int:
        return round(first.elapsed_time(last) * 1e6)

    def forward(self, x, observed: dict | None = None):
        values = {self.plan.input: x}
        for (output, operator, data), bound, done in zip(self.ops, self.bound, self.last_use):
            y = operator(*[values[name] for name in data], *bound)
            if observed is not None:
                observed[output] = y
            for name in done:
                del values[name]
            values[output] = y
        return values[self.plan.outputs[0]]

    def loss(self, logits, slot: int):
        return self.torch.nn.functional.cross_entropy(logits, self.labels[slot])

    def synchronize(self, handle) -> None:
        if self.device.type == "cuda":
            self.torch.cuda.synchronize(self.device)

    def read(self, handle) -> np.ndarray:
        return handle.detach().float().cpu().numpy()

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        observed: dict = {}
        with self.torch.inference_mode(), self.keeping_statistics(), self.autocast():
            self.forward(self.inputs[slot], observed)
        self.seen_shapes = {n.name: list(observed[n.output].shape) for n in self.plan.nodes}
        return {name: self.read(observed[name]) for name in self.plan.outputs}

    def keeping_statistics(self):
        return Kept([self.params[name] for name in self.plan.statistics])

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        x = self.inputs[slot].detach().requires_grad_(True)
        names = self.plan.trainable
        with self.keeping_statistics():
            with self.autocast():
                loss = self.loss(self.forward(x), slot)
            wanted = [x, *(self.params[name] for name in names)]
            grads = self.torch.autograd.grad(self.scaled(loss), wanted)
        out = {n: self.read(g) / self.loss_scale for n, g in zip(["input", *names], grads)}
        return float(loss.detach()), out

    def state(self) -> dict[str, np.ndarray]:
        return {name: self.read(value).copy() for name, value in self.params.items()}

    def shapes(self) -> dict[str, list[int]]:
        return self.seen_shapes

    def padded(self, node: Node, value: float):
        """Padding that an operator takes itself, or a function that pads before it."""
        top, left, bottom, right = node.pads
        if (top, left) == (bottom, right):
            return (top, left), lambda x: x
        functional = self.torch.nn.functional
        return (0, 0), lambda x: functional.pad(x, (left, right, top, bottom), value=value)

    def _conv(self, node: Node):
        conv2d = self.torch.nn.functional.conv2d
        own, pad = self.padded(node, 0.0)
        args = (tuple(node.strides), own, tuple(node.dilations), node.group)
        if own == (0, 0) and any(node.pads):
            return lambda x, w, b=None: conv2d(pad(x), w, b, *args)
        return lambda x, w, b=None: conv2d(x, w, b, *args)

    def _convtranspose(self, node: Node):
        own, _ = self.padded(node, 0.0)
        transpose = self.torch.nn.functional.conv_transpose2d
        args = (node.strides, own, node.output_padding, node.group, node.dilations)
        if own == (0, 0) and any(node.pads):  # uneven: cut them off the whole output
            (top, left), (h, w) = node.pads[:2], node.shape[2:]
            inner = (..., slice(top, top + h), slice(left, left + w))
            return lambda x, w, b=None: transpose(x, w, b, *args)[inner]
        return lambda x, w, b=None: transpose(x, w, b, *args)

    def _batchnormalization(self, node: Node):
        batch_norm = self.torch.nn.functional.batch_norm
        training, momentum, epsilon = self.plan.training, 1 - node.momentum, node.epsilon

        def apply(x, scale, bias, mean, variance):
            return batch_norm(x, mean, variance, scale, bias, training, momentum, epsilon)

        return apply

    def _relu(self, node: Node):
        functional = self.torch.nn.functional
        in_place = node.name in self.inplace
        return lambda x: functional.relu(x, in_place)

    def _clip(self, node: Node):
        low, high = node.min, node.max
        return lambda x: self.torch.nn.functional.hardtanh(x, low, high)

    def _sigmoid(self, node: Node):
        return self.torch.sigmoid

    def _softmax(self, node: Node):
        return lambda x: self.torch.softmax(x, node.axis)

    def _maxpool(self, node: Node):
        max_pool2d = self.torch.nn.functional.max_pool2d
        own, pad = self.padded(node, -float("inf"))
        ceil = bool(node.ceil_mode)
        args = (node.kernel_shape, node.strides, own, node.dilations, ceil)
        if own == (0, 0) and any(node.pads):
            if ceil:
                raise Unsupported(f"MaxPool with ceil_mode and pads {node.pads}")
            return lambda x: max_pool2d(pad(x), *args)
        return lambda x: max_pool2d(x, *args)

    def _averagepool(self, node: Node):
        own, pad = self.padded(node, 0.0)
        counted = bool(node.count_include_pad)
        if own == (0, 0) and any(node.pads) and (node.ceil_mode or not counted):
            raise Unsupported(f"AveragePool with pads {node.pads}, ceil_mode or uncounted padding")
        avg_pool2d = self.torch.nn.functional.avg_pool2d
        args = (node.kernel_shape, node.strides, own, bool(node.ceil_mode), counted)
        return lambda x: avg_pool2d(pad(x), *args)

    def _globalaveragepool(self, node: Node):
        return lambda x: self.torch.nn.functional.adaptive_avg_pool2d(x, 1)

    def _add(self, node: Node):
        if node.name in self.inplace:
            return lambda a, b: a.add_(b)
        return self.torch.add

    def _mul(self, node: Node):
        return self.torch.mul

    def _concat(self, node: Node):
        return lambda *parts: self.torch.cat(parts, node.axis)

    def _flatten(self, node: Node):
        return lambda x: self.torch.flatten(x, 1)

    def _gemm(self, node: Node):
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        return self.torch.nn.functional.linear

    def _lrn(self, node: Node):
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}: its window lies otherwise")
        norm = self.torch.nn.functional.local_response_norm
        return lambda x: norm(x, node.size, node.alpha, node.beta, node.bias)

    def _dropout(self, node: Node):
        return lambda x: x

    def _resize(self, node: Node):
        how = (node.mode, node.coordinate_transformation_mode)
        interpolate = self.torch.nn.functional.interpolate
        scale = (float(node.scales_h), float(node.scales_w))
        if how == ("nearest", "asymmetric"):
            return lambda x: interpolate(x, scale_factor=scale, mode="nearest")
        if how == ("linear", "half_pixel"):
            return lambda x: interpolate(x, scale_factor=scale, mode="bilinear")
        raise Unsupported(f"Resize {how[0]} with {how[1]} coordinates")


def multiplied(plan: Plan) -> list[str]:
    """The parameters of what multiplies."""
    return [name for node in plan.nodes if node.op in MULTIPLIES for name in node.params]


class Kept:
    """Puts tensors back to what they were."""

    def __init__(self, tensors):
        self.tensors = tensors

    def __enter__(self):
        self.copies = [t.clone() for t in self.tensors]

    def __exit__(self, *_):
        for tensor, copy in zip(self.tensors, self.copies):
            tensor.copy_(copy)


def last_uses(plan: Plan) -> list[list[str]]:
    """For each node, the activations that no later node takes: their memory is given back."""
    last = {name: i for i, node in enumerate(plan.nodes) for name in node.data}
    return [
        [name for name in dict.fromkeys(node.data) if last[name] == i]
        for i, node in enumerate(plan.nodes)
    ]


def adapter() -> Adapter:
    return PyTorch()
