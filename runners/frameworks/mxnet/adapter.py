"""MXNet: a symbol run as a hybridized Gluon block, NCHW, oneDNN."""

from __future__ import annotations

import os

import numpy as np

from dlbench_sdk import cards
from dlbench_sdk.adapter import Adapter, Description, DeviceUnavailable, Terms, environment
from dlbench_sdk.plan import OPERATORS, Node, Plan, Unsupported
from dlbench_sdk.windows import average_correction, overhang, reach, resize_matrix, shifts

LABELS = "labels"
LOWEST = float(np.finfo(np.float32).min)


class MXNet(Adapter):
    def open(self, device: str, threads: int) -> Description:
        if device != "cpu":
            os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # read by cuBLAS and cuDNN when they start
        mxnet = imported(device)
        self.mx, self.sym = mxnet, mxnet.sym
        self.threads = int(os.environ.get("OMP_NUM_THREADS") or threads)
        features = mxnet.runtime.Features()
        self.device = self.find(device, features.is_enabled("CUDA"))
        build = {name.lower(): str(features.is_enabled(name)) for name in ("MKLDNN", "CUDA")}
        return Description(
            framework="MXNet",
            version=mxnet.__version__,
            build={**build, "blas": "OpenBLAS" if features.is_enabled("BLAS_OPEN") else "other"},
            operators=OPERATORS,
            running_variance="biased",
            device_kind=self.device.device_type,
            device_uuid=cards.uuid_of(device),
        )

    def find(self, device: str, cuda: bool):
        """MXNet's context."""
        kind, _, index = device.partition(":")
        if kind == "cpu":
            return self.mx.cpu()
        if not cuda:
            raise DeviceUnavailable("this package (mxnet) is built without CUDA")
        number, count = int(index or 0), self.mx.context.num_gpus()
        if number >= count:
            raise DeviceUnavailable(f"no GPU {number}: MXNet finds {count}")
        return self.mx.gpu(number)

    def put(self, value: np.ndarray):
        return self.mx.nd.array(value, ctx=self.device)

    def terms(self) -> Terms:
        switches = {"hybridize": "static_alloc, static_shape", "optimizer": "nag"}
        switches |= environment("MXNET_SUBGRAPH_BACKEND", "OMP_WAIT_POLICY")
        if self.device.device_type == "gpu":
            switches |= {"tf32": "off (NVIDIA_TF32_OVERRIDE=0)", "cudnn_autotune": "on (default)"}
            return Terms(self.threads, "NCHW", "graph (hybridized)", "fp32", switches)
        return Terms(self.threads, "NCHW (blocked inside)", "graph (hybridized)", "fp32", switches)

    def load(self, plan: Plan) -> None:
        mx = self.mx
        self.plan, self.constants = plan, {}
        values = {plan.input: self.sym.var(plan.input)}
        held = {name: self.sym.var(name) for name in plan.weights}
        for node in plan.nodes:
            inputs = [values[n] for n in node.data] + [held[n] for n in node.params]
            values[node.output] = self.operator(node)(*inputs)
        self.inputs = [self.put(x) for x in plan.inputs]
        self.labels = [self.put(y) for y in plan.labels]
        logits = values[plan.outputs[0]]
        self.params = {name: self.parameter(name, v) for name, v in plan.weights.items()}
        for name, value in self.constants.items():
            self.params[name] = self.parameter(name, value)
        self.observed = self.block(mx.sym.Group([values[n] for n in plan.outputs]), False)
        self.internals = mx.sym.Group([values[n.output] for n in plan.nodes]).get_internals()
        self.run = self.block(self.loss(logits) if plan.training else logits, plan.training)
        self.reset()

    def parameter(self, name: str, value: np.ndarray):
        trained = self.plan.training and self.plan.roles.get(name) == "trainable"
        p = self.mx.gluon.Parameter(
            name, grad_req="write" if trained else "null", shape=value.shape
        )
        p.initialize(init="zeros", ctx=self.device)
        p.set_data(self.put(value))
        return p

    def loss(self, logits):
        """Cross-entropy by hand: the gradient of oneDNN's log_softmax is off by 1e-6."""
        sym = self.sym
        shifted = sym.broadcast_sub(logits, sym.max(logits, axis=1, keepdims=True))
        total = sym.log(sym.sum(sym.exp(shifted), axis=1))
        return sym.mean(total - sym.pick(shifted, sym.var(LABELS), axis=1))

    def block(self, outputs, with_labels: bool):
        names = [self.plan.input] + [LABELS] * with_labels
        needed = set(outputs.list_inputs())
        params = self.mx.gluon.ParameterDict()
        for name, parameter in self.params.items():
            if name in needed:
                params._params[name] = parameter
        block = self.mx.gluon.SymbolBlock(outputs, [self.sym.var(n) for n in names], params)
        block.hybridize(static_alloc=True, static_shape=True)
        return block

    def unload(self) -> None:
        self.plan = self.inputs = self.labels = self.params = self.constants = None
        self.run = self.observed = self.internals = self.trainer = None

    def reset(self) -> None:
        for name, value in self.plan.weights.items():
            self.params[name].set_data(self.put(value))
        if self.plan.training:
            o = self.plan.optimizer
            settings = {"learning_rate": o.learning_rate, "momentum": o.momentum, "wd": 0.0}
            trained = [self.params[name] for name in self.plan.trainable]
            self.trainer = self.mx.gluon.Trainer(trained, "nag", settings, kvstore=None)

    def step(self, slot: int):
        if not self.plan.training:
            return self.run(self.inputs[slot])
        with self.mx.autograd.record():
            loss = self.run(self.inputs[slot], self.labels[slot])
        loss.backward()
        self.trainer.step(1)
        return loss

    def synchronize(self, handle) -> None:
        self.mx.nd.waitall()

    def read(self, handle) -> np.ndarray:
        return handle.asnumpy()

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        if self.plan.training:
            with self.mx.autograd.train_mode():
                values = self.observed(self.inputs[slot])
        else:
            values = self.observed(self.inputs[slot])
        values = values if isinstance(values, (list, tuple)) else [values]
        return {name: v.asnumpy() for name, v in zip(self.plan.outputs, values)}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        x = self.inputs[slot].copy()
        x.attach_grad()
        kept = {name: self.params[name].data().copy() for name in self.plan.statistics}
        with self.mx.autograd.record():
            loss = self.run(x, self.labels[slot])
        loss.backward()
        out = {name: self.params[name].grad().asnumpy() for name in self.plan.trainable}
        for name, value in kept.items():
            self.params[name].set_data(value)
        return float(loss.asscalar()), {**out, "input": x.grad.asnumpy()}

    def state(self) -> dict[str, np.ndarray]:
        return {name: self.params[name].data().asnumpy() for name in self.plan.weights}

    def shapes(self) -> dict[str, list[int]]:
        known = {name: p.shape for name, p in self.params.items()}
        known = {n: known[n] for n in self.internals.list_inputs() if n in known}
        known[self.plan.input] = self.plan.input_shape
        _, shapes, _ = self.internals.infer_shape(**known)
        found = dict(zip(self.internals.list_outputs(), shapes))
        return {n.name: list(found[f"{n.name}_output"]) for n in self.plan.nodes}

    def constant(self, node: Node, name: str, value: np.ndarray):
        name = f"{node.name}.{name}"
        self.constants[name] = value.astype(np.float32)
        return self.sym.var(name)

    def padded(self, x, pads, value: float = 0.0):
        if not any(pads):
            return x
        top, left, bottom, right = pads
        width = (0, 0, 0, 0, top, bottom, left, right)
        return self.sym.pad(x, mode="constant", pad_width=width, constant_value=value)

    def size_of(self, node: Node) -> tuple[int, ...]:
        return self.plan.shape_of(node.data[0])[2:]

    def _conv(self, node: Node):
        top, left, bottom, right = node.pads
        own, before = ((top, left), (0, 0, 0, 0))
        if (top, left) != (bottom, right):
            own, before = (0, 0), node.pads

        def apply(x, w, b=None):
            return self.sym.Convolution(
                self.padded(x, before),
                w,
                b,
                kernel=tuple(node.kernel_shape),
                stride=tuple(node.strides),
                dilate=tuple(node.dilations),
                pad=own,
                num_filter=node.shape[1],
                num_group=node.group,
                no_bias=b is None,
                name=node.name,
            )

        return apply

    def _convtranspose(self, node: Node):
        top, left = node.pads[:2]
        ends = [node.shape[2] + top, node.shape[3] + left]
        adj = []
        for i, size in enumerate(self.size_of(node)):
            whole = (size - 1) * node.strides[i] + node.dilations[i] * (node.kernel_shape[i] - 1)
            adj.append(max(0, ends[i] - whole - 1))

        def apply(x, w, b=None):
            # The whole output and then its inner part: pads are per side.
            y = self.sym.Deconvolution(
                x,
                w,
                b,
                kernel=tuple(node.kernel_shape),
                stride=tuple(node.strides),
                dilate=tuple(node.dilations),
                adj=tuple(adj),
                num_filter=node.shape[1],
                num_group=node.group,
                no_bias=b is None,
            )
            begin, end = (None, None, top, left), (None, None, *ends)
            return self.sym.slice(y, begin=begin, end=end, name=node.name)

        return apply

    def _batchnormalization(self, node: Node):
        def apply(x, scale, bias, mean, variance):
            return self.sym.BatchNorm(
                x,
                scale,
                bias,
                mean,
                variance,
                eps=node.epsilon,
                momentum=node.momentum,
                fix_gamma=False,
                use_global_stats=not self.plan.training,
                name=node.name,
            )

        return apply

    def _relu(self, node: Node):
        return lambda x: self.sym.Activation(x, act_type="relu", name=node.name)

    def _clip(self, node: Node):
        return lambda x: self.sym.clip(x, a_min=node.min, a_max=node.max, name=node.name)

    def _sigmoid(self, node: Node):
        return lambda x: self.sym.Activation(x, act_type="sigmoid", name=node.name)

    def _softmax(self, node: Node):
        return lambda x: self.sym.softmax(x, axis=node.axis, name=node.name)

    def _maxpool(self, node: Node):
        extra = overhang(node, self.size_of(node), node.dilations)
        pads = [p + e for p, e in zip(node.pads, extra)]
        if list(node.dilations) != [1, 1]:
            return self.dilated_maxpool(node, pads)
        return self.pool(node, "max", pads, LOWEST)

    def dilated_maxpool(self, node: Node, pads):
        """The maximum of shifted images: Pooling has no dilations."""
        sym = self.sym

        def apply(x):
            x, y = self.padded(x, pads, LOWEST), None
            for rows, columns in shifts(node):
                part = sym.slice(
                    x,
                    begin=(None, None, rows.start, columns.start),
                    end=(None, None, rows.stop, columns.stop),
                    step=(1, 1, rows.step, columns.step),
                )
                y = part if y is None else sym.maximum(y, part)
            return sym.identity(y, name=node.name)

        return apply

    def pool(self, node: Node, kind: str, pads, value: float, name: str | None = None):
        top, left, bottom, right = pads
        own, before = ((top, left), (0, 0, 0, 0))
        if (top, left) != (bottom, right):
            own, before = (0, 0), pads
        return lambda x: self.sym.Pooling(
            self.padded(x, before, value),
            kernel=tuple(node.kernel_shape),
            stride=tuple(node.strides),
            pad=own,
            pool_type=kind,
            name=name or node.name,
        )

    def _averagepool(self, node: Node):
        size = self.size_of(node)
        correction = average_correction(node, size)
        if (correction == 1).all():
            return self.pool(node, "avg", reach(node, size), 0.0)
        whole = self.pool(node, "avg", reach(node, size), 0.0, f"{node.name}.whole")
        factor = self.constant(node, "correction", correction)
        return lambda x: self.sym.broadcast_mul(whole(x), factor, name=node.name)

    def _globalaveragepool(self, node: Node):
        return lambda x: self.sym.Pooling(x, global_pool=True, pool_type="avg", name=node.name)

    def _add(self, node: Node):
        shapes = {self.plan.shape_of(n) for n in node.data}
        add = self.sym.elemwise_add if len(shapes) == 1 else self.sym.broadcast_add
        return lambda a, b: add(a, b, name=node.name)

    def _mul(self, node: Node):
        return lambda a, b: self.sym.broadcast_mul(a, b, name=node.name)

    def _concat(self, node: Node):
        return lambda *parts: self.sym.concat(*parts, dim=node.axis, name=node.name)

    def _flatten(self, node: Node):
        return lambda x: self.sym.Flatten(x, name=node.name)

    def _gemm(self, node: Node):
        if node.alpha != 1 or node.beta != 1:
            raise Unsupported(f"Gemm with alpha {node.alpha} and beta {node.beta}")
        return lambda x, w, b: self.sym.FullyConnected(
            x, w, b, num_hidden=node.shape[1], flatten=False, name=node.name
        )

    def _lrn(self, node: Node):
        if node.size % 2 == 0:
            raise Unsupported(f"LRN of even size {node.size}")
        return lambda x: self.sym.LRN(
            x, alpha=node.alpha, beta=node.beta, knorm=node.bias, nsize=node.size, name=node.name
        )

    def _dropout(self, node: Node):
        return lambda x: self.sym.identity(x, name=node.name)

    def _resize(self, node: Node):
        h, w = self.size_of(node)
        rows = self.constant(node, "rows", resize_matrix(node, h, node.scales_h).T)
        columns = self.constant(node, "columns", resize_matrix(node, w, node.scales_w).T)
        turned = (0, 1, 3, 2)

        def apply(x):
            wide = self.sym.transpose(self.sym.dot(x, columns), axes=turned)
            return self.sym.transpose(self.sym.dot(wide, rows), axes=turned, name=node.name)

        return apply


def imported(device: str):
    """MXNet; its build for GPUs needs the driver's library to be imported at all."""
    try:
        import mxnet
    except OSError as error:
        raise DeviceUnavailable(f"MXNet for {device} does not load: {error}") from error
    return mxnet


def adapter() -> Adapter:
    return MXNet()
