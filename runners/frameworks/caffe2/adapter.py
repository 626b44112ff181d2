"""Caffe2: nets of the workspace on the IDEEP device (oneDNN), NCHW."""

from __future__ import annotations

import os

import numpy as np

from dlbench_sdk.adapter import Adapter, Description, DeviceUnavailable, Terms
from dlbench_sdk.plan import OPERATORS, Node, Plan, Unsupported
from dlbench_sdk.windows import average_correction, overhang, reach, resize_matrix

LOWEST = -3.0e38
LOSS, LEARNING_RATE = "training.loss", "training.learning_rate"


class Caffe2(Adapter):
    def open(self, device: str, threads: int) -> Description:
        if device != "cpu":
            raise DeviceUnavailable("this build of Caffe2 has no CUDA")
        import torch
        from caffe2.proto import caffe2_pb2
        from caffe2.python import core, workspace

        self.core, self.workspace = core, workspace
        workspace.GlobalInit(["caffe2", "--caffe2_log_level=3"])
        register_gradients_of_copies(core)
        self.fast = core.DeviceOption(caffe2_pb2.IDEEP)
        self.plain = core.DeviceOption(caffe2_pb2.CPU)
        self.threads = int(os.environ.get("OMP_NUM_THREADS") or threads)
        return Description(
            framework="Caffe2",
            version=torch.__version__,
            build={"device": "IDEEP (oneDNN)", "source": "Debian's python3-torch"},
            operators=OPERATORS,
            running_variance="biased",
        )

    def terms(self) -> Terms:
        switches = {"net_type": "simple", "device": "IDEEP", "in_place_relu": "on"}
        return Terms(self.threads, "NCHW (blocked inside)", "graph (net)", "fp32", switches)

    def load(self, plan: Plan) -> None:
        self.workspace.ResetWorkspace()
        self.plan = plan
        self.in_place = plan.in_place("Relu")
        for slot in range(plan.slots):
            self.feed(f"input.{slot}", plan.inputs[slot])
            self.feed(f"labels.{slot}", plan.labels[slot].astype(np.int32), self.plain)
        self.constants: dict[str, tuple] = {}
        slots = range(plan.slots)
        if plan.training:
            self.steps = [self.net(f"train.{s}", self.train, s) for s in slots]
            self.gradient_nets = [self.net(f"gradients.{s}", self.differentiate, s) for s in slots]
        else:
            self.steps = [self.net(f"infer.{s}", self.forward, s) for s in slots]
            self.logits = self.blobs[plan.outputs[0]]
        self.observed: dict[int, dict[str, str]] = {}
        self.observing = [self.net(f"observe.{s}", self.observe, s) for s in slots]
        for name, (value, device) in self.constants.items():
            self.feed(name, value, device)
        self.reset()
        for net in [*self.steps, *self.observing, *(self.gradient_nets if plan.training else [])]:
            self.workspace.CreateNet(net)

    def net(self, name: str, write, slot: int):
        net = self.core.Net(name)
        net.AddExternalInputs(f"input.{slot}", *self.plan.weights)
        with self.core.DeviceScope(self.fast):
            write(net, slot)
        return net

    def feed(self, name: str, value: np.ndarray, device=None) -> None:
        self.workspace.FeedBlob(name, np.ascontiguousarray(value), device or self.fast)

    def unload(self) -> None:
        self.workspace.ResetWorkspace()
        self.plan = self.steps = self.gradient_nets = self.observing = None

    def reset(self) -> None:
        plan = self.plan
        for name, value in plan.weights.items():
            self.feed(name, value)
        if plan.training:
            self.feed(LEARNING_RATE, np.float32([plan.optimizer.learning_rate]), self.plain)
            for name in plan.trainable:
                self.feed(f"{name}.velocity", np.zeros_like(plan.weights[name]))

    def forward(self, net, slot: int, observed: bool = False) -> None:
        """Write the operators of a pass. Where everything is observed, nothing is in place."""
        self.blobs = {self.plan.input: f"input.{slot}"}
        in_place = set() if observed else self.in_place
        for i, node in enumerate(self.plan.nodes):
            inputs = [self.blobs[n] for n in node.data]
            output = inputs[0] if node.name in in_place else f"value.{node.name}"
            self.first = i == 0
            if node.op == "Dropout":
                output = inputs[0]
            self.operator(node)(net, inputs, output)
            self.blobs[node.output] = output

    def observe(self, net, slot: int) -> None:
        self.forward(net, slot, observed=True)
        self.observed[slot] = dict(self.blobs)

    def differentiate(self, net, slot: int) -> None:
        self.want_input_gradient = True
        gradients = self.gradients_of(net, slot)
        for name in [f"input.{slot}", *self.plan.trainable]:
            self.flatten(net, gradients[name], f"{name}.gradient")

    def flatten(self, net, blob: str, flat: str) -> None:
        """Lay a tensor out plainly. Updates and fetches read raw memory, which may hold the blocks
        that oneDNN computes with; a reshape that changes something undoes them."""
        net.Reshape([blob], [flat, f"{flat}.shape"], shape=[-1])

    def gradients_of(self, net, slot: int):
        self.forward(net, slot)
        logits = self.blobs[self.plan.outputs[0]]
        net.SoftmaxWithLoss([logits, f"labels.{slot}"], ["training.probabilities", LOSS])
        return net.AddGradientOperators([LOSS])

    def train(self, net, slot: int) -> None:
        self.want_input_gradient = False
        gradients = self.gradients_of(net, slot)
        for name in self.plan.trainable:
            gradient, velocity = f"{name}.gradient", f"{name}.velocity"
            self.flatten(net, gradients[name], gradient)
            net.MomentumSGDUpdate(
                [gradient, velocity, LEARNING_RATE, name],
                [gradient, velocity, name],
                momentum=self.plan.optimizer.momentum,
                nesterov=1,
            )

    def step(self, slot: int):
        self.workspace.RunNet(self.steps[slot])
        return LOSS if self.plan.training else self.logits

    def synchronize(self, handle) -> None:
        pass  # RunNet returns when the net is done

    def read(self, handle) -> np.ndarray:
        return np.array(self.workspace.FetchBlob(handle))

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        with Kept(self):
            self.workspace.RunNet(self.observing[slot])
        blobs = self.observed[slot]
        self.seen = {n.name: self.read(blobs[n.output]).shape for n in self.plan.nodes}
        return {name: self.read(blobs[name]) for name in self.plan.outputs}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        with Kept(self):
            self.workspace.RunNet(self.gradient_nets[slot])
        out = {
            name: self.read(f"{name}.gradient").reshape(self.plan.weights[name].shape)
            for name in self.plan.trainable
        }
        out["input"] = self.read(f"input.{slot}.gradient").reshape(self.plan.input_shape)
        return float(self.read(LOSS).reshape(-1)[0]), out

    def state(self) -> dict[str, np.ndarray]:
        return {name: self.read(name) for name in self.plan.weights}

    def shapes(self) -> dict[str, list[int]]:
        return {name: list(shape) for name, shape in self.seen.items()}

    def constant(self, node: Node, name: str, value: np.ndarray) -> str:
        """A constant on the plain device."""
        name = f"constant.{node.name}.{name}"
        self.constants[name] = value.astype(np.float32), self.plain
        return name

    def size_of(self, node: Node) -> tuple[int, ...]:
        return self.plan.shape_of(node.data[0])[2:]

    def on_cpu(self, net, inputs, output: str, write) -> None:
        """Write operators that IDEEP lacks: its tensors are copied to plain ones and back."""
        held = [f"{name}.for.{output}" for name in inputs]
        for name, copy in zip(inputs, held):
            self.append(net, "CopyIDEEPToCPU", name, copy)
        with self.core.DeviceScope(self.plain):
            write(held, f"{output}.plain")
        self.append(net, "CopyCPUToIDEEP", f"{output}.plain", output)

    def append(self, net, operator: str, source: str, target: str) -> None:
        made = self.core.CreateOperator(operator, [source], [target], device_option=self.fast)
        net.Proto().op.extend([made])

    def padded(self, net, x: str, node: Node, pads, value: float = 0.0) -> str:
        """IDEEP's operators fail on pads that differ from side to side."""
        top, left, bottom, right = pads
        sides = {"pad_t": top, "pad_l": left, "pad_b": bottom, "pad_r": right}

        def write(inputs, output):
            net.PadImage(inputs, [output], value=value, mode="constant", order="NCHW", **sides)

        name = f"padded.{node.name}"
        self.on_cpu(net, [x], name, write)
        return name

    def plainly(self, operator: str, **settings):
        """An operator of one activation on the plain device."""

        def write(net, inputs, output):
            run = getattr(net, operator)
            self.on_cpu(net, inputs, output, lambda x, y: run(x, [y], **settings))

        return write

    def _conv(self, node: Node):
        even = node.pads[:2] == node.pads[2:]

        def write(net, inputs, output):
            x = inputs[0] if even else self.padded(net, inputs[0], node, node.pads)
            settings = {"training_mode": 1} if self.plan.training else {}
            if self.plan.training and even and self.first and not self.want_input_gradient:
                settings["no_gradient_to_input"] = 1
            net.Conv(
                [x, *node.params],
                [output],
                kernels=list(node.kernel_shape),
                strides=list(node.strides),
                pads=list(node.pads) if even else [0, 0, 0, 0],
                dilations=list(node.dilations),
                group=node.group,
                order="NCHW",
                **settings,
            )

        return write

    def _convtranspose(self, node: Node):
        if list(node.dilations) != [1, 1]:
            raise Unsupported("dilated ConvTranspose: Caffe2's has no dilations")
        if node.group != 1:
            raise Unsupported(f"ConvTranspose in {node.group} groups on IDEEP")
        top, left = node.pads[:2]
        ends = [node.shape[2] + top, node.shape[3] + left]
        adjs = []
        for i, size in enumerate(self.size_of(node)):
            whole = (size - 1) * node.strides[i] + node.kernel_shape[i]
            adjs.append(max(0, ends[i] - whole))

        def write(net, inputs, output):
            # The whole output and then its inner part: pads are per side.
            whole = f"whole.{node.name}"
            settings = {"training_mode": 1} if self.plan.training else {}
            net.ConvTranspose(
                [*inputs, *node.params],
                [whole],
                kernels=list(node.kernel_shape),
                strides=list(node.strides),
                adjs=adjs,
                order="NCHW",
                **settings,
            )
            self.on_cpu(net, [whole], output, lambda x, y: cut(net, x, y))

        def cut(net, inputs, output):
            rows = f"rows.{node.name}"
            net.Slice(inputs, [rows], starts=[0, 0, top, 0], ends=[-1, -1, ends[0], -1])
            net.Slice([rows], [output], starts=[0, 0, 0, left], ends=[-1, -1, -1, ends[1]])

        return write

    def _batchnormalization(self, node: Node):
        scale, bias, mean, variance = node.params

        def write(net, inputs, output):
            outputs, training = [output], self.plan.training
            if training:
                saved = f"{node.name}.saved_mean", f"{node.name}.saved_variance"
                outputs += [mean, variance, *saved]
            net.SpatialBN(
                [*inputs, scale, bias, mean, variance],
                outputs,
                epsilon=node.epsilon,
                momentum=node.momentum,
                is_test=0 if training else 1,
                order="NCHW",
            )

        return write

    def _relu(self, node: Node):
        return lambda net, inputs, output: net.Relu(inputs, [output])

    def _clip(self, node: Node):
        return self.plainly("Clip", min=node.min, max=node.max)

    def _sigmoid(self, node: Node):
        return self.plainly("Sigmoid")

    def _softmax(self, node: Node):
        rank = len(node.shape)
        order = [i for i in range(rank) if i != node.axis] + [node.axis]
        back = [order.index(i) for i in range(rank)]

        def write(net, inputs, output):
            # Over the last axis: Caffe2's takes all axes from the given one on together.
            turned, done = f"turned.{node.name}", f"softmax.{node.name}"
            net.Transpose(inputs, [turned], axes=order)
            net.Softmax([turned], [done], axis=rank - 1)
            net.Transpose([done], [output], axes=back)

        return write

    def _maxpool(self, node: Node):
        if list(node.dilations) != [1, 1]:
            raise Unsupported(f"MaxPool with dilations {node.dilations}: Caffe2's has none")
        extra = overhang(node, self.size_of(node))
        pads = [p + e for p, e in zip(node.pads, extra)]
        even = pads[:2] == pads[2:]

        def write(net, inputs, output):
            x = inputs[0] if even else self.padded(net, inputs[0], node, pads, LOWEST)
            self.pool(net.MaxPool, node, x, output, pads if even else [0, 0, 0, 0])

        return write

    def pool(self, operator, node: Node, x: str, output: str, pads) -> None:
        operator(
            [x],
            [output],
            kernels=list(node.kernel_shape),
            strides=list(node.strides),
            pads=list(pads),
            order="NCHW",
        )

    def _averagepool(self, node: Node):
        pads = reach(node, self.size_of(node))
        correction = average_correction(node, self.size_of(node))
        if not any(pads):
            return lambda net, inputs, output: self.pool(
                net.AveragePool, node, inputs[0], output, pads
            )
        factor = self.constant(node, "correction", np.broadcast_to(correction, node.shape))

        def write(net, inputs, output):
            whole = f"whole.{node.name}"
            x = self.padded(net, inputs[0], node, pads)
            if (correction == 1).all():
                self.pool(net.AveragePool, node, x, output, [0, 0, 0, 0])
                return
            self.pool(net.AveragePool, node, x, whole, [0, 0, 0, 0])
            self.on_cpu(net, [whole], output, lambda x, y: net.Mul([*x, factor], [y]))

        return write

    def _globalaveragepool(self, node: Node):
        kernels = list(self.size_of(node))
        return lambda net, inputs, output: net.AveragePool(
            inputs, [output], kernels=kernels, strides=[1, 1], order="NCHW"
        )

    def _add(self, node: Node):
        if len({self.plan.shape_of(n) for n in node.data}) == 1:
            return lambda net, inputs, output: net.Sum(inputs, [output])
        return lambda net, inputs, output: self.on_cpu(
            net, inputs, output, lambda x, y: net.Add(x, [y])
        )

    def _mul(self, node: Node):
        return lambda net, inputs, output: self.on_cpu(
            net, inputs, output, lambda x, y: net.Mul(x, [y])
        )

    def _concat(self, node: Node):
        return lambda net, inputs, output: net.Concat(
            inputs, [output, f"split.{node.name}"], axis=node.axis
        )

    def _flatten(self, node: Node):
        return lambda net, inputs, output: net.Flatten(inputs, [output])

    def _gemm(self, node: Node):
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        return lambda net, inputs, output: net.FC([*inputs, *node.params], [output])

    def _lrn(self, node: Node):
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}")
        return lambda net, inputs, output: net.LRN(
            inputs,
            [output, f"scale.{node.name}"],
            size=node.size,
            alpha=node.alpha,
            beta=node.beta,
            bias=node.bias,
            order="NCHW",
        )

    def _dropout(self, node: Node):
        return lambda net, inputs, output: None

    def _resize(self, node: Node):
        h, w = self.size_of(node)
        rows = self.constant(node, "rows", resize_matrix(node, h, node.scales_h))
        columns = self.constant(node, "columns", resize_matrix(node, w, node.scales_w))
        nothing = [
            self.constant(node, "no_rows", np.zeros(node.shape[2])),
            self.constant(node, "no_columns", np.zeros(node.shape[3])),
        ]
        turned = [0, 1, 3, 2]

        def write(net, inputs, output):
            self.on_cpu(net, inputs, output, lambda x, y: resize(net, x, y))

        def resize(net, inputs, output):
            wide, high = f"wide.{node.name}", f"high.{node.name}"
            net.FC([*inputs, columns, nothing[1]], [wide], axis=3)
            net.Transpose([wide], [f"{wide}.turned"], axes=turned)
            net.FC([f"{wide}.turned", rows, nothing[0]], [high], axis=3)
            net.Transpose([high], [output], axes=turned)

        return write


def register_gradients_of_copies(core) -> None:
    """What goes there in the forward pass comes back in the backward pass."""

    def register(operator: str, opposite: str) -> None:
        @core.GradientRegistry.RegisterGradient(operator)
        def gradient(op, g_output):
            back = f"{op.input[0]}_grad"
            made = core.CreateOperator(
                opposite, [g_output[0]], [back], device_option=op.device_option
            )
            return [made], [back]

    register("CopyIDEEPToCPU", "CopyCPUToIDEEP")
    register("CopyCPUToIDEEP", "CopyIDEEPToCPU")


class Kept:
    """Puts the running statistics back to what they were."""

    def __init__(self, adapter: Caffe2):
        self.adapter = adapter

    def __enter__(self):
        self.copies = {name: self.adapter.read(name) for name in self.adapter.plan.statistics}

    def __exit__(self, *_):
        for name, value in self.copies.items():
            self.adapter.feed(name, value)


def adapter() -> Adapter:
    return Caffe2()
