"""ResNet and LeNet as ONNX models, for the bare loops of the frameworks that take one: as somebody
writes them with ONNX's own helpers, without anything of the runner's."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from .networks import DEPTHS, blocks, image


def shape_of(network: str, batch: int) -> list[int]:
    """Of the input, which is called "x"."""
    channels, side = image(network)
    return [batch, channels, side, side]


def model(network: str, batch: int, classes: int) -> ModelProto:
    w = Writer()
    output = lenet(w, classes) if network == "lenet" else resnet(w, network, classes)
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape_of(network, batch))
    found = helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, classes])
    graph = helper.make_graph(w.nodes, network, [given], [found], w.weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Writer:
    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, *shape):
        name = f"w{len(self.weights)}"
        value = np.random.randn(*shape) / np.sqrt(max(1, np.prod(shape[1:])))
        self.weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def statistic(self, channels):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ones(channels, np.float32), name))
        return name

    def add(self, op, inputs, **attributes):
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def conv(self, x, cin, cout, k, stride=1, pad=None, bias=False):
        pad = k // 2 if pad is None else pad
        inputs = [x, self.weight(cout, cin, k, k)] + ([self.weight(cout)] if bias else [])
        return self.add("Conv", inputs, kernel_shape=[k, k], strides=[stride] * 2, pads=[pad] * 4)

    def conv_bn(self, x, cin, cout, k, stride=1):
        y = self.conv(x, cin, cout, k, stride)
        statistics = [self.statistic(cout) for _ in range(4)]
        return self.add("BatchNormalization", [y, *statistics], epsilon=1e-5)

    def dense(self, x, inward, outward):
        return self.add("Gemm", [x, self.weight(outward, inward), self.weight(outward)], transB=1)


def resnet(w, network, classes):
    bottleneck = DEPTHS[network][0]
    small = network == "resnet20"
    channels = 16 if small else 64
    x = w.add("Relu", [w.conv_bn("x", 3, channels, 3 if small else 7, 1 if small else 2)])
    if not small:
        x = w.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for stride, width, shortcut in blocks(network):
        out = 4 * width if bottleneck else width
        y = w.conv_bn(x, channels, width, *((1, 1) if bottleneck else (3, stride)))
        y = w.add("Relu", [y])
        if bottleneck:
            y = w.add("Relu", [w.conv_bn(y, width, width, 3, stride)])
        y = w.conv_bn(y, width, out, 1 if bottleneck else 3)
        residual = w.conv_bn(x, channels, out, 1, stride) if shortcut else x
        x, channels = w.add("Relu", [w.add("Add", [y, residual])]), out
    x = w.add("Flatten", [w.add("GlobalAveragePool", [x])])
    return w.dense(x, channels, classes)


def lenet(w, classes):
    x = "x"
    for cin, cout, pad in ((1, 6, 2), (6, 16, 0)):
        x = w.add("Relu", [w.conv(x, cin, cout, 5, 1, pad, bias=True)])
        x = w.add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = w.add("Flatten", [x])
    for shape in ((400, 120), (120, 84)):
        x = w.add("Relu", [w.dense(x, *shape)])
    return w.dense(x, 84, classes)
