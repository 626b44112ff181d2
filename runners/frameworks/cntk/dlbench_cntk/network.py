"""CNTK: the plan as a graph of cntk.ops, NCHW."""

import math
import os

import cntk as C
import numpy as np

from .plan import DeviceUnavailable, Unsupported

OPERATORS = (
    ["Conv", "ConvTranspose", "BatchNormalization", "Relu", "Clip", "Sigmoid", "Softmax", "MaxPool"]
    + ["AveragePool", "GlobalAveragePool", "Add", "Mul", "Concat", "Flatten", "Gemm", "LRN"]
    + ["Dropout", "Resize"]
)
LOWEST = -3.0e38


class Framework(object):
    def __init__(self, threads, device):
        self.version = C.__version__
        self.build = {"blas": "MKL", "python": "2.7"}
        self.switches = {"optimizer": "nesterov(unit_gain=False)"}
        self.device, self.seen = C.device.cpu(), {"kind": "cpu", "name": ""}
        if device != "cpu":
            self.device = card(int(device.partition(":")[2] or 0))
            name = C.device.get_gpu_properties(self.device).name
            self.seen = {"kind": "gpu", "name": str(name)}
            self.switches["tf32"] = "none: CUDA 10.0 has no TF32"
            self.switches["results"] = "each step's is copied to the host"
        C.device.try_set_default_device(self.device)
        if threads:
            C.cntk_py.set_max_num_cputhreads(threads)

    def threads(self):
        return int(os.environ.get("OMP_NUM_THREADS", "0"))

    def build_network(self, plan):
        return Network(plan, self.device)


def card(number):
    """The GPU of that number, or why there is none."""
    kind = C.device.DeviceKind.GPU
    cards = [d for d in C.device.all_devices() if d.type() == kind]
    if number >= len(cards):
        raise DeviceUnavailable("no GPU %d: CNTK finds %d" % (number, len(cards)))
    return C.device.gpu(number)


