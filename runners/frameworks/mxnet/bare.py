"""ResNet as Gluon's model zoo has it, LeNet as its tutorial has it, and their loops."""

from __future__ import annotations

import time

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from dlbench_bare.networks import DEPTHS, blocks, image


def start(threads: int) -> dict:
    return {"name": "MXNet", "version": mx.__version__}


class Block(nn.HybridBlock):
    def __init__(self, bottleneck, stride, width, shortcut):
        super().__init__()
        self.body = nn.HybridSequential()
        if bottleneck:
            shapes = [(width, 1, 1), (width, 3, stride), (4 * width, 1, 1)]
        else:
            shapes = [(width, 3, stride), (width, 3, 1)]
        for i, shape in enumerate(shapes):
            if i:
                self.body.add(nn.Activation("relu"))
            conv_bn(self.body, *shape)
        self.shortcut = None
        if shortcut:
            self.shortcut = nn.HybridSequential()
            conv_bn(self.shortcut, shapes[-1][0], 1, stride)

    def hybrid_forward(self, F, x):
        residual = self.shortcut(x) if self.shortcut else x
        return F.Activation(self.body(x) + residual, act_type="relu")


def conv_bn(net, channels, kernel, stride):
    net.add(nn.Conv2D(channels, kernel, stride, kernel // 2, use_bias=False))
    net.add(nn.BatchNorm(momentum=0.9, epsilon=1e-5))


def resnet(network, classes):
    net = nn.HybridSequential()
    if network == "resnet20":
        conv_bn(net, 16, 3, 1)
        net.add(nn.Activation("relu"))
    else:
        conv_bn(net, 64, 7, 2)
        net.add(nn.Activation("relu"), nn.MaxPool2D(3, 2, 1))
    for shape in blocks(network):
        net.add(Block(DEPTHS[network][0], *shape))
    net.add(nn.GlobalAvgPool2D(), nn.Dense(classes))
    return net


def lenet(classes):
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(6, 5, padding=2, activation="relu"),
        nn.MaxPool2D(2, 2),
        nn.Conv2D(16, 5, activation="relu"),
        nn.MaxPool2D(2, 2),
        nn.Dense(120, activation="relu"),
        nn.Dense(84, activation="relu"),
        nn.Dense(classes),
    )
    return net


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int):
        self.mode = mode
        channels, side = image(network)
        self.net = lenet(classes) if network == "lenet" else resnet(network, classes)
        self.net.initialize(mx.init.Xavier())
        self.net.hybridize(static_alloc=True, static_shape=True)
        self.inputs = [nd.random.normal(shape=(batch, channels, side, side)) for _ in range(2)]
        self.labels = [nd.array(np.random.randint(0, classes, batch)) for _ in range(2)]
        self.loss = gluon.loss.SoftmaxCrossEntropyLoss()
        self.loss.hybridize(static_alloc=True, static_shape=True)
        self.net(self.inputs[0]).wait_to_read()
        settings = {"learning_rate": 1e-3, "momentum": 0.9, "wd": 0.0}
        params = self.net.collect_params()
        self.trainer = gluon.Trainer(params, "nag", settings, kvstore=None)
        self.batch = batch
        nd.waitall()

    def loop(self, iterations: int, slot: int):
        inputs, labels, net = self.inputs, self.labels, self.net
        start = time.monotonic_ns()
        for i in range(iterations):
            k = (slot + i) % 2
            if self.mode == "train":
                with autograd.record():
                    output = self.loss(net(inputs[k]), labels[k])
                output.backward()
                self.trainer.step(self.batch)
            else:
                output = net(inputs[k])
        nd.waitall()
        return start, time.monotonic_ns(), output.asnumpy()
