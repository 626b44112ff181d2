"""Keras 3: a functional model; the steps are those of Keras' guides to custom loops, for each of
its backends."""

from __future__ import annotations

import importlib
import os

import numpy as np

from dlbench_sdk import cards, nhwc
from dlbench_sdk.adapter import (
    ALLOCATOR,
    Adapter,
    Description,
    Terms,
    environment,
    threads_named,
)
from dlbench_sdk.plan import OPERATORS, Node, Plan, Unsupported
from dlbench_sdk.windows import average_correction, is_same, overhang, reach, resize_matrix


class Keras(Adapter):
    def open(self, device: str, threads: int) -> Description:
        backend = os.environ.get("KERAS_BACKEND", "")
        if backend not in BACKENDS:
            raise Unsupported(f"KERAS_BACKEND={backend!r}: there are {', '.join(BACKENDS)}")
        self.backend = BACKENDS[backend](threads, device)
        import keras

        self.keras, self.layers, self.ops = keras, keras.layers, keras.ops
        self.last = backend != "torch"
        keras.config.set_image_data_format("channels_last" if self.last else "channels_first")
        return Description(
            framework="Keras",
            version=keras.__version__,
            build={"backend": backend, backend: self.backend.version},
            operators=OPERATORS,
            running_variance="biased",
            **self.backend.seen,
            no_precision={
                "tf32": "this runner has fp32 alone for Keras",
                "bf16": "this runner has no mixed precision for Keras",
                "fp16": "this runner has no mixed precision for Keras",
            },
        )

    def terms(self) -> Terms:
        layout = "NHWC" if self.last else "NCHW"
        switches = {"image_data_format": self.keras.config.image_data_format()}
        switches |= environment(*ALLOCATOR)
        if self.backend.seen["device_kind"] == "gpu":
            switches |= {"tf32": "off", **self.backend.switches}
        return Terms(self.backend.threads(), layout, self.backend.execution, "fp32", switches)

    def load(self, plan: Plan) -> None:
        keras = self.keras
        self.plan, self.variables = plan, {}
        x = keras.Input(batch_shape=self.lying(plan.input_shape), name=plan.input)
        values = {plan.input: x}
        for node in plan.nodes:
            values[node.output] = self.operator(node)(*[values[n] for n in node.data])
        self.static = {node.name: self.plain(values[node.output].shape) for node in plan.nodes}
        self.model = keras.Model(x, values[plan.outputs[0]])
        self.observed = keras.Model(x, [values[name] for name in plan.outputs])
        self.inputs = [self.backend.put(self.placed(x)) for x in plan.inputs]
        self.labels = [self.backend.put(y.astype(np.int32)) for y in plan.labels]
        self.reset()

    def lying(self, shape) -> tuple[int, ...]:
        n, c, h, w = shape
        return (n, h, w, c) if self.last else (n, c, h, w)

    def placed(self, x: np.ndarray) -> np.ndarray:
        return nhwc.from_nchw(x) if self.last else np.ascontiguousarray(x)

    def back(self, x) -> np.ndarray:
        x = self.keras.ops.convert_to_numpy(x)
        return nhwc.to_nchw(x) if self.last else x

    def plain(self, shape) -> list[int]:
        return nhwc.shape_to_nchw(shape) if self.last else list(shape)

    def unload(self) -> None:
        self.plan = self.model = self.observed = self.inputs = self.labels = self.variables = None
        self.backend.forget()
        self.keras.utils.clear_session()

    def reset(self) -> None:
        for name, value in self.plan.weights.items():
            for variable, part in zip(*self.parts(name, value)):
                variable.assign(part)
        optimizer = None
        if self.plan.training:
            o = self.plan.optimizer
            optimizer = self.keras.optimizers.SGD(o.learning_rate, o.momentum, nesterov=True)
            optimizer.build(self.model.trainable_variables)
        loss = self.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.backend.take(self.model, self.observed, loss, optimizer)

    def parts(self, name: str, value: np.ndarray):
        """The variables that hold a parameter, and the part of it that each of them holds."""
        layout, variables = self.variables[name]
        return variables, np.split(layout.to_framework(value), len(variables), -1)

    def together(self, name: str, values) -> np.ndarray:
        layout, variables = self.variables[name]
        parts = [self.keras.ops.convert_to_numpy(values[v.path]) for v in variables]
        return layout.to_plan(np.concatenate(parts, -1))

    def step(self, slot: int):
        if self.plan.training:
            return self.backend.train(self.inputs[slot], self.labels[slot])
        return self.backend.infer(self.inputs[slot])

    def synchronize(self, handle) -> None:
        self.backend.synchronize(handle)

    def read(self, handle) -> np.ndarray:
        return self.keras.ops.convert_to_numpy(handle)

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        with Kept(self.backend, self.model):
            values = self.backend.observe(self.inputs[slot], self.plan.training)
        values = values if isinstance(values, (list, tuple)) else [values]
        return {name: self.back(v) for name, v in zip(self.plan.outputs, values)}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        with Kept(self.backend, self.model):
            found = self.backend.differentiate(self.inputs[slot], self.labels[slot])
        loss, gradients, dx = found
        by_path = {v.path: g for v, g in zip(self.model.trainable_variables, gradients)}
        out = {name: self.together(name, by_path) for name in self.plan.trainable}
        return float(loss), {**out, "input": self.back(dx)}

    def state(self) -> dict[str, np.ndarray]:
        self.backend.settle()
        held = {v.path: v.value for v in self.model.variables}
        return {name: self.together(name, held) for name in self.plan.weights}

    def shapes(self) -> dict[str, list[int]]:
        return self.static

    def bind(self, names, *variables) -> None:
        """Say which variables hold the parameters of these names."""
        for name, held in zip(names, variables):
            layout = nhwc.layout_of(self.plan, name, depthwise=True, last=self.last)
            self.variables[name] = layout, held if isinstance(held, list) else [held]

    def built(self, layer, node: Node):
        shape = self.plan.shape_of(node.data[0])
        layer.build((None, *self.lying(shape)[1:]) if len(shape) == 4 else (None, *shape[1:]))
        return layer

    def padded(self, x, pads, value: float = 0.0):
        if not any(pads):
            return x
        if value == 0.0:
            top, left, bottom, right = pads
            return self.layers.ZeroPadding2D(((top, bottom), (left, right)))(x)
        width = nhwc.explicit(pads)
        if not self.last:
            width = [width[0], width[3], *width[1:3]]
        return self.ops.pad(x, width, constant_values=value)

    def axis(self, node: Node) -> int:
        return nhwc.axis(node) if self.last else node.axis

    def size_of(self, node: Node) -> tuple[int, ...]:
        return self.plan.shape_of(node.data[0])[2:]

    def _conv(self, node: Node):
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

    def in_groups(self, node: Node, pads, settings):
        count, axis = node.group, -1 if self.last else 1
        parts = []
        for _ in range(count):
            layer = self.layers.Conv2D(node.shape[1] // count, tuple(node.kernel_shape), **settings)
            shape = list(self.lying(self.plan.shape_of(node.data[0])))
            shape[axis] //= count
            layer.build((None, *shape[1:]))
            parts.append(layer)
        self.bind(node.params, [p.kernel for p in parts], [p.bias for p in parts])

        def apply(x):
            shares = self.ops.split(self.padded(x, pads), count, axis)
            return self.layers.Concatenate(axis)([f(s) for f, s in zip(parts, shares)])

        return apply

    def _convtranspose(self, node: Node):
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

    def _batchnormalization(self, node: Node):
        layer = self.layers.BatchNormalization(
            axis=-1 if self.last else 1, momentum=node.momentum, epsilon=node.epsilon
        )
        self.built(layer, node)
        held = layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance
        self.bind(node.params, *held)
        return layer

    def _relu(self, node: Node):
        return self.layers.ReLU()

    def _clip(self, node: Node):
        return lambda x: self.ops.clip(x, node.min, node.max)

    def _sigmoid(self, node: Node):
        return self.layers.Activation("sigmoid")

    def _softmax(self, node: Node):
        return self.layers.Softmax(self.axis(node))

    def _maxpool(self, node: Node):
        if list(node.dilations) != [1, 1]:
            raise Unsupported(f"MaxPool with dilations {node.dilations}: MaxPooling2D has none")
        pads = [p + e for p, e in zip(node.pads, overhang(node, self.size_of(node)))]
        pool = self.layers.MaxPooling2D(tuple(node.kernel_shape), tuple(node.strides))
        return lambda x: pool(self.padded(x, pads, -np.inf))

    def _averagepool(self, node: Node):
        size = self.size_of(node)
        correction = self.placed(average_correction(node, size))
        pool = self.layers.AveragePooling2D(tuple(node.kernel_shape), tuple(node.strides))
        whole = (correction == 1).all()

        def apply(x):
            y = pool(self.padded(x, reach(node, size)))
            return y if whole else y * correction

        return apply

    def _globalaveragepool(self, node: Node):
        return self.layers.GlobalAveragePooling2D(keepdims=True)

    def _add(self, node: Node):
        return lambda a, b: self.layers.Add()([a, b])

    def _mul(self, node: Node):
        return lambda a, b: self.layers.Multiply()([a, b])

    def _concat(self, node: Node):
        return lambda *parts: self.layers.Concatenate(self.axis(node))(list(parts))

    def _flatten(self, node: Node):
        rank = len(self.plan.shape_of(node.data[0]))
        if not self.last or rank != 4 or nhwc.flattens_in_place(self.plan, node):
            # In the order of memory; layers.Flatten turns channels_first images around.
            return self.layers.Reshape((node.shape[1],))
        turn = self.layers.Permute((3, 1, 2))
        return lambda x: self.layers.Reshape((node.shape[1],))(turn(x))

    def _gemm(self, node: Node):
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        layer = self.built(self.layers.Dense(node.shape[1], kernel_initializer="zeros"), node)
        self.bind(node.params, layer.kernel, layer.bias)
        return layer

    def _lrn(self, node: Node):
        raise Unsupported("LRN: Keras 3 has no local response normalisation")

    def _dropout(self, node: Node):
        return lambda x: x

    def _resize(self, node: Node):
        h, w = self.size_of(node)
        rows = resize_matrix(node, h, node.scales_h).astype(np.float32)
        columns = resize_matrix(node, w, node.scales_w).astype(np.float32)
        form = "ph,nhwc,qw->npqc" if self.last else "ph,nchw,qw->ncpq"
        return lambda x: self.ops.einsum(form, rows, x, columns)


class Kept:
    """Puts a model's running statistics back to what they were."""

    def __init__(self, backend, model):
        backend.settle()
        self.variables = model.non_trainable_variables

    def __enter__(self):
        self.copies = [np.array(v.numpy()) for v in self.variables]

    def __exit__(self, *_):
        for variable, copy in zip(self.variables, self.copies):
            variable.assign(copy)


class Backend:
    """The custom loop of one backend."""

    execution = "graph"
    grouped = True  # convolutions in groups

    def __init__(self):
        self.seen = {"device_kind": "cpu"}
        self.switches: dict[str, str] = {}  # of a GPU

    def take(self, model, observed, loss, optimizer) -> None:
        self.model, self.observed, self.loss, self.optimizer = model, observed, loss, optimizer
        self.start()

    def start(self) -> None:
        pass

    def forget(self) -> None:
        self.model = self.observed = self.loss = self.optimizer = None

    def settle(self) -> None:
        """Write what a step holds elsewhere to the model's variables."""

    def check_conv(self, node: Node, plan: Plan) -> None:
        """Refuse what the backend cannot do."""


class OnTensorFlow(Backend):
    execution = "graph (tf.function)"
    grouped = False

    def __init__(self, threads: int, device: str):
        super().__init__()
        self.tf = importlib.import_module("tensorflow")
        self.version = self.tf.__version__
        self.tf.config.experimental.enable_tensor_float_32_execution(False)
        if device != "cpu":
            name = cards.of_tensorflow(self.tf, device)
            uuid = cards.uuid_of(device)
            self.seen = {"device_kind": "gpu", "device_name": name, "device_uuid": uuid}
            self.switches = {"memory_growth": "on", "cudnn_autotune": "on (default)"}
        self.tf.config.threading.set_intra_op_parallelism_threads(threads)
        self.tf.config.threading.set_inter_op_parallelism_threads(1)

    def threads(self) -> int:
        return self.tf.config.threading.get_intra_op_parallelism_threads()

    def check_conv(self, node: Node, plan: Plan) -> None:
        if plan.training and list(node.dilations) != [1, 1]:
            raise Unsupported("the gradient of a dilated Conv: TensorFlow has none on CPUs")
        if node.group == plan.channels_of(node) > 1 and node.strides[0] != node.strides[1]:
            raise Unsupported(f"depthwise Conv with strides {node.strides}")

    def put(self, x: np.ndarray):
        return self.tf.constant(x)

    def start(self) -> None:
        tf = self.tf
        self.infer = tf.function(lambda x: self.model(x, training=False))
        self.train = tf.function(self.one_step)
        self.differentiate = tf.function(self.differentiated)

    def forget(self) -> None:
        super().forget()
        self.infer = self.train = self.differentiate = None

    def one_step(self, x, y):
        with self.tf.GradientTape() as tape:
            loss = self.loss(y, self.model(x, training=True))
        weights = self.model.trainable_variables
        gradients = tape.gradient(loss, [v.value for v in weights])
        self.optimizer.apply(gradients, weights)
        return loss

    def differentiated(self, x, y):
        weights = [v.value for v in self.model.trainable_variables]
        with self.tf.GradientTape() as tape:
            tape.watch(x)
            loss = self.loss(y, self.model(x, training=True))
        *gradients, dx = tape.gradient(loss, [*weights, x])
        return loss, gradients, dx

    def observe(self, x, training: bool):
        return self.observed(x, training=training)

    def synchronize(self, handle) -> None:
        if handle is not None:
            handle.numpy()


class OnJax(Backend):
    execution = "graph (jit)"

    def __init__(self, threads: int, device: str):
        super().__init__()
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        self.jax = importlib.import_module("jax")
        self.version = self.jax.__version__
        self.jax.devices()  # makes XLA's pool, so that its threads can be counted
        found = cards.of_jax(self.jax, device)
        self.jax.config.update("jax_default_device", found)
        self.jax.config.update("jax_default_matmul_precision", "highest")
        if found.platform != "cpu":
            uuid = cards.uuid_of(device)
            self.seen = {
                "device_kind": "gpu",
                "device_name": found.device_kind,
                "device_uuid": uuid,
            }
            self.switches = environment("XLA_PYTHON_CLIENT_PREALLOCATE")
        self.held = None

    def threads(self) -> int:
        return threads_named("tf_XLAEigen")

    def put(self, x: np.ndarray):
        return self.jax.device_put(x)

    def start(self) -> None:
        jax, model = self.jax, self.model
        self.variables = [model.trainable_variables, model.non_trainable_variables]
        if self.optimizer:
            self.variables.append(self.optimizer.variables)
        # Copies: a step gives away what it was called with.
        self.held = [[jax.numpy.array(v.value) for v in group] for group in self.variables]
        self.forward = jax.jit(lambda t, n, x: model.stateless_call(t, n, x, training=False)[0])
        self.look = jax.jit(self.observed.stateless_call, static_argnames="training")
        self.step = jax.jit(self.one_step, donate_argnums=(0, 1, 2))
        self.grads = jax.jit(jax.value_and_grad(self.loss_of, argnums=(0, 2), has_aux=True))

    def forget(self) -> None:
        super().forget()
        self.held = self.variables = self.forward = self.look = self.step = self.grads = None
        self.jax.clear_caches()

    def settle(self) -> None:
        for group, values in zip(self.variables, self.held):
            for variable, value in zip(group, values):
                variable.assign(self.jax.numpy.array(value))

    def loss_of(self, trained, others, x, y):
        logits, others = self.model.stateless_call(trained, others, x, training=True)
        return self.loss(y, logits), others

    def one_step(self, trained, others, state, x, y):
        value_and_grad = self.jax.value_and_grad(self.loss_of, has_aux=True)
        (loss, others), gradients = value_and_grad(trained, others, x, y)
        trained, state = self.optimizer.stateless_apply(state, gradients, trained)
        return trained, others, state, loss

    def infer(self, x):
        return self.forward(self.held[0], self.held[1], x)

    def train(self, x, y):
        *self.held, loss = self.step(*self.held, x, y)
        return loss

    def differentiate(self, x, y):
        (loss, _), (gradients, dx) = self.grads(self.held[0], self.held[1], x, y)
        return loss, gradients, dx

    def observe(self, x, training: bool):
        observed = self.observed
        by_path = {v.path: value for v, value in zip(self.variables[1], self.held[1])}
        others = [by_path[v.path] for v in observed.non_trainable_variables]
        return self.look(self.held[0], others, x, training=training)[0]

    def synchronize(self, handle) -> None:
        self.jax.block_until_ready((handle, self.held))


class OnTorch(Backend):
    execution = "eager"

    def __init__(self, threads: int, device: str):
        super().__init__()
        self.torch = torch = importlib.import_module("torch")
        self.version = torch.__version__
        torch.set_num_threads(threads)
        self.device = cards.of_torch(torch, device)
        self.seen = cards.seen_by_torch(torch, self.device)
        # Keras takes the card when there is one, and asks the environment first.
        os.environ["KERAS_TORCH_DEVICE"] = str(self.device)
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        self.switches = {"cudnn_benchmark": "on"}

    def threads(self) -> int:
        return self.torch.get_num_threads()

    def put(self, x: np.ndarray):
        return self.torch.from_numpy(x.copy()).to(self.device)

    def infer(self, x):
        with self.torch.inference_mode():
            return self.model(x, training=False)

    def train(self, x, y):
        self.model.zero_grad()
        loss = self.loss(y, self.model(x, training=True))
        loss.backward()
        weights = self.model.trainable_variables
        with self.torch.no_grad():
            self.optimizer.apply([v.value.grad for v in weights], weights)
        return loss.detach()

    def differentiate(self, x, y):
        x = x.clone().requires_grad_(True)
        weights = [v.value for v in self.model.trainable_variables]
        loss = self.loss(y, self.model(x, training=True))
        *gradients, dx = self.torch.autograd.grad(loss, [*weights, x])
        return loss.detach(), gradients, dx

    def observe(self, x, training: bool):
        with self.torch.no_grad():
            return self.observed(x, training=training)

    def synchronize(self, handle) -> None:
        if self.device.type == "cuda":
            self.torch.cuda.synchronize(self.device)


BACKENDS = {"tensorflow": OnTensorFlow, "jax": OnJax, "torch": OnTorch}


def adapter() -> Adapter:
    return Keras()
