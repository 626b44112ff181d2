"""ResNet and LeNet by Keras layers, as TensorFlow's guides write them, and their loops."""

from __future__ import annotations

import time

import tensorflow as tf
from tensorflow.keras import Input, Model, layers


def start(threads: int) -> dict:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return {"name": "TensorFlow", "version": tf.__version__}


def conv_bn(x, filters, kernel, stride=1, relu=True):
    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2)(x)
    x = layers.Conv2D(filters, kernel, stride, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return layers.ReLU()(x) if relu else x


def basic(x, width, stride):
    shortcut = x
    if stride != 1 or x.shape[-1] != width:
        shortcut = conv_bn(x, width, 1, stride, relu=False)
    x = conv_bn(x, width, 3, stride)
    x = conv_bn(x, width, 3, relu=False)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def bottleneck(x, width, stride):
    shortcut = x
    if stride != 1 or x.shape[-1] != 4 * width:
        shortcut = conv_bn(x, 4 * width, 1, stride, relu=False)
    x = conv_bn(x, width, 1)
    x = conv_bn(x, width, 3, stride)
    x = conv_bn(x, 4 * width, 1, relu=False)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def resnet(block, depths, classes, shape, batch, width=64, imagenet=True):
    inputs = Input(shape, batch_size=batch)
    x = conv_bn(inputs, width, 7, 2) if imagenet else conv_bn(inputs, width, 3)
    if imagenet:
        x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stage, depth in enumerate(depths):
        for i in range(depth):
            x = block(x, width << stage, 2 if stage > 0 and i == 0 else 1)
    x = layers.GlobalAveragePooling2D()(x)
    return Model(inputs, layers.Dense(classes)(x))


def lenet(classes, shape, batch):
    inputs = Input(shape, batch_size=batch)
    x = layers.Conv2D(6, 5, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(16, 5, activation="relu")(x)
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    x = layers.Dense(120, activation="relu")(x)
    x = layers.Dense(84, activation="relu")(x)
    return Model(inputs, layers.Dense(classes)(x))


DEPTHS = {
    "resnet18": (basic, [2, 2, 2, 2]),
    "resnet34": (basic, [3, 4, 6, 3]),
    "resnet50": (bottleneck, [3, 4, 6, 3]),
    "resnet101": (bottleneck, [3, 4, 23, 3]),
    "resnet152": (bottleneck, [3, 8, 36, 3]),
}


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int):
        self.mode = mode
        if network == "lenet":
            shape = (28, 28, 1)
            self.model = lenet(classes, shape, batch)
        elif network == "resnet20":
            shape = (32, 32, 3)
            self.model = resnet(basic, [3, 3, 3], classes, shape, batch, 16, imagenet=False)
        else:
            shape = (224, 224, 3)
            self.model = resnet(*DEPTHS[network], classes, shape, batch)
        self.inputs = [tf.random.normal((batch, *shape)) for _ in range(2)]
        self.labels = [
            tf.random.uniform((batch,), maxval=classes, dtype=tf.int64) for _ in range(2)
        ]
        self.criterion = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.optimizer = tf.keras.optimizers.SGD(1e-3, momentum=0.9, nesterov=True)
        self.infer_step = tf.function(lambda x: self.model(x, training=False))
        self.train_step = tf.function(self.one_step)

    def one_step(self, x, y):
        with tf.GradientTape() as tape:
            loss = self.criterion(y, self.model(x, training=True))
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables))
        return loss

    def loop(self, iterations: int, slot: int):
        inputs, labels = self.inputs, self.labels
        if self.mode == "train":
            step = self.train_step
            start = time.monotonic_ns()
            for i in range(iterations):
                k = (slot + i) % 2
                output = step(inputs[k], labels[k])
        else:
            step = self.infer_step
            start = time.monotonic_ns()
            for i in range(iterations):
                output = step(inputs[(slot + i) % 2])
        output = output.numpy()
        return start, time.monotonic_ns(), output
