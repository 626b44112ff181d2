"""ONNX Runtime: the plan written as an ONNX model, inference alone."""

from __future__ import annotations

import numpy as np

from dlbench_sdk import cards
from dlbench_sdk.adapter import Adapter, Description, DeviceUnavailable, Terms
from dlbench_sdk.plan import OPERATORS, Node, Plan, Unsupported

OPSET = 17
CUDA = "CUDAExecutionProvider"
# Attributes that ONNX takes as they stand in the plan; others are translated below.
SAME = {
    "Conv": ("kernel_shape", "strides", "pads", "dilations", "group"),
    "ConvTranspose": ("kernel_shape", "strides", "pads", "dilations", "group", "output_padding"),
    "BatchNormalization": ("epsilon", "momentum"),
    "Softmax": ("axis",),
    "MaxPool": ("kernel_shape", "strides", "pads", "dilations", "ceil_mode"),
    "AveragePool": ("kernel_shape", "strides", "pads", "ceil_mode", "count_include_pad"),
    "Concat": ("axis",),
    "Flatten": ("axis",),
    "Gemm": ("alpha", "beta"),
    "LRN": ("alpha", "beta", "bias", "size"),
}


class OnnxRuntime(Adapter):
    plan = None

    def open(self, device: str, threads: int) -> Description:
        import onnx
        import onnxruntime

        self.onnx, self.ort, self.threads, self.device = onnx, onnxruntime, threads, device
        if device != "cpu":
            if hasattr(onnxruntime, "preload_dlls"):
                onnxruntime.preload_dlls()  # CUDA's libraries from their Python packages
            if CUDA not in onnxruntime.get_available_providers():
                text = "this package (onnxruntime) computes on CPUs alone"
                raise DeviceUnavailable(text)
            self.try_out()
        no_precision = {
            "bf16": "this runner writes no models in bfloat16",
            "fp16": "this runner writes no models in float16",
        }
        if device == "cpu":
            no_precision["tf32"] = "this CPU has none"
        return Description(
            framework="ONNX Runtime",
            version=onnxruntime.__version__,
            build={"providers": ", ".join(onnxruntime.get_available_providers())},
            operators=OPERATORS,
            running_variance="unbiased",
            modes=("infer",),
            device_kind="cpu" if device == "cpu" else "gpu",
            device_uuid=cards.uuid_of(device),
            precisions=("fp32",) if device == "cpu" else ("fp32", "tf32"),
            no_precision=no_precision,
        )

    def try_out(self) -> None:
        """The provider is listed without a card, too: put something on it."""
        number = int(self.device.partition(":")[2] or 0)
        try:
            self.ort.OrtValue.ortvalue_from_numpy(np.zeros(1, np.float32), "cuda", number)
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise DeviceUnavailable(f"ONNX Runtime cannot use GPU {number}: {reason}") from error

    def terms(self) -> Terms:
        switches = {
            "graph_optimization": "all (batch norm folded into convolutions)",
            "inter_op_threads": "1",
            "execution_mode": "sequential",
        }
        precision = self.plan.precision if self.plan else "fp32"
        if self.device == "cpu":
            return Terms(self.threads, "NCHW (blocked inside)", "graph", precision, switches)
        switches |= {
            "tf32": "on" if precision == "tf32" else "off",
            "cudnn_conv_algo_search": "EXHAUSTIVE (default): in the first run",
            "io_binding": "inputs and outputs stay on the card",
        }
        return Terms(self.threads, "NCHW", "graph", precision, switches)

    def load(self, plan: Plan) -> None:
        if plan.training:
            raise Unsupported("training: this package (onnxruntime) has inference alone")
        self.plan = plan
        self.inputs = [{plan.input: np.ascontiguousarray(x)} for x in plan.inputs]
        self.session = self.session_of(plan.outputs)
        self.wanted = [plan.outputs[0]]
        self.bindings = None
        if self.device != "cpu":
            self.bindings = [self.bound(x) for x in self.inputs]

    def bound(self, feed):
        """A slot's input on the card, and its output left there."""
        number = int(self.device.partition(":")[2] or 0)
        binding = self.session.io_binding()
        for name, x in feed.items():
            binding.bind_ortvalue_input(
                name, self.ort.OrtValue.ortvalue_from_numpy(x, "cuda", number)
            )
        binding.bind_output(self.wanted[0], "cuda", number)
        return binding

    def session_of(self, outputs):
        options = self.ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = self.ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        model = self.model(outputs).SerializeToString()
        session = self.ort.InferenceSession(model, options, providers=self.providers())
        if self.device != "cpu" and session.get_providers()[0] != CUDA:
            raise DeviceUnavailable("ONNX Runtime fell back to the CPU: CUDA or cuDNN do not load")
        return session

    def providers(self) -> list:
        if self.device == "cpu":
            return ["CPUExecutionProvider"]
        settings = {
            "device_id": int(self.device.partition(":")[2] or 0),
            "use_tf32": int(self.plan.precision == "tf32"),
        }
        return [(CUDA, settings), "CPUExecutionProvider"]

    def unload(self) -> None:
        self.plan = self.inputs = self.session = self.bindings = None

    def reset(self) -> None:
        pass  # weights are constants of the session

    def step(self, slot: int):
        if self.bindings is None:
            return self.session.run(self.wanted, self.inputs[slot])[0]
        self.session.run_with_iobinding(self.bindings[slot])
        return self.bindings[slot].get_outputs()[0]

    def synchronize(self, handle) -> None:
        """Nothing to wait for: a run returns when its output is there, on a card too, where its
        end waits for the stream."""

    def read(self, handle) -> np.ndarray:
        return handle if isinstance(handle, np.ndarray) else handle.numpy()

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        return dict(zip(self.plan.outputs, self.session.run(self.plan.outputs, self.inputs[slot])))

    def gradients(self, slot: int):
        raise Unsupported("training: this package (onnxruntime) has inference alone")

    def state(self) -> dict[str, np.ndarray]:
        return dict(self.plan.weights)

    def shapes(self) -> dict[str, list[int]]:
        """Of a session that gives every activation."""
        names = [node.output for node in self.plan.nodes]
        values = self.session_of(names).run(names, self.inputs[0])
        return {node.name: list(value.shape) for node, value in zip(self.plan.nodes, values)}

    def model(self, outputs):
        """The plan as an ONNX model."""
        helper, numpy_helper = self.onnx.helper, self.onnx.numpy_helper
        kind = self.onnx.TensorProto.FLOAT
        self.constants = [numpy_helper.from_array(v, n) for n, v in self.plan.weights.items()]
        graph = helper.make_graph(
            [self.operator(node) for node in self.plan.nodes],
            "plan",
            [helper.make_tensor_value_info(self.plan.input, kind, self.plan.input_shape)],
            [helper.make_tensor_value_info(n, kind, self.plan.shape_of(n)) for n in outputs],
            self.constants,
        )
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=8)

    def operator(self, node: Node):
        attributes = {name: node.attributes[name] for name in SAME.get(node.op, ())}
        inputs = [*node.data, *node.params]
        if node.op == "Clip":
            inputs += [self.constant(node, "min", node.min), self.constant(node, "max", node.max)]
        elif node.op == "Gemm":
            attributes["transB"] = 1
        elif node.op == "Resize":
            scales = [1.0, 1.0, node.scales_h, node.scales_w]
            inputs += ["", self.constant(node, "scales", scales)]
            attributes["mode"] = node.mode
            attributes["nearest_mode"] = "floor"
            how = node.coordinate_transformation_mode
            attributes["coordinate_transformation_mode"] = how
        return self.onnx.helper.make_node(node.op, inputs, [node.output], node.name, **attributes)

    def constant(self, node: Node, name: str, value) -> str:
        name = f"{node.name}:{name}"
        self.constants.append(
            self.onnx.numpy_helper.from_array(np.asarray(value, np.float32), name)
        )
        return name


def adapter() -> Adapter:
    return OnnxRuntime()
