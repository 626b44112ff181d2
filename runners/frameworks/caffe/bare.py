"""ResNet and LeNet by pycaffe's NetSpec, as its examples write nets, and the solver's loop."""

from __future__ import annotations

import os
import tempfile
import time

import caffe
import numpy as np
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2

from dlbench_bare.networks import DEPTHS, blocks, image

FILLER = {"type": "msra"}


def start(threads: int) -> dict:
    caffe.set_mode_cpu()
    return {"name": "Caffe", "version": caffe.__version__}


def conv_bn(x, channels, kernel, stride=1, relu=True, train=False):
    x = L.Convolution(
        x,
        num_output=channels,
        kernel_size=kernel,
        stride=stride,
        pad=kernel // 2,
        bias_term=False,
        weight_filler=FILLER,
    )
    x = L.BatchNorm(x, in_place=True, use_global_stats=not train, moving_average_fraction=0.9)
    x = L.Scale(x, bias_term=True, in_place=True)
    return L.ReLU(x, in_place=True) if relu else x


def resnet(network, x, classes, train):
    bottleneck = DEPTHS[network][0]
    if network == "resnet20":
        x = conv_bn(x, 16, 3, train=train)
    else:
        x = conv_bn(x, 64, 7, 2, train=train)
        x = L.Pooling(
            x, pool=P.Pooling.MAX, kernel_size=3, stride=2, pad=1, round_mode=P.Pooling.FLOOR
        )
    for stride, width, shortcut in blocks(network):
        out = 4 * width if bottleneck else width
        y = conv_bn(x, width, *((1, 1) if bottleneck else (3, stride)), train=train)
        if bottleneck:
            y = conv_bn(y, width, 3, stride, train=train)
        y = conv_bn(y, out, 1 if bottleneck else 3, relu=False, train=train)
        residual = conv_bn(x, out, 1, stride, relu=False, train=train) if shortcut else x
        x = L.ReLU(L.Eltwise(y, residual), in_place=True)
    x = L.Pooling(x, pool=P.Pooling.AVE, global_pooling=True)
    return L.InnerProduct(x, num_output=classes, weight_filler=FILLER)


def lenet(x, classes):
    for channels, pad in ((6, 2), (16, 0)):
        x = L.Convolution(x, num_output=channels, kernel_size=5, pad=pad, weight_filler=FILLER)
        x = L.Pooling(L.ReLU(x, in_place=True), pool=P.Pooling.MAX, kernel_size=2, stride=2)
    for width in (120, 84):
        x = L.InnerProduct(x, num_output=width, weight_filler=FILLER)
        x = L.ReLU(x, in_place=True)
    return L.InnerProduct(x, num_output=classes, weight_filler=FILLER)


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int):
        self.mode, train = mode, mode == "train"
        channels, side = image(network)
        net = caffe.NetSpec()
        net.data = L.Input(shape={"dim": [batch, channels, side, side]})
        x = net.data
        net.score = lenet(x, classes) if network == "lenet" else resnet(network, x, classes, train)
        if train:
            net.label = L.Input(shape={"dim": [batch]})
            net.loss = L.SoftmaxWithLoss(net.score, net.label)
        directory = tempfile.mkdtemp()
        path = os.path.join(directory, "net.prototxt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(str(net.to_proto()))
        if train:
            solver = caffe_pb2.SolverParameter(
                net=path, type="Nesterov", base_lr=1e-3, momentum=0.9, lr_policy="fixed"
            )
            solver.display, solver.max_iter = 0, 2**30
            place = os.path.join(directory, "solver.prototxt")
            with open(place, "w", encoding="utf-8") as file:
                file.write(str(solver))
            self.solver = caffe.get_solver(place)
            self.net = self.solver.net
        else:
            self.net = caffe.Net(path, caffe.TEST)
        shape = (batch, channels, side, side)
        self.inputs = [np.random.randn(*shape).astype(np.float32) for _ in range(2)]
        self.labels = [np.random.randint(0, classes, batch) for _ in range(2)]

    def loop(self, iterations: int, slot: int):
        net, inputs, labels = self.net, self.inputs, self.labels
        start = time.monotonic_ns()
        for i in range(iterations):
            k = (slot + i) % 2
            net.blobs["data"].data[...] = inputs[k]
            if self.mode == "train":
                net.blobs["label"].data[...] = labels[k]
                self.solver.step(1)
            else:
                net.forward()
        output = net.blobs["loss" if self.mode == "train" else "score"].data
        return start, time.monotonic_ns(), np.array(output)
