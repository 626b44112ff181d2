"""TensorFlow: tf.function graphs, NHWC, raw operators."""

from __future__ import annotations

import os

import numpy as np

from dlbench_sdk import cards
from dlbench_sdk.adapter import Adapter, Description, Terms
from dlbench_sdk.nhwc import (
    axis,
    explicit,
    flattens_in_place,
    from_nchw,
    layout_of,
    shape_to_nchw,
    to_nchw,
)
from dlbench_sdk.plan import OPERATORS, Node, Plan, Unsupported
from dlbench_sdk.windows import average_correction, is_same, reach, resize_matrix

VARIANTS = {"": "graph (tf.function)", "xla": "graph (tf.function, compiled by XLA)"}
NO_NARROW = "this runner has no mixed precision for TensorFlow"


class TensorFlow(Adapter):
    plan, on_gpu = None, False

    def open(self, device: str, threads: int) -> Description:
        import tensorflow as tf

        self.tf = tf
        self.variant = os.environ.get("DLBENCH_VARIANT", "")
        if self.variant not in VARIANTS:
            raise Unsupported(f"DLBENCH_VARIANT={self.variant}: there is xla")
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_tensor_float_32_execution(False)
        card = cards.of_tensorflow(tf, device) if device != "cpu" else None
        self.on_gpu = card is not None
        no_precision = {"bf16": NO_NARROW, "fp16": NO_NARROW}
        if not self.on_gpu:
            no_precision["tf32"] = "this CPU has none"
        build = tf.sysconfig.get_build_info()
        return Description(
            framework="TensorFlow",
            version=tf.__version__,
            build={"cuda": str(build.get("is_cuda_build", False)), "onednn": "on (default)"},
            operators=OPERATORS,
            running_variance="unbiased",
            device_kind="gpu" if self.on_gpu else "cpu",
            device_name=card or "",
            device_uuid=cards.uuid_of(device),
            precisions=("fp32", "tf32") if self.on_gpu else ("fp32",),
            no_precision=no_precision,
        )

    def terms(self) -> Terms:
        threading = self.tf.config.threading
        switches = {
            "inter_op_threads": str(threading.get_inter_op_parallelism_threads()),
            "jit_compile": "on" if self.variant == "xla" else "off",
            "optimizer": "ResourceApplyMomentum(use_nesterov=True)",
        }
        precision = self.plan.precision if self.plan else "fp32"
        if self.on_gpu:
            switches |= {
                "tf32": "on" if precision == "tf32" else "off",
                "memory_growth": "on",
                "cudnn_autotune": "on (default): finished in the warm-up",
            }
        threads = threading.get_intra_op_parallelism_threads()
        return Terms(threads, "NHWC", VARIANTS[self.variant], precision, switches)

    def load(self, plan: Plan) -> None:
        tf = self.tf
        self.plan = plan
        tf.config.experimental.enable_tensor_float_32_execution(plan.precision == "tf32")
        self.layouts = {n: layout_of(plan, n, depthwise=True) for n in plan.weights}
        self.ops = [(node, self.operator(node)) for node in plan.nodes]
        self.inputs = [tf.constant(from_nchw(x)) for x in plan.inputs]
        self.labels = [tf.constant(y) for y in plan.labels]
        self.params = {
            name: tf.Variable(self.layouts[name].to_framework(value), trainable=False)
            for name, value in plan.weights.items()
        }
        self.trained = [self.params[name] for name in plan.trainable]
        self.velocity = [tf.Variable(tf.zeros_like(p), trainable=False) for p in self.trained]
        compiled = True if self.variant == "xla" else None
        self.infer_step = tf.function(self.infer, jit_compile=compiled)
        self.train_step = tf.function(self.train, jit_compile=compiled)
        self.observe = tf.function(self.observed)
        self.differentiate = tf.function(self.loss_and_gradients)

    def unload(self) -> None:
        self.plan = self.ops = self.inputs = self.labels = self.params = None
        self.trained = self.velocity = self.infer_step = self.train_step = None
        self.observe = self.differentiate = None

    def reset(self) -> None:
        for name, value in self.plan.weights.items():
            self.params[name].assign(self.layouts[name].to_framework(value))
        for velocity in self.velocity:
            velocity.assign(self.tf.zeros_like(velocity))

    def step(self, slot: int):
        if self.plan.training:
            return self.train_step(self.inputs[slot], self.labels[slot])
        return self.infer_step(self.inputs[slot])

    def synchronize(self, handle) -> None:
        if self.on_gpu:
            self.tf.test.experimental.sync_devices()
        elif handle is not None:
            handle.numpy()  # on a CPU a view of what is complete by now

    def read(self, handle) -> np.ndarray:
        return handle.numpy()

    def infer(self, x):
        return self.forward(x)[0][self.plan.outputs[0]]

    def train(self, x, labels):
        optimizer, raw = self.plan.optimizer, self.tf.raw_ops
        loss, gradients, running = self.loss_and_gradients(x, labels)
        for name, value in running.items():
            self.params[name].assign(value)
        for p, v, g in zip(self.trained, self.velocity, gradients[1:]):
            raw.ResourceApplyMomentum(
                var=p.handle,
                accum=v.handle,
                lr=optimizer.learning_rate,
                grad=g,
                momentum=optimizer.momentum,
                use_nesterov=True,
            )
        return loss

    def loss_and_gradients(self, x, labels):
        tf = self.tf
        watched = [x, *self.trained] if self.plan.input_gradient else self.trained
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for tensor in watched:
                tape.watch(tensor)
            values, running = self.forward(x)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, values[self.plan.outputs[0]])
            )
        gradients = tape.gradient(loss, watched)
        return loss, gradients if self.plan.input_gradient else [None, *gradients], running

    def observed(self, x):
        values, _ = self.forward(x)
        return {name: values[name] for name in self.plan.outputs}

    def forward(self, x):
        """Values by name, and the moved running statistics."""
        values, running = {self.plan.input: x}, {}
        self.static = {}
        for node, operator in self.ops:
            y = operator(*[values[n] for n in node.data], *[self.params[n] for n in node.params])
            if node.op == "BatchNormalization":
                y, mean, variance = y
                if self.plan.training:
                    running[node.params[2]], running[node.params[3]] = mean, variance
            values[node.output] = y
            self.static[node.name] = shape_to_nchw(y.shape)
        return values, running

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        return {k: to_nchw(v.numpy()) for k, v in self.observe(self.inputs[slot]).items()}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        loss, (dx, *grads), _ = self.differentiate(self.inputs[slot], self.labels[slot])
        out = {
            name: self.layouts[name].to_plan(g.numpy())
            for name, g in zip(self.plan.trainable, grads)
        }
        if dx is not None:
            out["input"] = to_nchw(dx.numpy())
        return float(loss), out

    def state(self) -> dict[str, np.ndarray]:
        return {name: self.layouts[name].to_plan(p.numpy()) for name, p in self.params.items()}

    def shapes(self) -> dict[str, list[int]]:
        return self.static

    def _conv(self, node: Node):
        nn = self.tf.nn
        strides, dilations, same = node.strides, node.dilations, is_same(node)
        padding = "SAME" if same else around(node.pads)
        if self.plan.training and list(dilations) != [1, 1]:
            raise Unsupported("the gradient of a dilated Conv: there is none on CPUs")
        channels = self.plan.channels_of(node)
        if node.group > 1 and node.group == channels:
            if strides[0] != strides[1]:
                raise Unsupported(f"depthwise Conv with strides {strides}")

            def convolve(x, w):
                square = [1, *strides, 1]
                return nn.depthwise_conv2d(x, w, square, padding, dilations=dilations)
        else:

            def convolve(x, w):
                return nn.conv2d(x, w, strides, padding, dilations=dilations)

        if node.group > 1 and node.group != channels:
            convolve = self.in_groups(convolve, node.group)
        if self.plan.training and any(node.pads) and not same:
            # oneDNN's backward convolutions take no explicit padding: with a
            # pad before it the whole step is theirs, which was faster.
            convolve, padding = self.padded_before(convolve, padding), "VALID"
        if len(node.params) == 1:
            return convolve
        return lambda x, w, b: nn.bias_add(convolve(x, w), b)

    def padded_before(self, convolve, pads):
        return lambda x, w: convolve(self.tf.pad(x, pads), w)

    def in_groups(self, convolve, group: int):
        tf = self.tf

        def apply(x, w):
            parts = zip(tf.split(x, group, axis=3), tf.split(w, group, axis=3))
            return tf.concat([convolve(*part) for part in parts], axis=3)

        return apply

    def _convtranspose(self, node: Node):
        if node.group != 1:
            raise Unsupported(f"ConvTranspose in {node.group} groups")
        if list(node.dilations) != [1, 1]:
            raise Unsupported("dilated ConvTranspose: there is none on CPUs")
        tf, (n, c, h, w) = self.tf, node.shape
        top, left, bottom, right = node.pads

        def apply(x, weights, bias=None):
            # The whole output and then its inner part: the operator's own
            # padding has to be the one of a forward convolution.
            whole = [n, h + top + bottom, w + left + right, c]
            y = tf.nn.conv2d_transpose(x, weights, whole, node.strides, "VALID")
            y = y[:, top : top + h, left : left + w, :]
            return y if bias is None else tf.nn.bias_add(y, bias)

        return apply

    def _batchnormalization(self, node: Node):
        tf, training = self.tf, self.plan.training
        factor = 1 - node.momentum if training else 1.0

        def apply(x, scale, bias, mean, variance):
            y = tf.raw_ops.FusedBatchNormV3(
                x=x,
                scale=scale,
                offset=bias,
                mean=mean,
                variance=variance,
                epsilon=node.epsilon,
                exponential_avg_factor=factor,
                is_training=training,
            )
            return y.y, y.batch_mean, y.batch_variance

        return apply

    def _relu(self, node: Node):
        return self.tf.nn.relu

    def _clip(self, node: Node):
        return lambda x: self.tf.clip_by_value(x, node.min, node.max)

    def _sigmoid(self, node: Node):
        return self.tf.sigmoid

    def _softmax(self, node: Node):
        return lambda x: self.tf.nn.softmax(x, axis(node))

    def _maxpool(self, node: Node):
        if list(node.dilations) != [1, 1]:
            raise Unsupported(f"MaxPool with dilations {node.dilations}")
        tf, kernel, strides = self.tf, node.kernel_shape, node.strides
        padding = around(reach(node, self.plan.shape_of(node.data[0])[2:]))
        if self.variant != "xla" or padding == "VALID":
            return lambda x: tf.nn.max_pool2d(x, kernel, strides, padding)

        def apply(x):  # XLA's pools have no explicit padding
            x = tf.pad(x, padding, constant_values=-np.inf)
            return tf.nn.max_pool2d(x, kernel, strides, "VALID")

        return apply

    def _averagepool(self, node: Node):
        tf, nn = self.tf, self.tf.nn
        size = self.plan.shape_of(node.data[0])[2:]
        correction = from_nchw(average_correction(node, size))
        padding = explicit(reach(node, size))

        def apply(x):
            x = tf.pad(x, padding) if any(map(any, padding)) else x
            y = nn.avg_pool2d(x, node.kernel_shape, node.strides, "VALID")
            return y if (correction == 1).all() else y * correction

        return apply

    def _globalaveragepool(self, node: Node):
        return lambda x: self.tf.reduce_mean(x, [1, 2], keepdims=True)

    def _add(self, node: Node):
        return self.tf.add

    def _mul(self, node: Node):
        return self.tf.multiply

    def _concat(self, node: Node):
        return lambda *parts: self.tf.concat(parts, axis(node))

    def _flatten(self, node: Node):
        tf = self.tf
        if flattens_in_place(self.plan, node):
            return lambda x: tf.reshape(x, [x.shape[0], -1])
        return lambda x: tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0], -1])

    def _gemm(self, node: Node):
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        return lambda x, w, b: self.tf.nn.bias_add(self.tf.matmul(x, w), b)

    def _lrn(self, node: Node):
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}")
        # TensorFlow's alpha multiplies the sum of squares, ONNX's their mean.
        alpha, radius = node.alpha / node.size, node.size // 2
        return lambda x: self.tf.nn.lrn(x, radius, node.bias, alpha, node.beta)

    def _dropout(self, node: Node):
        return lambda x: x

    def _resize(self, node: Node):
        tf, (_, _, h, w) = self.tf, self.plan.shape_of(node.data[0])
        rows = resize_matrix(node, h, node.scales_h).astype(np.float32)
        columns = resize_matrix(node, w, node.scales_w).astype(np.float32)
        how = (node.mode, node.coordinate_transformation_mode)
        size = list(node.shape[2:])
        if how == ("nearest", "asymmetric"):
            return lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, size)
        if how == ("linear", "half_pixel"):
            return lambda x: tf.image.resize(x, size, "bilinear", antialias=False)
        return lambda x: tf.einsum("ph,nhwc,qw->npqc", rows, x, columns)


def around(pads):
    """Padding as TensorFlow's operators take it; zeros that are spelt out are slower than none."""
    return explicit(pads) if any(pads) else "VALID"


def adapter() -> Adapter:
    return TensorFlow()
