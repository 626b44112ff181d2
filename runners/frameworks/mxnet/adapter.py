"""MXNet: a symbol run as a hybridized Gluon block, NCHW, oneDNN."""

from __future__ import annotations

import os
from typing import Any

from dlbench_sdk import cards, processor
from dlbench_sdk.contract import Description, Device, DeviceUnavailable, Framework, Network
from dlbench_sdk.plan import LATER, MEDICAL, OPERATORS, Plan

from .network import Block, terms_of


class MXNet(Framework):
    def open(self, device: str, threads: int) -> Description:
        if device != "cpu":
            os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # read by cuBLAS and cuDNN when they start
        mxnet = imported(device)
        self.mx = mxnet
        features = mxnet.runtime.Features()
        self.device = self.find(device, features.is_enabled("CUDA"))
        no_precision = lacking(device, features.is_enabled("MKLDNN"))
        build = {name.lower(): str(features.is_enabled(name)) for name in ("MKLDNN", "CUDA")}
        return Description(
            framework="MXNet",
            version=mxnet.__version__,
            build={**build, "blas": "OpenBLAS" if features.is_enabled("BLAS_OPEN") else "other"},
            operators=(*OPERATORS, *LATER, *MEDICAL),
            running_variance="biased",
            terms=terms_of(self.device),
            device=Device(self.device.device_type, uuid=cards.uuid_of(device)),
            precisions=("fp32",) if "bf16" in no_precision else ("fp32", "bf16"),
            no_precision=no_precision,
        )

    def find(self, device: str, cuda: bool) -> Any:
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

    def build(self, plan: Plan) -> Network:
        return Block(self.mx, self.device, plan)


def lacking(device: str, onednn: bool) -> dict[str, str]:
    """The precisions that there are not, and why."""
    reasons = {
        "tf32": cards.no_tf32(device)
        or "MXNet has no switch for TF32, and this runner keeps it off",
        "fp16": "this runner has no loss scaling for MXNet",
    }
    if device != "cpu":
        reasons["bf16"] = "MXNet has bfloat16 on CPUs only"
    elif not onednn:
        reasons["bf16"] = "MXNet's bfloat16 is oneDNN's, which this build lacks"
    elif "avx512f" not in processor.features():
        reasons["bf16"] = "MXNet convolves bfloat16 on CPUs with AVX-512 only"
    return reasons


def imported(device: str) -> Any:
    """MXNet; its build for GPUs needs the driver's library to be imported at all."""
    try:
        import mxnet
    except OSError as error:
        raise DeviceUnavailable(f"MXNet for {device} does not load: {error}") from error
    return mxnet


def framework() -> Framework:
    return MXNet()
