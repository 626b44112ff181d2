"""The plan's operators by Keras' layers. What computes a node takes symbolic tensors; the variables
that hold the plan's parameters are noted while layers are built."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlbench_sdk import nhwc
from dlbench_sdk.orders import NCHW, NHWC, Order, Turning
from dlbench_sdk.plan import Node, Plan, Unsupported
from dlbench_sdk.table import is_sixth
from dlbench_sdk.windows import average_correction, is_same, overhang, reach, resize_matrix, sides

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

    def padded_shape(self, node: Node, pads: Any) -> list[int]:
        """What a convolution takes: Keras refuses to build one whose kernel is larger."""
        shape = list(self.orders.taken_shape(node))
        for axis, width in enumerate(sides(pads), 1 if self.last else 2):
            shape[axis] += sum(width)
        return shape

    def spatial(self, name: str, node: Node) -> Any:
        """The layer of images or of volumes: Conv2D, Conv3D."""
        return getattr(self.layers, f"{name}{node.axes}D")

    def padded(self, x: Any, pads: Any, value: float = 0.0) -> Any:
        if not any(pads):
            return x
        widths = sides(pads)
        if value == 0.0:
            zeros = self.layers.ZeroPadding2D if len(widths) == 2 else self.layers.ZeroPadding3D
            return zeros(tuple(widths))(x)
        none = (0, 0)
        every = [none, *widths, none] if self.last else [none, none, *widths]
        return self.ops.pad(x, every, constant_values=value)

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
        pads = [] if same else node.pads
        if node.group > 1 and node.group == channels and node.axes == 2:
            multiplier = node.shape[1] // channels
            settings["depthwise_initializer"] = settings.pop("kernel_initializer")
            layer = self.layers.DepthwiseConv2D(kernel, depth_multiplier=multiplier, **settings)
        elif node.group > 1 and not self.backend.grouped:
            return self.in_groups(node, pads, settings)
        else:
            conv = self.spatial("Conv", node)
            layer = conv(node.shape[1], kernel, groups=node.group, **settings)
        layer.build((None, *self.padded_shape(node, pads)[1:]))
        self.bind(node.params, layer.kernel, layer.bias)
        return lambda x: layer(self.padded(x, pads))

    def in_groups(self, node: Node, pads: Any, settings: dict[str, Any]) -> Any:
        count, axis = node.group, -1 if self.last else 1
        parts, conv = [], self.spatial("Conv", node)
        for _ in range(count):
            layer = conv(node.shape[1] // count, tuple(node.kernel_shape), **settings)
            shape = self.padded_shape(node, pads)
            shape[axis] //= count
            layer.build((None, *shape[1:]))
            parts.append(layer)
        self.bind(node.params, [p.kernel for p in parts], [p.bias for p in parts])

        def apply(x: Any) -> Any:
            shares = self.ops.split(self.padded(x, pads), count, axis)
            return self.layers.Concatenate(axis)([f(s) for f, s in zip(parts, shares)])

        return apply

    def _convtranspose(self, node: Node) -> Any:
        name = f"Conv{node.axes}DTranspose"
        if node.group != 1:
            raise Unsupported(f"ConvTranspose in groups: {name} has none")
        if max(node.dilations) > 1 and max(node.strides) > 1:
            raise Unsupported(f"dilated ConvTranspose with strides: {name} refuses it")
        self.backend.check_conv(node, self.plan)
        layer = getattr(self.layers, name)(
            node.shape[1],
            tuple(node.kernel_shape),
            tuple(node.strides),
            output_padding=tuple(node.output_padding),
            dilation_rate=tuple(node.dilations),
            use_bias=len(node.params) > 1,
            kernel_initializer="zeros",
        )
        self.built(layer, node)
        self.bind(node.params, layer.kernel, layer.bias)
        if not any(node.pads):
            return layer
        own = [slice(begin, begin + n) for begin, n in zip(node.pads, node.shape[2:])]
        images, every = slice(None), slice(None)
        part = (images, *own, every) if self.last else (images, every, *own)
        return lambda x: layer(x)[part]

    def _batchnormalization(self, node: Node) -> Any:
        layer = self.layers.BatchNormalization(
            axis=-1 if self.last else 1, momentum=node.momentum, epsilon=node.epsilon
        )
        self.built(layer, node)
        held = layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance
        self.bind(node.params, *held)
        return layer

    def _instancenormalization(self, node: Node) -> Any:
        channels = -1 if self.last else 1
        layer = self.layers.GroupNormalization(-1, axis=channels, epsilon=node.epsilon)
        self.built(layer, node)
        self.bind(node.params, layer.gamma, layer.beta)
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
        if max(node.dilations) > 1:
            raise Unsupported(f"MaxPool with dilations {node.dilations}: Keras has none")
        pads = [p + e for p, e in zip(node.pads, overhang(node, self.size_of(node)))]
        pool = self.spatial("MaxPooling", node)(tuple(node.kernel_shape), tuple(node.strides))
        return lambda x: pool(self.padded(x, pads, -np.inf))

    def _averagepool(self, node: Node) -> Any:
        size = self.size_of(node)
        correction = average_correction(node, size)
        correction = nhwc.from_nchw(correction) if self.last else correction
        pool = self.spatial("AveragePooling", node)(tuple(node.kernel_shape), tuple(node.strides))
        whole = (correction == 1).all()

        def apply(x: Any) -> Any:
            y = pool(self.padded(x, reach(node, size)))
            return y if whole else y * correction

        return apply

    def _globalaveragepool(self, node: Node) -> Any:
        return self.spatial("GlobalAveragePooling", node)(keepdims=True)

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

    def _dropout(self, node: Node) -> Any:
        return lambda x: x

    def _resize(self, node: Node) -> Any:
        scales, half = tuple(node.scales), node.coordinate_transformation_mode == "half_pixel"
        if node.mode == "nearest" and not half:
            return self.spatial("UpSampling", node)(scales)
        if node.mode == "linear" and half and node.axes == 2:
            return self.layers.UpSampling2D(scales, interpolation="bilinear")
        return self.by_matrices(node)

    def by_matrices(self, node: Node) -> Any:
        """Keras' layers interpolate linearly on images only, and by half pixels: here axis after
        axis is multiplied by what resizes it."""
        matrices = [
            resize_matrix(node, size, scale).astype(np.float32)
            for size, scale in zip(self.size_of(node), node.scales)
        ]
        axes = "dhw"[-node.axes :]
        held = f"n{axes}c" if self.last else f"nc{axes}"
        forms = [f"o{axis},{held}->{held.replace(axis, 'o')}" for axis in axes]

        def apply(x: Any) -> Any:
            for form, matrix in zip(forms, matrices):
                x = self.ops.einsum(form, matrix, x)
            return x

        return apply
