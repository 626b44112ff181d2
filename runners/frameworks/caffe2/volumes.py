"""Convolutions and pools over volumes: IDEEP has none of them, the CPU device all but the
transposed convolution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Unsupported
from dlbench_sdk.windows import average_correction, reach

from .devices import OnDevices


def sliding(node: Node, pads: Any) -> dict[str, Any]:
    """A window with these pads, as all operators take it that have one."""
    return {
        "kernels": list(node.kernel_shape),
        "strides": list(node.strides),
        "pads": list(pads),
        "order": "NCHW",
    }


class Volumes(OnDevices):
    def convolution(self, node: Node) -> Any:
        """On the CPU device, of images too."""
        settings = {"no_gradient_to_input": 1} if self.ends_gradient(node) else {}
        return self.cpu_operator(
            "Conv",
            node.params,
            dilations=list(node.dilations),
            group=node.group,
            **sliding(node, node.pads),
            **settings,
        )

    def ends_gradient(self, node: Node) -> bool:
        """Whether a node reads the network's input, and nobody asks for the gradient of that."""
        return self.plan.training and node is self.plan.nodes[0] and not self.input_gradient

    def transposed_volume(self, node: Node) -> Any:
        """A kernel as large as its stride makes a block of its own of every element: a matrix
        product, and blocks that are put side by side."""
        if list(node.kernel_shape) != list(node.strides) or node.group != 1 or any(node.pads):
            raise Unsupported(
                "ConvTranspose over volumes: Caffe2's is of images; what is written here in its "
                "place has a kernel as large as its stride, one group and no padding"
            )
        if any(node.output_padding) or any(d != 1 for d in node.dilations):
            raise Unsupported("ConvTranspose over volumes, dilated or with output_padding")
        images, channels, *size = self.plan.shape_of(node.data[0])
        out, kernel = node.shape[1], list(node.kernel_shape)

        def write(net: Any, inputs: Any, output: Any) -> Any:
            self.on_cpu(net, [*inputs, *node.params], output, lambda x, y: blocks(net, x, y))

        def blocks(net: Any, inputs: Any, output: Any) -> Any:
            def name(step: str) -> str:
                return f"{step}.{node.name}"

            def reshape(x: str, step: str, shape: list[int]) -> str:
                net.Reshape([x], [name(step), f"{name(step)}.shape"], shape=shape)
                return name(step)

            net.Transpose([inputs[0]], [name("last")], axes=[0, 2, 3, 4, 1])
            rows = reshape(name("last"), "rows", [-1, channels])
            matrix = reshape(inputs[1], "matrix", [channels, out * math.prod(kernel)])
            net.MatMul([rows, matrix], [name("products")])
            apart = reshape(name("products"), "apart", [images, *size, out, *kernel])
            net.Transpose([apart], [name("beside")], axes=[0, 4, 1, 5, 2, 6, 3, 7])
            whole = reshape(name("beside"), "whole", list(node.shape))
            if len(inputs) == 2:
                net.Copy([whole], [output])
                return
            bias = reshape(inputs[2], "bias", [out, 1, 1, 1])
            net.Add([whole, bias], [output])

        return write

    def average_of_volume(self, node: Node) -> Any:
        size = self.size_of(node)
        pads = reach(node, size)
        correction = average_correction(node, size)
        if (correction == 1).all():
            return self.cpu_operator("AveragePool", count_include_pad=1, **sliding(node, pads))
        factor = self.constant(node, "correction", np.broadcast_to(correction, node.shape))

        def write(net: Any, inputs: Any, output: Any) -> Any:
            self.on_cpu(net, inputs, output, lambda x, y: average(net, x, y))

        def average(net: Any, inputs: Any, output: Any) -> Any:
            whole = f"whole.{node.name}"
            net.AveragePool(inputs, [whole], count_include_pad=1, **sliding(node, pads))
            net.Mul([whole, factor], [output])

        return write
