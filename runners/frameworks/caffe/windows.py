"""Operators that go over an image or a volume: convolutions, pools, resizing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Unsupported
from dlbench_sdk.windows import average_correction, resize_matrix

from .layers import Layers


class Windows(Layers):
    def padding(self, node: Node, most: int | None = None) -> tuple[list[int], list[int]]:
        """Pads for both sides that give all of the plan's windows, and how many windows too many
        they give before the first one: Caffe pads both sides alike."""
        pads, skipped = [], []
        dilations = node.attributes.get("dilations", [1] * node.axes)
        for i, size in enumerate(self.size_of(node)):
            stride, first = node.strides[i], node.pads[i]
            window = dilations[i] * (node.kernel_shape[i] - 1) + 1
            pad = first
            while (size + 2 * pad - window) // stride + 1 - (pad - first) // stride < (
                node.shape[2 + i]
            ):
                pad += stride
            if most is not None and pad >= node.kernel_shape[i]:
                raise Unsupported(f"{node.op} with pads {node.pads}: Caffe pads less than a window")
            pads.append(pad)
            skipped.append((pad - first) // stride)
        return pads, skipped

    def cropped(self, node: Node, pads: Any, offsets: Any, make: Any) -> None:
        """What make writes into a blob, cropped to the plan's size if it has more."""
        if not any(offsets) and self.size_by(node, pads) == list(node.shape[2:]):
            make(self.output)
            return
        whole = f"whole.{node.name}"
        make(whole)
        self.crop(node, whole, offsets)

    def size_by(self, node: Node, pads: Any) -> list[int]:
        """What a window makes with these pads on both sides."""
        dilations = node.attributes.get("dilations", [1] * node.axes)
        return [
            (s + 2 * p - d * (k - 1) - 1) // t + 1
            for s, p, d, k, t in zip(
                self.size_of(node), pads, dilations, node.kernel_shape, node.strides
            )
        ]

    def _conv(self, node: Node) -> Any:
        pads, skipped = self.padding(node)

        def build(x: Any) -> Any:
            def make(top: Any) -> Any:
                count = len(node.params)
                layer = self.layer("Convolution", node.name, [x], top, trained=count)
                self.convolve(layer, node, pads)

            self.cropped(node, pads, skipped, make)

        return build

    def convolve(self, layer: Any, node: Node, pads: Any) -> None:
        p = layer.convolution_param
        p.num_output, p.group, p.bias_term = node.shape[1], node.group, len(node.params) > 1
        p.kernel_size.extend(node.kernel_shape)
        p.stride.extend(node.strides)
        p.dilation.extend(node.dilations)
        p.pad.extend(pads)

    def _convtranspose(self, node: Node) -> Any:
        whole = []
        for i, size in enumerate(self.size_of(node)):
            reach = node.dilations[i] * (node.kernel_shape[i] - 1) + 1
            whole.append((size - 1) * node.strides[i] + reach)
            if node.pads[i] + node.shape[2 + i] > whole[i]:
                raise Unsupported("ConvTranspose with output_padding: Deconvolution has none")

        cut = whole != list(node.shape[2:])

        def build(x: Any) -> Any:
            top = f"whole.{node.name}" if cut else self.output
            layer = self.layer("Deconvolution", node.name, [x], top, trained=len(node.params))
            self.convolve(layer, node, [0] * node.axes)
            if cut:
                self.crop(node, top, node.pads[: node.axes])

        return build

    def pool(self, node: Node, kind: int, x: str, pads: Any, top: str) -> None:
        sides = list(zip(node.kernel_shape, node.strides, pads))
        if node.axes == 2:
            self.pool_planes(node.name, kind, x, sides, top)
            return
        # Pooling has planes only: first the windows in a volume's planes, then those over planes.
        images, channels, depth, *_ = self.plan.shape_of(node.data[0])
        planes, flat, deep = (f"{step}.{node.name}" for step in ("planes", "flat", "deep"))
        self.reshaped(x, planes, [images, channels * depth, *self.size_of(node)[1:]])
        self.pool_planes(node.name, kind, planes, sides[1:], flat)
        self.reshaped(flat, f"rows.{node.name}", [images, channels, depth, -1])
        self.pool_planes(deep, kind, f"rows.{node.name}", [sides[0], (1, 1, 0)], deep)
        self.reshaped(deep, top, [images, channels, *self.size_by(node, pads)])

    def pool_planes(self, name: str, kind: int, x: str, sides: Any, top: str) -> None:
        """Sides are kernel, stride and padding of height and width."""
        p = self.layer("Pooling", name, [x], top).pooling_param
        p.pool, p.round_mode = kind, self.pb.PoolingParameter.FLOOR
        (p.kernel_h, p.stride_h, p.pad_h), (p.kernel_w, p.stride_w, p.pad_w) = sides

    def _maxpool(self, node: Node) -> Any:
        if any(d != 1 for d in node.dilations):
            raise Unsupported(f"MaxPool with dilations {node.dilations}: Caffe's Pooling has none")
        pads, skipped = self.padding(node, most=1)

        def build(x: Any) -> Any:
            def make(top: Any) -> Any:
                self.pool(node, self.pb.PoolingParameter.MAX, x, pads, top)

            self.cropped(node, pads, skipped, make)

        return build

    def _averagepool(self, node: Node) -> Any:
        size = self.size_of(node)
        pads, skipped = self.padding(node, most=1)
        correction = np.broadcast_to(average_correction(node, size), node.shape)
        exact = (correction == 1).all()

        def build(x: Any) -> Any:
            def make(top: Any) -> Any:
                self.pool(node, self.pb.PoolingParameter.AVE, x, pads, top)

            final = self.output
            if not exact:
                self.output = f"average.{node.name}"
            self.cropped(node, pads, skipped, make)
            if not exact:
                factor = self.given(f"correction.{node.name}", node.shape)
                self.constants[factor] = correction
                self.output = self.product(f"times.{node.name}", [self.output, factor], final)

        return build

    def _globalaveragepool(self, node: Node) -> Any:
        images, channels, *size = self.plan.shape_of(node.data[0])

        def build(x: Any) -> Any:
            top = self.output
            if len(size) > 2:  # Pooling has planes only
                x = self.reshaped(x, f"plane.{node.name}", [images, channels, -1, size[-1]])
                top = f"flat.{node.name}"
            p = self.layer("Pooling", node.name, [x], top).pooling_param
            p.pool, p.global_pooling = self.pb.PoolingParameter.AVE, True
            if len(size) > 2:
                self.reshaped(top, self.output, node.shape)

        return build

    def _resize(self, node: Node) -> Any:
        how = node.mode, node.coordinate_transformation_mode
        return self.repeated(node) if how == ("nearest", "asymmetric") else self.multiplied(node)

    def repeated(self, node: Node) -> Any:
        def build(x: Any) -> Any:
            layer = self.layer("Deconvolution", node.name, [x], self.output, fixed=1)
            p = layer.convolution_param
            p.num_output, p.group, p.bias_term = node.shape[1], node.shape[1], False
            p.kernel_size.extend(node.scales)
            p.stride.extend(node.scales)
            p.weight_filler.type, p.weight_filler.value = "constant", 1.0

        return build

    def multiplied(self, node: Node) -> Any:
        """Each axis is multiplied by a matrix, because no layer interpolates and clamps at edges:
        the last one by an InnerProduct, the others by a convolution of 1×1 that takes the axis for
        the channels, which needs no unfolding."""

        def build(x: Any) -> Any:
            shape = list(self.plan.shape_of(node.data[0]))
            for axis in range(len(shape) - 1, 1, -1):
                matrix = resize_matrix(node, shape[axis], node.scales[axis - 2])
                name, shape[axis] = f"axis{axis}.{node.name}", len(matrix)
                x = self.along(x, name, axis, matrix, shape)
            self.output = x

        return build

    def along(self, x: str, name: str, axis: int, matrix: np.ndarray, shape: list[int]) -> str:
        layer = f"matrix.{name}"
        self.fixed[layer] = matrix
        if axis == len(shape) - 1:
            p = self.layer("InnerProduct", layer, [x], name, fixed=1).inner_product_param
            p.axis, p.num_output, p.bias_term = axis, len(matrix), False
            return name
        view = [-1, matrix.shape[1], 1, math.prod(shape[axis + 1 :])]
        rows = self.reshaped(x, f"rows.{name}", view)
        p = self.layer("Convolution", layer, [rows], layer, fixed=1).convolution_param
        p.num_output, p.bias_term = len(matrix), False
        p.kernel_size.append(1)
        return self.reshaped(layer, name, shape)
