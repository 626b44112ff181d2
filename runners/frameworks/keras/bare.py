"""ResNet, LeNet and U-Net by Keras' layers, and the loops of its guides for each backend."""

from __future__ import annotations

import os
import time

import numpy as np

from dlbench_bare.networks import DEPTHS, blocks, image

BACKEND = os.environ["KERAS_BACKEND"]


def start(threads: int) -> dict:
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    if BACKEND == "torch":
        import torch

        torch.set_num_threads(threads)
    import keras

    if BACKEND == "torch":
        keras.config.set_image_data_format("channels_first")
    return {"name": f"Keras on {BACKEND}", "version": keras.__version__}


def conv_bn(layers, axis, x, filters, kernel, stride=1, relu=True):
    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2)(x)
    x = layers.Conv2D(filters, kernel, stride, use_bias=False)(x)
    x = layers.BatchNormalization(axis=axis, momentum=0.9, epsilon=1e-5)(x)
    return layers.ReLU()(x) if relu else x


def resnet(keras, network, x, classes):
    layers, axis = keras.layers, 1 if BACKEND == "torch" else -1
    bottleneck = DEPTHS[network][0]
    if network == "resnet20":
        x = conv_bn(layers, axis, x, 16, 3)
    else:
        x = conv_bn(layers, axis, x, 64, 7, 2)
        x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stride, width, shortcut in blocks(network):
        out = 4 * width if bottleneck else width
        y = conv_bn(layers, axis, x, width, *((1, 1) if bottleneck else (3, stride)))
        if bottleneck:
            y = conv_bn(layers, axis, y, width, 3, stride)
        y = conv_bn(layers, axis, y, out, 1 if bottleneck else 3, relu=False)
        if shortcut:
            x = conv_bn(layers, axis, x, out, 1, stride, relu=False)
        x = layers.ReLU()(layers.Add()([x, y]))
    return layers.Dense(classes)(layers.GlobalAveragePooling2D()(x))


def lenet(keras, x, classes):
    layers = keras.layers
    x = layers.Conv2D(6, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(16, 5, activation="relu")(x)
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    x = layers.Dense(120, activation="relu")(x)
    x = layers.Dense(84, activation="relu")(x)
    return layers.Dense(classes)(x)


def conv_twice(layers, axis, x, filters):
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(axis=axis, momentum=0.9, epsilon=1e-5)(x)
        x = layers.ReLU()(x)
    return x


def unet(keras, x, classes):
    layers, axis = keras.layers, 1 if BACKEND == "torch" else -1
    skips = [conv_twice(layers, axis, x, 64)]
    for filters in (128, 256, 512, 1024):
        skips.append(conv_twice(layers, axis, layers.MaxPooling2D()(skips[-1]), filters))
    x = skips.pop()
    for filters in (512, 256, 128, 64):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = layers.Concatenate(axis)([skips.pop(), x])
        x = conv_twice(layers, axis, x, filters)
    return layers.Conv2D(classes, 1)(x)


class Workload:
    def __init__(self, network: str, mode: str, batch: int, classes: int):
        import keras

        self.mode = mode
        channels, side = image(network)
        shape = (channels, side, side) if BACKEND == "torch" else (side, side, channels)
        x = keras.Input(shape, batch_size=batch)
        if network == "unet":
            y = unet(keras, x, classes)
        elif network == "lenet":
            y = lenet(keras, x, classes)
        else:
            y = resnet(keras, network, x, classes)
        self.model = keras.Model(x, y)
        axis = 1 if BACKEND == "torch" else -1
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, axis=axis)
        self.optimizer = keras.optimizers.SGD(1e-3, momentum=0.9, nesterov=True)
        self.optimizer.build(self.model.trainable_variables)
        inputs = [np.random.randn(batch, *shape).astype(np.float32) for _ in range(2)]
        size = (batch, side, side) if network == "unet" else batch
        labels = [np.random.randint(0, classes, size).astype(np.int32) for _ in range(2)]
        self.inputs = [keras.ops.convert_to_tensor(x) for x in inputs]
        self.labels = [keras.ops.convert_to_tensor(y) for y in labels]
        getattr(self, BACKEND)()

    def tensorflow(self):
        import tensorflow as tf

        model, loss_fn, optimizer = self.model, self.loss, self.optimizer

        @tf.function
        def train(x, y):
            with tf.GradientTape() as tape:
                loss = loss_fn(y, model(x, training=True))
            optimizer.apply_gradients(
                zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights)
            )
            return loss

        self.train = train
        self.infer = tf.function(lambda x: model(x, training=False))
        self.done = lambda output: output.numpy()

    def jax(self):
        import jax

        model, loss_fn, optimizer = self.model, self.loss, self.optimizer
        groups = model.trainable_variables, model.non_trainable_variables, optimizer.variables
        state = [[jax.numpy.array(v.value) for v in group] for group in groups]
        forward = jax.jit(lambda t, n, x: model.stateless_call(t, n, x, training=False)[0])

        def loss_of(trained, others, x, y):
            logits, others = model.stateless_call(trained, others, x, training=True)
            return loss_fn(y, logits), others

        def one_step(trained, others, opt, x, y):
            value_and_grad = jax.value_and_grad(loss_of, has_aux=True)
            (loss, others), grads = value_and_grad(trained, others, x, y)
            trained, opt = optimizer.stateless_apply(opt, grads, trained)
            return trained, others, opt, loss

        jitted = jax.jit(one_step, donate_argnums=(0, 1, 2))

        def train(x, y):
            nonlocal state
            *state, loss = jitted(*state, x, y)
            return loss

        self.train = train
        self.infer = lambda x: forward(state[0], state[1], x)
        self.done = lambda output: np.asarray(jax.block_until_ready((output, state))[0])

    def torch(self):
        import torch

        model, loss_fn, optimizer = self.model, self.loss, self.optimizer

        def train(x, y):
            model.zero_grad()
            loss = loss_fn(y, model(x, training=True))
            loss.backward()
            weights = model.trainable_weights
            with torch.no_grad():
                optimizer.apply([v.value.grad for v in weights], weights)
            return loss

        def infer(x):
            with torch.inference_mode():
                return model(x, training=False)

        self.train, self.infer = train, infer
        self.done = lambda output: output.detach().numpy()

    def loop(self, iterations: int, slot: int):
        inputs, labels = self.inputs, self.labels
        start = time.monotonic_ns()
        for i in range(iterations):
            k = (slot + i) % 2
            if self.mode == "train":
                output = self.train(inputs[k], labels[k])
            else:
                output = self.infer(inputs[k])
        output = self.done(output)
        return start, time.monotonic_ns(), output
