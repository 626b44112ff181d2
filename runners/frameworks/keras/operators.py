"""The plan's operators by Keras' layers. What computes a node takes symbolic tensors; the variables
that hold the plan's parameters are noted while layers are built."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk import nhwc
from dlbench_sdk.orders import NCHW, NHWC, Order, Turning
from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.table import is_sixth
from dlbench_sdk.windows import average_correction, is_same, overhang, reach, resize_matrix

from .backends import Backend


class Layers(Turning):
    def __init__(self, keras: Any, backend: Backend, plan: Plan) -> None:
        super().__init__(plan, NHWC if backend.channels_last else NCHW)
        self.keras, self.layers, self.ops, self.backend = keras, keras.layers, keras.ops, backend
        self.last = backend.channels_last
        self.variables: dict[str, tuple[nhwc.Layout, list[Any]]] = {}  # by parameter

    def turned(self, x: Any, order: Order) -> Any:
        return self.layers.Permute(order[1:])(x)

    def bind(self, names: Any, *variables: Any) -> None:
        """Say which variables hold the parameters of these names."""
        for name, held in zip(names, variables):
            layout = nhwc.layout_of(self.orders, name, depthwise=True)
            self.variables[name] = layout, held if isinstance(held, list) else [held]

    def built(self, layer: Any, node: Node) -> Any:
        layer.build((None, *self.orders.taken_shape(node)[1:]))
        return layer

    def padded(self, x: Any, pads: Any, value: float = 0.0) -> Any:
        if not any(pads):
            return x
        if value == 0.0:
            top, left, bottom, right = pads
            return self.layers.ZeroPadding2D(((top, bottom), (left, right)))(x)
        width = nhwc.explicit(pads)
        if not self.last:
            width = [width[0], width[3], *width[1:3]]
        return self.ops.pad(x, width, constant_values=value)

    def _conv(self, node: Node) -> Any:
        same = is_same(node)
        settings = {
            "strides": tuple(node.strides),
            "padding": "same" if same else "valid",
            "dilation_rate": tuple(node.dilations),
            "use_bias": len(node.params) > 1,
            "kernel_initializer": "zeros",  # weights are the plan's; drawing others takes time
        }
        self.backend.check_conv(node, self.plan)
        channels, kernel = self.plan.channels_of(node), tuple(node.kernel_shape)
        pads = [0, 0, 0, 0] if same else node.pads
        if node.group > 1 and node.group == channels:
            multiplier = node.shape[1] // channels
            settings["depthwise_initializer"] = settings.pop("kernel_initializer")
            layer = self.layers.DepthwiseConv2D(kernel, depth_multiplier=multiplier, **settings)
        elif node.group > 1 and not self.backend.grouped:
            return self.in_groups(node, pads, settings)
        else:
            layer = self.layers.Conv2D(node.shape[1], kernel, groups=node.group, **settings)
        self.built(layer, node)
        self.bind(node.params, layer.kernel, layer.bias)
        return lambda x: layer(self.padded(x, pads))

    def in_groups(self, node: Node, pads: Any, settings: dict[str, Any]) -> Any:
        count, axis = node.group, -1 if self.last else 1
        parts = []
        for _ in range(count):
            layer = self.layers.Conv2D(node.shape[1] // count, tuple(node.kernel_shape), **settings)
            shape = list(self.orders.taken_shape(node))
            shape[axis] //= count
            layer.build((None, *shape[1:]))
            parts.append(layer)
        self.bind(node.params, [p.kernel for p in parts], [p.bias for p in parts])

        def apply(x: Any) -> Any:
            shares = self.ops.split(self.padded(x, pads), count, axis)
            return self.layers.Concatenate(axis)([f(s) for f, s in zip(parts, shares)])

        return apply

    def _convtranspose(self, node: Node) -> Any:
        if node.group != 1:
            raise Unsupported("ConvTranspose in groups: Conv2DTranspose has none")
        dilated = max(node.dilations) > 1
        if dilated and max(node.strides) > 1:
            raise Unsupported("dilated ConvTranspose with strides: Conv2DTranspose refuses it")
        self.backend.check_conv(node, self.plan)
        layer = self.layers.Conv2DTranspose(
            node.shape[1],
            tuple(node.kernel_shape),
            tuple(node.strides),
            dilation_rate=tuple(node.dilations),
            use_bias=len(node.params) > 1,
            kernel_initializer="zeros",
        )
        self.built(layer, node)
        self.bind(node.params, layer.kernel, layer.bias)
        top, left = node.pads[:2]
        rows, columns = slice(top, top + node.shape[2]), slice(left, left + node.shape[3])
        if self.last:
            return lambda x: layer(x)[:, rows, columns, :]
        return lambda x: layer(x)[:, :, rows, columns]

    def _batchnormalization(self, node: Node) -> Any:
        layer = self.layers.BatchNormalization(
            axis=-1 if self.last else 1, momentum=node.momentum, epsilon=node.epsilon
        )
        self.built(layer, node)
        held = layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance
        self.bind(node.params, *held)
        return layer

    def _relu(self, node: Node) -> Any:
        return self.layers.ReLU()

    def _clip(self, node: Node) -> Any:
        return lambda x: self.ops.clip(x, node.min, node.max)

    def _sigmoid(self, node: Node) -> Any:
        return self.layers.Activation("sigmoid")

    def _leakyrelu(self, node: Node) -> Any:
        if node.alpha >= 0:
            return self.layers.LeakyReLU(node.alpha)
        return lambda x: self.ops.leaky_relu(x, node.alpha)  # the layer refuses rising ones

    def _prelu(self, node: Node) -> Any:
        held = self.held_parameter(node)
        shared = [i + 1 for i, extent in enumerate(held) if extent == 1]
        layer = self.built(self.layers.PReLU(shared_axes=shared), node)
        self.bind(node.params, layer.alpha)
        return layer

    def held_parameter(self, node: Node) -> tuple[int, ...]:
        """The shape of an operator's one parameter, as it lies in Keras."""
        (name,) = node.params
        layout = nhwc.layout_of(self.orders, name)
        return layout.to_framework(self.plan.weights[name]).shape

    def _hardsigmoid(self, node: Node) -> Any:
        if is_sixth(node):
            return self.layers.Activation("hard_sigmoid")
        return lambda x: self.ops.clip(node.alpha * x + node.beta, 0.0, 1.0)

    def _hardswish(self, node: Node) -> Any:
        return self.layers.Activation("hard_silu")

    def _gelu(self, node: Node) -> Any:
        return lambda x: self.ops.gelu(x, node.approximate == "tanh")

    def _layernormalization(self, node: Node) -> Any:
        layer = self.layers.LayerNormalization(self.orders.axes(node), node.epsilon)
        self.built(layer, node)
        self.bind(node.params, layer.gamma, layer.beta)
        return layer

    def _softmax(self, node: Node) -> Any:
        return self.layers.Softmax(self.orders.axis(node))

    def _maxpool(self, node: Node) -> Any:
        if list(node.dilations) != [1, 1]:
            raise Unsupported(f"MaxPool with dilations {node.dilations}: MaxPooling2D has none")
        pads = [p + e for p, e in zip(node.pads, overhang(node, self.size_of(node)))]
        pool = self.layers.MaxPooling2D(tuple(node.kernel_shape), tuple(node.strides))
        return lambda x: pool(self.padded(x, pads, -np.inf))

    def _averagepool(self, node: Node) -> Any:
        size = self.size_of(node)
        correction = average_correction(node, size)
        correction = nhwc.from_nchw(correction) if self.last else correction
        pool = self.layers.AveragePooling2D(tuple(node.kernel_shape), tuple(node.strides))
        whole = (correction == 1).all()

        def apply(x: Any) -> Any:
            y = pool(self.padded(x, reach(node, size)))
            return y if whole else y * correction

        return apply

    def _globalaveragepool(self, node: Node) -> Any:
        return self.layers.GlobalAveragePooling2D(keepdims=True)

    def _add(self, node: Node) -> Any:
        if node.params:
            return self.with_parameter(node, self.ops.add)
        return lambda a, b: self.layers.Add()([a, b])

    def _mul(self, node: Node) -> Any:
        if node.params:
            return self.with_parameter(node, self.ops.multiply)
        return lambda a, b: self.layers.Multiply()([a, b])

    def with_parameter(self, node: Node, combine: Any) -> Any:
        """A layer as Keras' own ConvNeXt writes one for its layer scale."""
        base: Any = self.layers.Layer

        class Parameter(base):
            def build(self, shape: Any) -> None:
                self.value = self.add_weight(shape=held, initializer="zeros", name="value")

            def call(self, x: Any) -> Any:
                return combine(x, self.value)

        held = self.held_parameter(node)
        layer = self.built(Parameter(), node)
        self.bind(node.params, layer.value)
        return layer

    def _concat(self, node: Node) -> Any:
        return lambda *parts: self.layers.Concatenate(self.orders.axis(node))(list(parts))

    def _flatten(self, node: Node) -> Any:
        # In the order of memory; layers.Flatten turns channels_first images around.
        return self.layers.Reshape((node.shape[1],))

    def _reshape(self, node: Node) -> Any:
        return self.layers.Reshape(self.orders.held_shape(node.output)[1:])

    def _slice(self, node: Node) -> Any:
        part = self.orders.part(node)
        return lambda x: x[part]

    def _gemm(self, node: Node) -> Any:
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        bias = len(node.params) > 1
        layer = self.layers.Dense(node.shape[1], use_bias=bias, kernel_initializer="zeros")
        self.built(layer, node)
        self.bind(node.params, layer.kernel, layer.bias)
        return layer

    def _lrn(self, node: Node) -> Any:
        raise Unsupported("LRN: Keras 3 has no local response normalisation")

    def _dropout(self, node: Node) -> Any:
        return lambda x: x

    def _resize(self, node: Node) -> Any:
        h, w = self.size_of(node)
        rows = resize_matrix(node, h, node.scales[0]).astype(np.float32)
        columns = resize_matrix(node, w, node.scales[1]).astype(np.float32)
        form = "ph,nhwc,qw->npqc" if self.last else "ph,nchw,qw->ncpq"
        return lambda x: self.ops.einsum(form, rows, x, columns)