class Network(object):
    """One workload: a graph for the timed steps, and one that lets everything be seen."""

    def __init__(self, plan, device):
        self.plan, self.device = plan, device
        self.held = {name: self.hold(name) for name in plan.order}
        self.images = [C.Value(batch=np.ascontiguousarray(x), device=device) for x in plan.inputs]
        self.labels = [self.one_hot(y) for y in plan.labels]
        self.x, self.y = self.variable(False), C.input_variable((plan.classes,))
        self.logits = self.graph(self.x)[plan.outputs[0]]
        self.seen_x, self.seen_y = self.variable(plan.training), C.input_variable((plan.classes,))
        self.values = self.graph(self.seen_x)
        if plan.training:
            self.loss = C.cross_entropy_with_softmax(self.logits, self.y)
            logits = self.values[plan.outputs[0]]
            self.seen_loss = C.cross_entropy_with_softmax(logits, self.seen_y)
        self.reset()

    def variable(self, needs_gradient):
        return C.input_variable(self.plan.input_shape[1:], needs_gradient=needs_gradient)

    def one_hot(self, labels):
        dense = np.eye(self.plan.classes, dtype=np.float32)[labels]
        return C.Value(batch=dense, device=self.device)

    def is_dense(self, name):
        """Dense weights are [in, out] in CNTK."""
        node = next(n for n in self.plan.nodes if name in n.params)
        return node.op == "Gemm" and self.plan.weights[name].ndim == 2

    def hold(self, name):
        value = np.ascontiguousarray(self.to_cntk(name, self.plan.weights[name]))
        if self.plan.roles[name] == "trainable":
            return C.Parameter(init=value, device=self.device, name=str(name))
        return C.Constant(value, device=self.device, name=str(name))

    def to_cntk(self, name, value):
        return value.T if self.is_dense(name) else value

    def from_cntk(self, name, value):
        return np.ascontiguousarray(value.T if self.is_dense(name) else value)

    def graph(self, x):
        values = {self.plan.input: x}
        for node in self.plan.nodes:
            make = getattr(self, "_" + node.op.lower(), None)
            inputs = [values[n] for n in node.data] + [self.held[n] for n in node.params]
            try:
                if make is None:
                    raise Unsupported("operator %s" % node.op)
                values[node.output] = make(node, *inputs)
            except Unsupported as refusal:
                raise Unsupported("node %r: %s" % (str(node.name), refusal))
        return values

    def reset(self):
        for name, value in self.plan.weights.items():
            self.held[name].value = np.ascontiguousarray(self.to_cntk(name, value))
        if self.plan.training:
            batch = self.plan.batch  # rates are for the mean over so many samples
            rate = C.learning_parameter_schedule(self.plan.learning_rate, minibatch_size=batch)
            momentum = C.momentum_schedule(self.plan.momentum, minibatch_size=batch)
            trained = [self.held[name] for name in self.plan.trainable]
            learner = C.nesterov(trained, rate, momentum, unit_gain=False)
            self.trainer = C.Trainer(self.logits, (self.loss, None), [learner])

    def step(self, slot):
        if not self.plan.training:
            return self.logits.eval({self.x: self.images[slot]}, device=self.device)
        batch = {self.x: self.images[slot], self.y: self.labels[slot]}
        self.trainer.train_minibatch(batch, device=self.device)
        return self.trainer.previous_minibatch_loss_average

    def read(self, handle):
        return np.asarray(handle, dtype=np.float32)

    def outputs(self, slot):
        wanted = [self.values[name] for name in self.plan.outputs]
        if not self.plan.training:
            found = [v.eval({self.seen_x: self.images[slot]}, device=self.device) for v in wanted]
            return dict(zip(self.plan.outputs, map(np.asarray, found)))
        kept = self.statistics()
        batch = {self.seen_x: self.images[slot], self.seen_y: self.labels[slot]}
        everything = C.combine([self.seen_loss] + wanted)
        # Something kept for a backward pass makes it a forward pass of training.
        _, found = everything.forward(
            batch, everything.outputs, set(everything.outputs[:1]), self.device
        )
        by_id = {variable.uid: np.asarray(value) for variable, value in found.items()}
        self.put_back(kept)
        return {name: by_id[v.output.uid] for name, v in zip(self.plan.outputs, wanted)}

    def gradients(self, slot):
        kept = self.statistics()
        trained = [self.held[name] for name in self.plan.trainable]
        batch = {self.seen_x: self.images[slot], self.seen_y: self.labels[slot]}
        gradients, loss = self.seen_loss.grad(
            batch, trained + [self.seen_x], [self.seen_loss], device=self.device
        )
        self.put_back(kept)
        share = np.float32(1.0 / self.plan.batch)  # CNTK sums over the batch
        by_id = {variable.uid: np.asarray(value) * share for variable, value in gradients.items()}
        out = {n: self.from_cntk(n, by_id[self.held[n].uid]) for n in self.plan.trainable}
        out["input"] = by_id[self.seen_x.uid].reshape(self.plan.input_shape)
        loss = list(loss.values())[0] if isinstance(loss, dict) else loss
        return float(np.mean(np.asarray(loss))), out

    def statistics(self):
        return {name: np.array(self.held[name].value) for name in self.plan.statistics}

    def put_back(self, kept):
        for name, value in kept.items():
            self.held[name].value = value

    def state(self):
        return {name: self.from_cntk(name, self.held[name].value) for name in self.plan.order}

    def shapes(self):
        batch = self.plan.batch
        return {n.name: [batch] + list(self.values[n.output].shape) for n in self.plan.nodes}

    def padded(self, x, pads, value=0.0):
        if not any(pads):
            return x
        top, left, bottom, right = pads
        pattern = [(0, 0), (top, bottom), (left, right)]
        return C.pad(x, pattern, mode=C.ops.CONSTANT_PAD, constant_value=value)

    def size_of(self, node):
        return self.plan.shape_of(node.data[0])[2:]

    def _conv(self, node, x, w, b=None):
        if list(node.dilations) != [1, 1]:
            raise Unsupported("dilated Conv: CNTK has none on CPUs")
        half = [k // 2 for k in node.kernel_shape]
        odd = all(k % 2 for k in node.kernel_shape) and max(node.strides) <= 2
        fits = all(k <= s for k, s in zip(node.kernel_shape, self.size_of(node)))
        own = any(node.pads) and odd and fits and list(node.pads) == half + half
        x = x if own else self.padded(x, node.pads)
        y = C.convolution(
            w, x, tuple(node.strides), auto_padding=[False, own, own], groups=node.group
        )
        return y if b is None else y + C.reshape(b, (-1, 1, 1))

    def _convtranspose(self, node, x, w, b=None):
        if node.group != 1:
            raise Unsupported("ConvTranspose in groups: convolution_transpose has none")
        if list(node.dilations) != [1, 1]:
            raise Unsupported("dilated ConvTranspose: CNTK has none on CPUs")
        whole = [
            (s - 1) * t + k for s, t, k in zip(self.size_of(node), node.strides, node.kernel_shape)
        ]
        for i in (0, 1):
            if node.pads[i] + node.shape[2 + i] > whole[i]:
                raise Unsupported("ConvTranspose with output_padding beyond the whole output")
        shape = (node.shape[1],) + tuple(whole)
        y = C.convolution_transpose(
            w, x, tuple(node.strides), auto_padding=[False, False, False], output_shape=shape
        )
        for i in (0, 1):
            y = C.slice(y, 1 + i, node.pads[i], node.pads[i] + node.shape[2 + i])
        return y if b is None else y + C.reshape(b, (-1, 1, 1))

    def _batchnormalization(self, node, x, scale, bias, mean, variance):
        return C.batch_normalization(
            x,
            scale,
            bias,
            mean,
            variance,
            spatial=True,
            normalization_time_constant=-self.plan.batch / math.log(node.momentum),
            epsilon=node.epsilon,
            use_cudnn_engine=False,
            # With a count of zero the first batch would replace the statistics.
            running_count=C.constant(1e9, device=self.device),
        )

    def _relu(self, node, x):
        return C.relu(x)

    def _clip(self, node, x):
        return C.clip(x, node.min, node.max)

    def _sigmoid(self, node, x):
        return C.sigmoid(x)

    def _softmax(self, node, x):
        return C.softmax(x, axis=node.axis - 1)

    def reach(self, node):
        """The padding of a pool, with the rows and columns that ceil_mode adds."""
        extra = []
        for i, size in enumerate(self.size_of(node)):
            end = (node.shape[2 + i] - 1) * node.strides[i] + node.kernel_shape[i]
            extra.append(max(0, end - size - node.pads[i] - node.pads[2 + i]))
        return [p + e for p, e in zip(node.pads, [0, 0] + extra)]

    def pool(self, node, x, kind):
        return C.pooling(x, kind, tuple(node.kernel_shape), tuple(node.strides), [False])

    def _maxpool(self, node, x):
        if list(node.dilations) != [1, 1]:
            raise Unsupported("MaxPool with dilations %s: pooling has none" % node.dilations)
        return self.pool(node, self.padded(x, self.reach(node), LOWEST), C.MAX_POOLING)

    def _averagepool(self, node, x):
        y = self.pool(node, self.padded(x, self.reach(node)), C.AVG_POOLING)
        correction = self.correction(node)
        return y if (correction == 1).all() else y * C.Constant(correction, device=self.device)

    def correction(self, node):
        """What turns averages over whole windows into the plan's: [1, oh, ow]."""
        counted = np.full(self.size_of(node), 1.0)
        top, left, bottom, right = node.pads
        around = ((top, bottom), (left, right))
        counted = np.pad(counted, around, "constant", constant_values=node.count_include_pad)
        more = [r - p for r, p in zip(self.reach(node), node.pads)]
        counted = np.pad(counted, ((0, more[2]), (0, more[3])), "constant")
        (kh, kw), (sh, sw) = node.kernel_shape, node.strides
        counts = [
            [counted[i * sh : i * sh + kh, j * sw : j * sw + kw].sum() for j in range(node.shape[3])]
            for i in range(node.shape[2])
        ]
        return np.array([kh * kw / np.array(counts)], dtype=np.float32)

    def _globalaveragepool(self, node, x):
        return C.reduce_mean(x, axis=(1, 2))

    def _add(self, node, a, b):
        return a + b

    def _mul(self, node, a, b):
        return a * b

    def _concat(self, node, *parts):
        return C.splice(*parts, axis=node.axis - 1)

    def _flatten(self, node, x):
        return C.reshape(x, (node.shape[1],))

    def _gemm(self, node, x, w, b):
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported("Gemm with alpha %s and beta %s" % (node.alpha, node.beta))
        return C.times(x, w) + b

    def _lrn(self, node, x):
        """From its parts: where alpha is small, local_response_normalization is off by 4e-5."""
        below, above = (node.size - 1) // 2, node.size // 2
        squares = C.pad(x * x, [(below, above), (0, 0), (0, 0)], mode=C.ops.CONSTANT_PAD)
        channels = node.shape[1]
        total = sum(C.slice(squares, 0, i, i + channels) for i in range(node.size))
        return x * C.exp(-node.beta * C.log(node.bias + node.alpha / node.size * total))

    def _dropout(self, node, x):
        return C.alias(x)

    def _resize(self, node, x):
        h, w = self.size_of(node)
        for size, scale in ((w, node.scales_w), (h, node.scales_h)):
            matrix = C.Constant(resize_matrix(node, size, scale).T.copy(), device=self.device)
            x = C.swapaxes(C.times(x, matrix), 1, 2)
        return x


def resize_matrix(node, size, scale):
    """One side of a separable resize: [size * scale, size]."""
    out = np.arange(size * scale)
    half = 0.5 if node.coordinate_transformation_mode == "half_pixel" else 0.0
    place = (out + half) / scale - half
    low = np.floor(place)
    share = place - low if node.mode == "linear" else np.zeros(len(out))
    matrix = np.zeros((len(out), size), dtype=np.float32)
    np.add.at(matrix, (out, np.clip(low, 0, size - 1).astype(int)), 1 - share)
    np.add.at(matrix, (out, np.clip(low + 1, 0, size - 1).astype(int)), share)
    return matrix
