"""The plan's operators by torch.nn.functional. What computes a node takes its activations and its
parameters, and returns a tensor."""

from __future__ import annotations

from typing import Any

from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.table import Table, is_sixth
from dlbench_sdk.windows import sides

# What interpolates linearly, by the number of spatial axes.
LINEAR = {2: "bilinear", 3: "trilinear"}


class Operators(Table):
    def __init__(self, torch: Any, plan: Plan) -> None:
        super().__init__(plan)
        self.torch, self.inplace = torch, plan.in_place("Relu", "Add")

    def spatial(self, name: str, node: Node) -> Any:
        """The function of images or of volumes: conv2d, conv3d."""
        return getattr(self.torch.nn.functional, f"{name}{node.axes}d")

    def padded(self, node: Node, value: float) -> tuple[tuple[int, ...], Any]:
        """Padding that an operator takes itself, or a function that pads before it."""
        pads = sides(node.pads)
        if all(begin == end for begin, end in pads):
            return tuple(begin for begin, _ in pads), None
        widths = [width for pair in reversed(pads) for width in pair]  # the last axis comes first
        functional = self.torch.nn.functional
        return (0,) * node.axes, lambda x: functional.pad(x, widths, value=value)

    def _conv(self, node: Node) -> Any:
        conv = self.spatial("conv", node)
        own, pad = self.padded(node, 0.0)
        args = (tuple(node.strides), own, tuple(node.dilations), node.group)
        if pad:
            return lambda x, w, b=None: conv(pad(x), w, b, *args)
        return lambda x, w, b=None: conv(x, w, b, *args)

    def _convtranspose(self, node: Node) -> Any:
        own, uneven = self.padded(node, 0.0)
        transpose = self.spatial("conv_transpose", node)
        args = (node.strides, own, node.output_padding, node.group, node.dilations)
        if uneven:  # cut them off the whole output
            inner = (..., *(slice(b, b + n) for b, n in zip(node.pads, node.shape[2:])))
            return lambda x, w, b=None: transpose(x, w, b, *args)[inner]
        return lambda x, w, b=None: transpose(x, w, b, *args)

    def _batchnormalization(self, node: Node) -> Any:
        batch_norm = self.torch.nn.functional.batch_norm
        training, momentum, epsilon = self.plan.training, 1 - node.momentum, node.epsilon

        def apply(x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
            return batch_norm(x, mean, variance, scale, bias, training, momentum, epsilon)

        return apply

    def _instancenormalization(self, node: Node) -> Any:
        norm, epsilon = self.torch.nn.functional.instance_norm, node.epsilon
        return lambda x, scale, bias: norm(x, weight=scale, bias=bias, eps=epsilon)

    def _relu(self, node: Node) -> Any:
        functional = self.torch.nn.functional
        in_place = node.name in self.inplace
        return lambda x: functional.relu(x, in_place)

    def _clip(self, node: Node) -> Any:
        low, high = node.min, node.max
        return lambda x: self.torch.nn.functional.hardtanh(x, low, high)

    def _sigmoid(self, node: Node) -> Any:
        return self.torch.sigmoid

    def _leakyrelu(self, node: Node) -> Any:
        return lambda x: self.torch.nn.functional.leaky_relu(x, node.alpha)

    def _prelu(self, node: Node) -> Any:
        prelu = self.torch.nn.functional.prelu
        return lambda x, slope: prelu(x, slope.reshape(-1))

    def _hardsigmoid(self, node: Node) -> Any:
        functional = self.torch.nn.functional
        if is_sixth(node):
            return functional.hardsigmoid
        return lambda x: functional.hardtanh(node.alpha * x + node.beta, 0.0, 1.0)

    def _hardswish(self, node: Node) -> Any:
        return self.torch.nn.functional.hardswish

    def _gelu(self, node: Node) -> Any:
        return lambda x: self.torch.nn.functional.gelu(x, approximate=node.approximate)

    def _layernormalization(self, node: Node) -> Any:
        layer_norm = self.torch.nn.functional.layer_norm
        shape, epsilon = node.shape[node.axis :], node.epsilon
        return lambda x, scale, bias: layer_norm(x, shape, scale, bias, epsilon)

    def _softmax(self, node: Node) -> Any:
        return lambda x: self.torch.softmax(x, node.axis)

    def _maxpool(self, node: Node) -> Any:
        max_pool = self.spatial("max_pool", node)
        own, pad = self.padded(node, -float("inf"))
        ceil = bool(node.ceil_mode)
        args = (node.kernel_shape, node.strides, own, node.dilations, ceil)
        if pad:
            if ceil:
                raise Unsupported(f"MaxPool with ceil_mode and pads {node.pads}")
            return lambda x: max_pool(pad(x), *args)
        return lambda x: max_pool(x, *args)

    def _averagepool(self, node: Node) -> Any:
        own, pad = self.padded(node, 0.0)
        counted = bool(node.count_include_pad)
        if pad and (node.ceil_mode or not counted):
            raise Unsupported(f"AveragePool with pads {node.pads}, ceil_mode or uncounted padding")
        avg_pool = self.spatial("avg_pool", node)
        args = (node.kernel_shape, node.strides, own, bool(node.ceil_mode), counted)
        if pad:
            return lambda x: avg_pool(pad(x), *args)
        return lambda x: avg_pool(x, *args)

    def _globalaveragepool(self, node: Node) -> Any:
        pool = self.spatial("adaptive_avg_pool", node)
        return lambda x: pool(x, 1)

    def _add(self, node: Node) -> Any:
        if node.name in self.inplace:
            return lambda a, b: a.add_(b)
        return self.torch.add

    def _mul(self, node: Node) -> Any:
        return self.torch.mul

    def _concat(self, node: Node) -> Any:
        return lambda *parts: self.torch.cat(parts, node.axis)

    def _flatten(self, node: Node) -> Any:
        return lambda x: self.torch.flatten(x, 1)

    def _reshape(self, node: Node) -> Any:
        return lambda x: x.reshape(node.shape)

    def _transpose(self, node: Node) -> Any:
        return lambda x: x.permute(node.perm)

    def _slice(self, node: Node) -> Any:
        return lambda x: x.narrow(node.axis, node.start, node.end - node.start)

    def _gemm(self, node: Node) -> Any:
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        return self.torch.nn.functional.linear

    def _lrn(self, node: Node) -> Any:
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}: its window lies otherwise")
        norm = self.torch.nn.functional.local_response_norm
        return lambda x: norm(x, node.size, node.alpha, node.beta, node.bias)

    def _dropout(self, node: Node) -> Any:
        return lambda x: x

    def _resize(self, node: Node) -> Any:
        how = (node.mode, node.coordinate_transformation_mode)
        interpolate = self.torch.nn.functional.interpolate
        scale = tuple(float(s) for s in node.scales)
        if how == ("nearest", "asymmetric"):
            return lambda x: interpolate(x, scale_factor=scale, mode="nearest")
        if how == ("linear", "half_pixel"):
            return lambda x: interpolate(x, scale_factor=scale, mode=LINEAR[node.axes])
        raise Unsupported(f"Resize {how[0]} with {how[1]} coordinates")
