"""ResNet and LeNet by brew and ModelHelper, as Caffe2's tutorials write them, on IDEEP."""

from __future__ import annotations

import time

import numpy as np
import torch
from caffe2.proto import caffe2_pb2
from caffe2.python import brew, core, model_helper, workspace

from dlbench_bare.networks import DEPTHS, blocks, image

# Blobs are global, by name: the loop's are in a workspace of their own.
WORKSPACE = "bare"


def start(threads: int) -> dict:
    workspace.GlobalInit(["caffe2", "--caffe2_log_level=3"])
    return {"name": "Caffe2", "version": torch.__version__}


class Writer:
    def __init__(self, model, train: bool):
        self.model, self.train, self.count = model, train, 0

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def conv(self, x, cin, cout, kernel, stride=1, pad=None, **settings):
        if self.train:
            settings["training_mode"] = 1
        pad = kernel // 2 if pad is None else pad
        name = self.name()
        return brew.conv(
            self.model, x, name, cin, cout, kernel=kernel, stride=stride, pad=pad, **settings
        )

    def conv_bn(self, x, cin, cout, kernel, stride=1, relu=True, **settings):
        y = self.conv(x, cin, cout, kernel, stride, no_bias=1, **settings)
        y = brew.spatial_bn(
            self.model, y, self.name(), cout, epsilon=1e-5, momentum=0.9, is_test=not self.train
        )
        return brew.relu(self.model, y, y) if relu else y


def resnet(w, network, x, classes, side):
    bottleneck = DEPTHS[network][0]
    first = {"no_gradient_to_input": 1} if w.train else {}
    if network == "resnet20":
        channels = 16
        x = w.conv_bn(x, 3, channels, 3, **first)
    else:
        channels = 64
        x = w.conv_bn(x, 3, channels, 7, 2, **first)
        x = brew.max_pool(w.model, x, w.name(), kernel=3, stride=2, pad=1)
    for stride, width, shortcut in blocks(network):
        out = 4 * width if bottleneck else width
        y = w.conv_bn(x, channels, width, *((1, 1) if bottleneck else (3, stride)))
        if bottleneck:
            y = w.conv_bn(y, width, width, 3, stride)
        y = w.conv_bn(y, width, out, 1 if bottleneck else 3, relu=False)
        residual = w.conv_bn(x, channels, out, 1, stride, relu=False) if shortcut else x
        x = brew.sum(w.model, [y, residual], w.name())
        x, channels = brew.relu(w.model, x, x), out
    x = brew.average_pool(w.model, x, w.name(), kernel=side // (4 if side == 32 else 32))
    return brew.fc(w.model, x, "score", channels, classes)


def lenet(w, x, classes):
    for cin, cout, pad in ((1, 6, 2), (6, 16, 0)):
        x = w.conv(x, cin, cout, 5, 1, pad)
        x = brew.max_pool(w.model, brew.relu(w.model, x, x), w.name(), kernel=2, stride=2)
    for inward, outward in ((400, 120), (120, 84)):
        x = brew.fc(w.model, x, w.name(), inward, outward)
        x = brew.relu(w.model, x, x)
    return brew.fc(w.model, x, "score", 84, classes)


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int):
        self.mode, train = mode, mode == "train"
        home = workspace.CurrentWorkspace()
        workspace.SwitchWorkspace(WORKSPACE, True)
        workspace.ResetWorkspace()
        device = core.DeviceOption(caffe2_pb2.IDEEP)
        cpu = core.DeviceOption(caffe2_pb2.CPU)
        channels, side = image(network)
        shape = (batch, channels, side, side)
        self.inputs = [np.random.randn(*shape).astype(np.float32) for _ in range(2)]
        self.nets = []
        for slot in range(2):
            workspace.FeedBlob(f"data{slot}", self.inputs[slot], device)
            labels = np.random.randint(0, classes, batch).astype(np.int32)
            workspace.FeedBlob(f"label{slot}", labels, cpu)
            model = model_helper.ModelHelper(name=f"slot{slot}", arg_scope={"order": "NCHW"})
            with core.DeviceScope(device):
                w = Writer(model, train)
                x = f"data{slot}"
                score = (
                    lenet(w, x, classes)
                    if network == "lenet"
                    else resnet(w, network, x, classes, side)
                )
                if train:
                    self.add_training(model, score, slot, cpu)
            if slot == 0:  # the second net has the same weights
                workspace.RunNetOnce(model.param_init_net)
            workspace.CreateNet(model.net, overwrite=True)
            self.nets.append(model.net)
        self.output = "loss" if train else "score"
        workspace.SwitchWorkspace(home)

    def add_training(self, model, score, slot, cpu):
        model.net.SoftmaxWithLoss([score, f"label{slot}"], ["softmax", "loss"])
        gradients = model.AddGradientOperators(["loss"])
        workspace.FeedBlob("rate", np.float32([1e-3]), cpu)
        for param in model.params:
            gradient, flat, momentum = gradients[param], f"{param}_flat", f"{param}_momentum"
            model.param_init_net.ConstantFill([param], momentum, value=0.0)
            model.net.Reshape([gradient], [flat, f"{flat}_shape"], shape=[-1])
            inputs = [flat, momentum, "rate", param]
            model.net.MomentumSGDUpdate(inputs, [flat, momentum, param], momentum=0.9, nesterov=1)

    def loop(self, iterations: int, slot: int):
        nets, home = self.nets, workspace.CurrentWorkspace()
        workspace.SwitchWorkspace(WORKSPACE)
        start = time.monotonic_ns()
        for i in range(iterations):
            workspace.RunNet(nets[(slot + i) % 2])
        end = time.monotonic_ns()
        output = np.array(workspace.FetchBlob(self.output))
        workspace.SwitchWorkspace(home)
        return start, end, output
