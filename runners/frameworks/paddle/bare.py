"""ResNet as paddle.vision has it, LeNet as Paddle's tutorial has it, and their loops: a static
program and its executor to train, Paddle Inference to infer."""

from __future__ import annotations

import os
import tempfile
import time

import numpy as np
import paddle
from paddle import nn
from paddle.vision.models import resnet
from paddle.vision.models.resnet import BasicBlock

from dlbench_bare.networks import image


def start(threads: int) -> dict:
    return {"name": "PaddlePaddle", "version": paddle.__version__}


class ResNet20(nn.Layer):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2D(3, 16, 3, padding=1, bias_attr=False), nn.BatchNorm2D(16), nn.ReLU()
        )
        layers, channels = [], 16
        for width, stride in ((16, 1), (32, 2), (64, 2)):
            for i in range(3):
                layers.append(self.block(channels, width, stride if i == 0 else 1))
                channels = width
        self.layers = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2D((1, 1))
        self.fc = nn.Linear(64, classes)

    def block(self, channels, width, stride):
        downsample = None
        if stride != 1:
            downsample = nn.Sequential(
                nn.Conv2D(channels, width, 1, stride, bias_attr=False), nn.BatchNorm2D(width)
            )
        return BasicBlock(channels, width, stride, downsample)

    def forward(self, x):
        x = self.avgpool(self.layers(self.stem(x)))
        return self.fc(paddle.flatten(x, 1))


def lenet(classes):
    return nn.Sequential(
        nn.Conv2D(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2D(2, 2),
        nn.Conv2D(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2D(2, 2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, classes),
    )


def model_of(network, classes):
    if network == "lenet":
        return lenet(classes)
    if network == "resnet20":
        return ResNet20(classes)
    return getattr(resnet, network)(num_classes=classes)


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int):
        self.mode = mode
        channels, side = image(network)
        self.shape = [batch, channels, side, side]
        images = [np.random.randn(*self.shape).astype(np.float32) for _ in range(2)]
        labels = [np.random.randint(0, classes, [batch]) for _ in range(2)]
        if mode == "train":
            self.prepare_training(network, classes, images, labels)
        else:
            self.prepare_inference(network, classes, images)

    def prepare_training(self, network, classes, images, labels):
        paddle.enable_static()
        self.place = paddle.CPUPlace()
        self.main, startup = paddle.static.Program(), paddle.static.Program()
        with paddle.static.program_guard(self.main, startup):
            x = paddle.static.data("x", self.shape, "float32")
            y = paddle.static.data("y", [self.shape[0]], "int64")
            model = model_of(network, classes)
            model.train()
            self.loss = nn.functional.cross_entropy(model(x), y)
            paddle.optimizer.Momentum(1e-3, 0.9, use_nesterov=True).minimize(self.loss)
        self.executor = paddle.static.Executor(self.place)
        self.executor.run(startup)
        self.feeds = [{"x": self.tensor(x), "y": self.tensor(y)} for x, y in zip(images, labels)]

    def tensor(self, value):
        tensor = paddle.base.core.DenseTensor()
        tensor.set(value, self.place)
        return tensor

    def prepare_inference(self, network, classes, images):
        paddle.disable_static()
        model = model_of(network, classes)
        model.eval()
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "model")
            spec = [paddle.static.InputSpec(self.shape, "float32", "x")]
            paddle.jit.save(model, path, input_spec=spec)
            config = paddle.inference.Config(f"{path}.json", f"{path}.pdiparams")
            config.disable_gpu()
            config.enable_onednn()
            config.set_cpu_math_library_num_threads(int(os.environ["DLBENCH_THREADS"]))
            self.predictor = paddle.inference.create_predictor(config)
        self.inputs = [paddle.to_tensor(x) for x in images]
        self.input = self.predictor.get_input_handle(self.predictor.get_input_names()[0])
        self.output = self.predictor.get_output_handle(self.predictor.get_output_names()[0])

    def loop(self, iterations: int, slot: int):
        if self.mode == "train":
            return self.train(iterations, slot)
        return self.infer(iterations, slot)

    def train(self, iterations: int, slot: int):
        executor, main, feeds, loss = self.executor, self.main, self.feeds, self.loss
        start = time.monotonic_ns()
        for i in range(iterations):
            k = (slot + i) % 2
            (output,) = executor.run(main, feed=feeds[k], fetch_list=[loss], return_numpy=False)
        end = time.monotonic_ns()
        return start, end, np.array(output)

    def infer(self, iterations: int, slot: int):
        predictor, source, inputs = self.predictor, self.input, self.inputs
        start = time.monotonic_ns()
        for i in range(iterations):
            source.share_external_data(inputs[(slot + i) % 2])
            predictor.run()
        end = time.monotonic_ns()
        return start, end, self.output.copy_to_cpu()
