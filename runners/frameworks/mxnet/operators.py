"""The plan's operators by mxnet.sym. What computes a node takes the symbols of its activations and
parameters, and returns a symbol of the node's name."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.table import Table
from dlbench_sdk.windows import average_correction, overhang, reach, resize_matrix, shifts, sides

LOWEST = float(np.finfo(np.float32).min)


class Operators(Table):
    def __init__(self, sym: Any, plan: Plan) -> None:
        super().__init__(plan)
        self.sym = sym
        self.constants: dict[str, np.ndarray] = {}  # parameters beside the plan's

    def constant(self, node: Node, name: str, value: np.ndarray) -> Any:
        name = f"{node.name}.{name}"
        self.constants[name] = value.astype(np.float32)
        return self.sym.var(name)

    def padded(self, x: Any, pads: Any, value: float = 0.0) -> Any:
        if not any(pads):
            return x
        width = (0, 0, 0, 0, *itertools.chain(*sides(pads)))
        return self.sym.pad(x, mode="constant", pad_width=width, constant_value=value)

    def own_pads(self, pads: Any) -> tuple[tuple[int, ...], list[int]]:
        """An operator's own pads, one an axis, and those before it if the sides differ."""
        begins, ends = zip(*sides(pads))
        if begins == ends:
            return begins, [0] * len(pads)
        return (0,) * len(begins), list(pads)

    def _conv(self, node: Node) -> Any:
        own, before = self.own_pads(node.pads)

        def apply(x: Any, w: Any, b: Any = None) -> Any:
            return self.sym.Convolution(
                self.padded(x, before),
                w,
                b,
                kernel=tuple(node.kernel_shape),
                stride=tuple(node.strides),
                dilate=tuple(node.dilations),
                pad=own,
                num_filter=node.shape[1],
                num_group=node.group,
                no_bias=b is None,
                name=node.name,
            )

        return apply

    def _convtranspose(self, node: Node) -> Any:
        if node.axes == 3 and set(node.dilations) != {1}:
            raise Unsupported("a dilated ConvTranspose of volumes: Deconvolution has none")
        begins = node.pads[: node.axes]
        ends = [size + begin for size, begin in zip(node.shape[2:], begins)]
        adj = []
        for i, size in enumerate(self.size_of(node)):
            whole = (size - 1) * node.strides[i] + node.dilations[i] * (node.kernel_shape[i] - 1)
            adj.append(max(0, ends[i] - whole - 1))

        def apply(x: Any, w: Any, b: Any = None) -> Any:
            # The whole output and then its inner part: pads are per side.
            y = self.sym.Deconvolution(
                x,
                w,
                b,
                kernel=tuple(node.kernel_shape),
                stride=tuple(node.strides),
                dilate=tuple(node.dilations),
                adj=tuple(adj),
                num_filter=node.shape[1],
                num_group=node.group,
                no_bias=b is None,
            )
            begin, end = (None, None, *begins), (None, None, *ends)
            return self.sym.slice(y, begin=begin, end=end, name=node.name)

        return apply

    def _batchnormalization(self, node: Node) -> Any:
        settings = {
            "eps": node.epsilon,
            "momentum": node.momentum,
            "fix_gamma": False,
            "use_global_stats": not self.plan.training,
        }
        if node.axes < 3 or not self.plan.training:
            return lambda *operands: self.sym.BatchNorm(*operands, **settings, name=node.name)

        one = (1,) * len(node.shape)

        def apply(x: Any, *params: Any) -> Any:
            # Its backward pass fails (`Check failed: !is_view`) if a volume, or its gradient,
            # comes in oneDNN's blocks, as convolutions make them. A product that broadcasts is not
            # oneDNN's, puts out what lies in order, and shares no memory with what it reads.
            x = self.sym.broadcast_mul(x, self.sym.ones(one))
            y = self.sym.BatchNorm(x, *params, **settings)
            return self.sym.broadcast_mul(y, self.sym.ones(one), name=node.name)

        return apply

    def _instancenormalization(self, node: Node) -> Any:
        return lambda x, scale, bias: self.sym.InstanceNorm(
            x, scale, bias, eps=node.epsilon, name=node.name
        )

    def _relu(self, node: Node) -> Any:
        return lambda x: self.sym.Activation(x, act_type="relu", name=node.name)

    def _clip(self, node: Node) -> Any:
        return lambda x: self.sym.clip(x, a_min=node.min, a_max=node.max, name=node.name)

    def _sigmoid(self, node: Node) -> Any:
        return lambda x: self.sym.Activation(x, act_type="sigmoid", name=node.name)

    def _leakyrelu(self, node: Node) -> Any:
        return lambda x: self.sym.LeakyReLU(x, act_type="leaky", slope=node.alpha, name=node.name)

    def _prelu(self, node: Node) -> Any:
        sym = self.sym

        def apply(x: Any, slope: Any) -> Any:
            # LeakyReLU's "prelu" writes its output over an input that another operator made,
            # and the slopes' gradients are made of that output then.
            below = sym.broadcast_mul(sym.expand_dims(slope, axis=0), sym.relu(-x))
            return sym.elemwise_sub(sym.relu(x), below, name=node.name)

        return apply

    def _hardsigmoid(self, node: Node) -> Any:
        return lambda x: self.sym.hard_sigmoid(x, alpha=node.alpha, beta=node.beta, name=node.name)

    def _hardswish(self, node: Node) -> Any:
        gate = self.sym.hard_sigmoid
        return lambda x: self.sym.elemwise_mul(x, gate(x, alpha=1 / 6, beta=0.5), name=node.name)

    def _gelu(self, node: Node) -> Any:
        sym, factor = self.sym, math.sqrt(2 / math.pi)
        if node.approximate == "none":
            return lambda x: sym.LeakyReLU(x, act_type="gelu", name=node.name)
        # LeakyReLU has the other one only.
        return lambda x: sym.elemwise_mul(
            0.5 * x, 1 + sym.tanh(factor * (x + 0.044715 * x**3)), name=node.name
        )

    def _layernormalization(self, node: Node) -> Any:
        sym, shape = self.sym, tuple(node.shape)
        if node.axis == len(shape) - 1:
            return lambda x, scale, bias: sym.LayerNorm(
                x, scale, bias, axis=-1, eps=node.epsilon, name=node.name
            )

        def apply(x: Any, scale: Any, bias: Any) -> Any:
            # LayerNorm has one axis.
            x = sym.reshape(x, shape=(*shape[: node.axis], -1))
            scale, bias = (sym.reshape(p, shape=(-1,)) for p in (scale, bias))
            y = sym.LayerNorm(x, scale, bias, axis=-1, eps=node.epsilon)
            return sym.reshape(y, shape=shape, name=node.name)

        return apply

    def _softmax(self, node: Node) -> Any:
        return lambda x: self.sym.softmax(x, axis=node.axis, name=node.name)

    def _maxpool(self, node: Node) -> Any:
        extra = overhang(node, self.size_of(node), node.dilations)
        pads = [p + e for p, e in zip(node.pads, extra)]
        if set(node.dilations) != {1}:
            return self.dilated_maxpool(node, pads)
        return self.pool(node, "max", pads, LOWEST)

    def dilated_maxpool(self, node: Node, pads: list[int]) -> Any:
        """The maximum of shifted inputs: Pooling has no dilations."""
        sym = self.sym

        def apply(x: Any) -> Any:
            x, y = self.padded(x, pads, LOWEST), None
            for window in shifts(node):
                part = sym.slice(
                    x,
                    begin=(None, None, *(axis.start for axis in window)),
                    end=(None, None, *(axis.stop for axis in window)),
                    step=(1, 1, *(axis.step for axis in window)),
                )
                y = part if y is None else sym.maximum(y, part)
            return sym.identity(y, name=node.name)

        return apply

    def pool(
        self, node: Node, kind: str, pads: list[int], value: float, name: str | None = None
    ) -> Any:
        own, before = self.own_pads(pads)
        return lambda x: self.sym.Pooling(
            self.padded(x, before, value),
            kernel=tuple(node.kernel_shape),
            stride=tuple(node.strides),
            pad=own,
            pool_type=kind,
            name=name or node.name,
        )

    def _averagepool(self, node: Node) -> Any:
        size = self.size_of(node)
        correction = average_correction(node, size)
        if (correction == 1).all():
            return self.pool(node, "avg", reach(node, size), 0.0)
        whole = self.pool(node, "avg", reach(node, size), 0.0, f"{node.name}.whole")
        factor = self.constant(node, "correction", correction)
        return lambda x: self.sym.broadcast_mul(whole(x), factor, name=node.name)

    def _globalaveragepool(self, node: Node) -> Any:
        return lambda x: self.sym.Pooling(x, global_pool=True, pool_type="avg", name=node.name)

    def _add(self, node: Node) -> Any:
        if node.params:
            return self.with_parameter(node, self.sym.broadcast_add)
        shapes = {self.plan.shape_of(n) for n in node.data}
        add = self.sym.elemwise_add if len(shapes) == 1 else self.sym.broadcast_add
        return lambda a, b: add(a, b, name=node.name)

    def _mul(self, node: Node) -> Any:
        if node.params:
            return self.with_parameter(node, self.sym.broadcast_mul)
        return lambda a, b: self.sym.broadcast_mul(a, b, name=node.name)

    def with_parameter(self, node: Node, combine: Any) -> Any:
        return lambda x, p: combine(x, self.sym.expand_dims(p, axis=0), name=node.name)

    def _concat(self, node: Node) -> Any:
        return lambda *parts: self.sym.concat(*parts, dim=node.axis, name=node.name)

    def _flatten(self, node: Node) -> Any:
        return lambda x: self.sym.Flatten(x, name=node.name)

    def _reshape(self, node: Node) -> Any:
        return lambda x: self.sym.reshape(x, shape=tuple(node.shape), name=node.name)

    def _transpose(self, node: Node) -> Any:
        return lambda x: self.sym.transpose(x, axes=tuple(node.perm), name=node.name)

    def _slice(self, node: Node) -> Any:
        return lambda x: self.sym.slice_axis(
            x, axis=node.axis, begin=node.start, end=node.end, name=node.name
        )

    def _gemm(self, node: Node) -> Any:
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        bias = len(node.params) > 1
        return lambda *operands: self.sym.FullyConnected(
            *operands, num_hidden=node.shape[1], no_bias=not bias, flatten=False, name=node.name
        )

    def _lrn(self, node: Node) -> Any:
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}")
        return lambda x: self.sym.LRN(
            x, alpha=node.alpha, beta=node.beta, knorm=node.bias, nsize=node.size, name=node.name
        )

    def _dropout(self, node: Node) -> Any:
        return lambda x: self.sym.identity(x, name=node.name)

    def _resize(self, node: Node) -> Any:
        matrices = [
            self.constant(node, f"axis{axis}", resize_matrix(node, size, scale).T)
            for axis, (size, scale) in enumerate(zip(self.size_of(node), node.scales))
        ]
        # The last axis is resized and becomes the first of the spatial ones, until all were.
        turned = (0, 1, 1 + node.axes, *range(2, 1 + node.axes))

        def apply(x: Any) -> Any:
            *others, first = reversed(matrices)
            for matrix in others:
                x = self.sym.transpose(self.sym.dot(x, matrix), axes=turned)
            return self.sym.transpose(self.sym.dot(x, first), axes=turned, name=node.name)

        return apply
