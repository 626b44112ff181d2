"""Caffe2: nets of the workspace on the IDEEP device (oneDNN), NCHW."""

from __future__ import annotations

from typing import Any

from dlbench_sdk.contract import Description, DeviceUnavailable, Framework, Network
from dlbench_sdk.plan import LATER, MEDICAL, OPERATORS, Plan

from .devices import Devices
from .network import Nets, terms_of


class Caffe2(Framework):
    def open(self, device: str, threads: int) -> Description:
        if device != "cpu":
            raise DeviceUnavailable("this build of Caffe2 has no CUDA")
        import torch
        from caffe2.proto import caffe2_pb2
        from caffe2.python import core, workspace

        self.workspace = workspace
        workspace.GlobalInit(["caffe2", "--caffe2_log_level=3"])
        register_gradients_of_copies(core)
        fast, cpu = core.DeviceOption(caffe2_pb2.IDEEP), core.DeviceOption(caffe2_pb2.CPU)
        self.devices = Devices(core, fast, cpu)
        return Description(
            framework="Caffe2",
            version=torch.__version__,
            build={"device": "IDEEP (oneDNN)", "source": "Debian's python3-torch"},
            operators=(*OPERATORS, *LATER, *MEDICAL),
            running_variance="biased",
            terms=terms_of(),
            no_precision=dict.fromkeys(("bf16", "fp16"), "Caffe2's IDEEP operators have float32"),
        )

    def build(self, plan: Plan) -> Network:
        return Nets(self.workspace, self.devices, plan)


def register_gradients_of_copies(core: Any) -> None:
    """A copy to one device has the copy to the other one as its gradient."""

    def register(operator: str, opposite: str) -> None:
        @core.GradientRegistry.RegisterGradient(operator)
        def gradient(op: Any, g_output: Any) -> Any:
            gradient_name = f"{op.input[0]}_grad"
            made = core.CreateOperator(
                opposite, [g_output[0]], [gradient_name], device_option=op.device_option
            )
            return [made], [gradient_name]

    register("CopyIDEEPToCPU", "CopyCPUToIDEEP")
    register("CopyCPUToIDEEP", "CopyIDEEPToCPU")


def framework() -> Framework:
    return Caffe2()
