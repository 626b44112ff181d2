"""Caffe: a NetParameter made from the plan, NCHW, convolutions by OpenBLAS."""

from __future__ import annotations

import ctypes
import glob
import os
import shutil
import tempfile

import numpy as np

from dlbench_sdk.adapter import Adapter, Description, DeviceUnavailable, Terms
from dlbench_sdk.plan import OPERATORS, Node, Plan, Unsupported
from dlbench_sdk.windows import average_correction

LABELS, LOSS = "labels", "loss"


class Caffe(Adapter):
    def open(self, device: str, threads: int) -> Description:
        if device != "cpu":
            raise DeviceUnavailable("Debian's build of Caffe computes on CPUs alone")
        import caffe
        from caffe.proto import caffe_pb2

        self.caffe, self.pb = caffe, caffe_pb2
        caffe.set_mode_cpu()
        self.blas = OpenBLAS()
        return Description(
            framework="Caffe",
            version=caffe.__version__,
            build={"blas": self.blas.config, "source": "Debian's python3-caffe"},
            operators=OPERATORS,
            running_variance="unbiased",
        )

    def terms(self) -> Terms:
        switches = {
            "openblas_core": self.blas.core,
            "solver": "Nesterov",
            "in_place": "batch norm, scale and rectifiers",
        }
        return Terms(self.blas.threads, "NCHW", "graph (net)", "fp32", switches)

    def load(self, plan: Plan) -> None:
        self.plan = plan
        self.in_place = plan.in_place("Relu")
        self.directory = tempfile.mkdtemp(prefix="caffe-")
        self.constants: dict[str, np.ndarray] = {}
        self.fast = self.write(self.describe(observed=False), "fast")
        self.observed = self.write(self.describe(observed=True), "observed")
        if plan.training:
            self.solver_path = self.write(self.describe_solver(), "solver")
        self.reset()
        self.deep = self.caffe.Net(self.observed, self.phase())
        self.fill_constants(self.deep)

    def phase(self) -> int:
        return self.caffe.TRAIN if self.plan.training else self.caffe.TEST

    def write(self, message, name: str) -> str:
        path = os.path.join(self.directory, f"{name}.prototxt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(str(message))
        return path

    def describe_solver(self):
        o = self.plan.optimizer
        return self.pb.SolverParameter(
            net=self.fast,
            type="Nesterov",
            base_lr=o.learning_rate,
            momentum=o.momentum,
            lr_policy="fixed",
            weight_decay=0.0,
            display=0,
            snapshot=0,
            snapshot_after_train=False,
            solver_mode=self.pb.SolverParameter.CPU,
            max_iter=2**30,
        )

    def describe(self, observed: bool):
        """The net. Observed, nothing is in place and the gradient reaches the input."""
        plan = self.plan
        self.message = self.pb.NetParameter(name=plan.workload, force_backward=observed)
        self.blobs, self.overwrites = {plan.input: "data"}, not observed
        self.given("data", plan.input_shape)
        for node in plan.nodes:
            self.output = f"value.{node.name}"
            inputs = [self.blobs[n] for n in node.data]
            if self.overwrites and node.name in self.in_place:
                self.output = inputs[0]
            self.operator(node)(*inputs)
            self.blobs[node.output] = self.output
        if plan.training:
            self.given(LABELS, (plan.batch,))
            logits = self.blobs[plan.outputs[0]]
            self.layer("SoftmaxWithLoss", LOSS, [logits, LABELS], LOSS)
        else:
            self.logits = self.blobs[plan.outputs[0]]
        if observed:
            self.seen = dict(self.blobs)
        return self.message

    def given(self, name: str, shape) -> str:
        layer = self.layer("Input", name, [], name)
        layer.input_param.shape.add().dim.extend(shape)
        return name

    def layer(self, kind: str, name: str, bottoms, top: str, trained: int = 0, fixed: int = 0):
        layer = self.message.layer.add(name=name, type=kind, bottom=bottoms, top=[top])
        for rate in [1.0] * trained + [0.0] * fixed:
            layer.param.add(lr_mult=rate, decay_mult=0.0)
        return layer

    def unload(self) -> None:
        self.plan = self.net = self.solver = self.deep = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def reset(self) -> None:
        plan = self.plan
        if plan.training:
            self.solver = self.caffe.get_solver(self.solver_path)  # its history is zero
            self.net = self.solver.net
        else:
            self.net = self.caffe.Net(self.fast, self.phase())
        self.fill_constants(self.net)
        for name, value in plan.weights.items():
            blob, factor = self.held(name)
            blob.data[...] = value * factor
            if plan.roles[name] == "running_mean":
                self.net.params[self.place(name)[0].name][2].data[...] = factor
        if getattr(self, "deep", None) is not None:
            self.deep.share_with(self.net)

    def fill_constants(self, net) -> None:
        for name, value in self.constants.items():
            net.blobs[name].data[...] = value
        if net is not getattr(self, "net", None):
            net.share_with(self.net)

    def place(self, name: str) -> tuple[Node, int]:
        node = next(n for n in self.plan.nodes if name in n.params)
        return node, node.params.index(name)

    def held(self, name: str):
        """The blob that holds a parameter, and by what it is multiplied there. Caffe divides sums
        by a factor that grows to 1/(1 - momentum): from there on it is the plan's decay."""
        node, index = self.place(name)
        if node.op != "BatchNormalization":
            return self.net.params[node.name][index], 1.0
        if index < 2:
            return self.net.params[f"{node.name}.scale"][index], 1.0
        return self.net.params[node.name][index - 2], 1.0 / (1.0 - node.momentum)

    def step(self, slot: int):
        self.net.blobs["data"].data[...] = self.plan.inputs[slot]
        if not self.plan.training:
            self.net.forward()
            return self.net.blobs[self.logits]
        self.net.blobs[LABELS].data[...] = self.plan.labels[slot]
        self.solver.step(1)
        return self.net.blobs[LOSS]

    def synchronize(self, handle) -> None:
        pass  # forward, backward and step return when they are done

    def read(self, handle) -> np.ndarray:
        return np.array(handle.data)

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        with Kept(self):
            self.observe(slot)
        self.static = {n.name: list(self.blob(n.output).data.shape) for n in self.plan.nodes}
        return {name: self.read(self.blob(name)) for name in self.plan.outputs}

    def blob(self, name: str):
        return self.deep.blobs[self.seen[name]]

    def observe(self, slot: int) -> None:
        self.deep.blobs["data"].data[...] = self.plan.inputs[slot]
        if self.plan.training:
            self.deep.blobs[LABELS].data[...] = self.plan.labels[slot]
        self.deep.forward()

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        self.net.clear_param_diffs()  # shared with the observed net
        self.deep.clear_param_diffs()
        with Kept(self):
            self.observe(slot)
            self.deep.backward()
        out = {}
        for name in self.plan.trainable:
            node, index = self.place(name)
            layer = f"{node.name}.scale" if node.op == "BatchNormalization" else node.name
            out[name] = np.array(self.deep.params[layer][index].diff)
        out["input"] = np.array(self.deep.blobs["data"].diff)
        return float(self.deep.blobs[LOSS].data), out

    def state(self) -> dict[str, np.ndarray]:
        out = {}
        for name in self.plan.weights:
            blob, factor = self.held(name)
            out[name] = np.array(blob.data)
            if factor != 1.0:
                out[name] = out[name] / self.net.params[self.place(name)[0].name][2].data[0]
        return out

    def shapes(self) -> dict[str, list[int]]:
        return self.static

    def size_of(self, node: Node) -> tuple[int, ...]:
        return self.plan.shape_of(node.data[0])[2:]

    def padding(self, node: Node, most: int | None = None) -> tuple[list[int], list[int]]:
        """Pads for both sides that give all of the plan's windows, and how many windows too many
        they give before the first one: Caffe pads both sides alike."""
        pads, skipped = [], []
        dilations = node.attributes.get("dilations", [1, 1])
        for i, size in enumerate(self.size_of(node)):
            stride, first = node.strides[i], node.pads[i]
            window = dilations[i] * (node.kernel_shape[i] - 1) + 1
            pad = first
            while (size + 2 * pad - window) // stride + 1 - (pad - first) // stride < (
                node.shape[2 + i]
            ):
                pad += stride
            if most is not None and pad >= node.kernel_shape[i]:
                raise Unsupported(f"{node.op} with pads {node.pads}: Caffe pads less than a window")
            pads.append(pad)
            skipped.append((pad - first) // stride)
        return pads, skipped

    def cropped(self, node: Node, name: str, offsets, before) -> None:
        """A layer whose output is cropped to the plan's; before makes the layer."""
        size = [
            (s + 2 * p - d * (k - 1) - 1) // t + 1
            for s, p, d, k, t in zip(
                self.size_of(node),
                before["pads"],
                node.attributes.get("dilations", [1, 1]),
                node.kernel_shape,
                node.strides,
            )
        ]
        if list(offsets) == [0, 0] and size == list(node.shape[2:]):
            before["make"](self.output)
            return
        before["make"](f"whole.{name}")
        self.crop(node, f"whole.{name}", offsets)

    def crop(self, node: Node, whole: str, offsets) -> None:
        like = self.given(f"size.{node.name}", node.shape)
        layer = self.layer("Crop", f"crop.{node.name}", [whole, like], self.output)
        layer.crop_param.axis = 2
        layer.crop_param.offset.extend(offsets)

    def _conv(self, node: Node):
        pads, skipped = self.padding(node)

        def build(x):
            def make(top):
                count = len(node.params)
                layer = self.layer("Convolution", node.name, [x], top, trained=count)
                self.convolve(layer, node, pads)

            self.cropped(node, node.name, skipped, {"pads": pads, "make": make})

        return build

    def convolve(self, layer, node: Node, pads) -> None:
        p = layer.convolution_param
        p.num_output, p.group, p.bias_term = node.shape[1], node.group, len(node.params) > 1
        p.kernel_size.extend(node.kernel_shape)
        p.stride.extend(node.strides)
        p.dilation.extend(node.dilations)
        p.pad.extend(pads)

    def _convtranspose(self, node: Node):
        for i, size in enumerate(self.size_of(node)):
            reach = node.dilations[i] * (node.kernel_shape[i] - 1) + 1
            if node.pads[i] + node.shape[2 + i] > (size - 1) * node.strides[i] + reach:
                raise Unsupported("ConvTranspose with output_padding: Deconvolution has none")

        def build(x):
            whole, count = f"whole.{node.name}", len(node.params)
            layer = self.layer("Deconvolution", node.name, [x], whole, trained=count)
            self.convolve(layer, node, [0, 0])
            self.crop(node, whole, node.pads[:2])

        return build

    def _batchnormalization(self, node: Node):
        def build(x):
            top = x if self.overwrites and self.alone(node) else f"normal.{node.name}"
            layer = self.layer("BatchNorm", node.name, [x], top, fixed=3)
            layer.batch_norm_param.use_global_stats = not self.plan.training
            layer.batch_norm_param.moving_average_fraction = node.momentum
            layer.batch_norm_param.eps = node.epsilon
            if self.overwrites:
                self.output = top
            scale = self.layer("Scale", f"{node.name}.scale", [top], self.output, trained=2)
            scale.scale_param.bias_term = True

        return build

    def alone(self, node: Node) -> bool:
        """Whether nobody else reads a node's input, and the layer that made it does not need it."""
        readers = [n for n in self.plan.nodes if node.data[0] in n.data]
        makers = [n.op for n in self.plan.nodes if n.output == node.data[0]]
        return len(readers) == 1 and makers == ["Conv"] and node.data[0] not in self.plan.outputs

    def simple(self, kind: str, node: Node):
        """A layer without parameters; its settings are filled in by the caller."""
        return lambda *inputs: self.layer(kind, node.name, inputs, self.output)

    def _relu(self, node: Node):
        return self.simple("ReLU", node)

    def _sigmoid(self, node: Node):
        return self.simple("Sigmoid", node)

    def _clip(self, node: Node):
        def build(x):
            # min + relu(x - min) - relu(x - max)
            parts = []
            for name, bound in (("min", node.min), ("max", node.max)):
                blob = f"{name}.{node.name}"
                shift = self.layer("Power", f"shift.{blob}", [x], f"shift.{blob}")
                shift.power_param.shift = -bound
                self.layer("ReLU", blob, [f"shift.{blob}"], blob)
                parts.append(blob)
            both = self.layer("Eltwise", f"between.{node.name}", parts, f"between.{node.name}")
            both.eltwise_param.coeff.extend([1.0, -1.0])
            last = self.layer("Power", node.name, [f"between.{node.name}"], self.output)
            last.power_param.shift = node.min

        return build

    def _softmax(self, node: Node):
        def build(x):
            self.layer("Softmax", node.name, [x], self.output).softmax_param.axis = node.axis

        return build

    def pool(self, node: Node, kind: int, x: str, pads, top: str) -> None:
        p = self.layer("Pooling", node.name, [x], top).pooling_param
        p.pool, p.round_mode = kind, self.pb.PoolingParameter.FLOOR
        p.kernel_h, p.kernel_w = node.kernel_shape
        p.stride_h, p.stride_w = node.strides
        p.pad_h, p.pad_w = pads

    def _maxpool(self, node: Node):
        if list(node.dilations) != [1, 1]:
            raise Unsupported(f"MaxPool with dilations {node.dilations}: Caffe's Pooling has none")
        pads, skipped = self.padding(node, most=1)

        def build(x):
            def make(top):
                self.pool(node, self.pb.PoolingParameter.MAX, x, pads, top)

            self.cropped(node, node.name, skipped, {"pads": pads, "make": make})

        return build

    def _averagepool(self, node: Node):
        size = self.size_of(node)
        pads, skipped = self.padding(node, most=1)
        correction = np.broadcast_to(average_correction(node, size), node.shape)
        exact = (correction == 1).all()

        def build(x):
            def make(top):
                self.pool(node, self.pb.PoolingParameter.AVE, x, pads, top)

            final = self.output
            if not exact:
                self.output = f"average.{node.name}"
            self.cropped(node, node.name, skipped, {"pads": pads, "make": make})
            if not exact:
                factor = self.given(f"correction.{node.name}", node.shape)
                self.constants[factor] = correction
                product = self.layer("Eltwise", f"times.{node.name}", [self.output, factor], final)
                product.eltwise_param.operation = self.pb.EltwiseParameter.PROD
                self.output = final

        return build

    def _globalaveragepool(self, node: Node):
        def build(x):
            p = self.layer("Pooling", node.name, [x], self.output).pooling_param
            p.pool, p.global_pooling = self.pb.PoolingParameter.AVE, True

        return build

    def _add(self, node: Node):
        return self.elementwise(node, "Bias", self.pb.EltwiseParameter.SUM)

    def _mul(self, node: Node):
        return self.elementwise(node, "Scale", self.pb.EltwiseParameter.PROD)

    def elementwise(self, node: Node, broadcast: str, operation: int):
        first, second = (self.plan.shape_of(n) for n in node.data)

        def build(a, b):
            if first == second:
                layer = self.layer("Eltwise", node.name, [a, b], self.output)
                layer.eltwise_param.operation = operation
                return
            large, small = (a, b) if first == node.shape else (b, a)
            self.layer("Flatten", f"flat.{node.name}", [small], f"flat.{node.name}")
            layer = self.layer(broadcast, node.name, [large, f"flat.{node.name}"], self.output)
            (layer.bias_param if broadcast == "Bias" else layer.scale_param).axis = 0

        if first != second and (*node.shape[:2], 1, 1) not in (first, second):
            raise Unsupported(f"{node.op} of {first} and {second}")
        return build

    def _concat(self, node: Node):
        def build(*parts):
            layer = self.layer("Concat", node.name, parts, self.output)
            layer.concat_param.axis = node.axis

        return build

    def _flatten(self, node: Node):
        return self.simple("Flatten", node)

    def _gemm(self, node: Node):
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")

        def build(x):
            layer = self.layer("InnerProduct", node.name, [x], self.output, trained=2)
            layer.inner_product_param.num_output = node.shape[1]

        return build

    def _lrn(self, node: Node):
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}")

        def build(x):
            p = self.layer("LRN", node.name, [x], self.output).lrn_param
            p.local_size, p.alpha, p.beta, p.k = node.size, node.alpha, node.beta, node.bias

        return build

    def _dropout(self, node: Node):
        def build(x):
            self.output = x

        return build

    def _resize(self, node: Node):
        how = node.mode, node.coordinate_transformation_mode
        if how != ("nearest", "asymmetric"):
            raise Unsupported(
                f"Resize {how[0]} with {how[1]} coordinates: no layer clamps at edges"
            )
        scales = [int(node.scales_h), int(node.scales_w)]

        def build(x):
            layer = self.layer("Deconvolution", node.name, [x], self.output, fixed=1)
            p = layer.convolution_param
            p.num_output, p.group, p.bias_term = node.shape[1], node.shape[1], False
            p.kernel_size.extend(scales)
            p.stride.extend(scales)
            p.weight_filler.type, p.weight_filler.value = "constant", 1.0

        return build


class Kept:
    """Puts the running statistics back to what they were."""

    def __init__(self, adapter: Caffe):
        nodes = [n for n in adapter.plan.nodes if n.op == "BatchNormalization"]
        self.blobs = [blob for node in nodes for blob in adapter.net.params[node.name]]

    def __enter__(self):
        self.copies = [np.array(blob.data) for blob in self.blobs]

    def __exit__(self, *_):
        for blob, copy in zip(self.blobs, self.copies):
            blob.data[...] = copy


class OpenBLAS:
    """What the loaded OpenBLAS says of itself."""

    def __init__(self):
        self.config = self.core = "unknown"
        self.threads = 0
        for path in glob.glob("/usr/lib/*/openblas-pthread/libblas.so.3"):
            library = ctypes.CDLL(path)
            library.openblas_get_config.restype = ctypes.c_char_p
            library.openblas_get_corename.restype = ctypes.c_char_p
            self.config = library.openblas_get_config().decode()
            self.core = library.openblas_get_corename().decode()
            self.threads = library.openblas_get_num_threads()


def adapter() -> Adapter:
    return Caffe()
