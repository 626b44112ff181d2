"""OpenVINO: the plan as an ONNX model, compiled for the CPU, inference only."""

from __future__ import annotations

import os
import sys

from dlbench_sdk import processor
from dlbench_sdk.contract import Description, DeviceUnavailable, Framework, Network
from dlbench_sdk.plan import (
    INSTANCE_NORMALIZATION,
    LATER,
    OPERATORS,
    QUANTIZED,
    VOLUMES,
    Plan,
    Unsupported,
)

from .network import HINTS, NO_TRAINING, Compiled, Queued, terms_of


class OpenVino(Framework):
    def open(self, device: str, threads: int) -> Description:
        # Its package for telemetry sends an event at import; without it OpenVINO has a stub.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import onnx
        import openvino

        self.onnx, self.ov, self.threads = onnx, openvino, threads
        self.variant = os.environ.get("DLBENCH_VARIANT") or "latency"
        if self.variant not in HINTS:
            raise Unsupported(f"DLBENCH_VARIANT={self.variant}: there are {', '.join(HINTS)}")
        if device != "cpu":
            raise DeviceUnavailable("OpenVINO computes on Intel's GPUs, this runner on CPUs only")
        self.core = openvino.Core()
        capabilities = self.core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        precisions, no_precision = precisions_of(capabilities)
        full = openvino.get_version()
        return Description(
            framework="OpenVINO",
            version=full.partition("-")[0],
            build={"version": full, "capabilities": ", ".join(capabilities)},
            operators=(*OPERATORS, *LATER, INSTANCE_NORMALIZATION, *VOLUMES, QUANTIZED),
            running_variance="unbiased",
            terms=terms_of(None, self.variant),  # what is in force, compiling decides
            modes=("infer",),
            precisions=precisions,
            no_precision=no_precision,
        )

    def build(self, plan: Plan) -> Network:
        if plan.training:
            raise Unsupported(NO_TRAINING)
        kind = Queued if self.variant == "throughput" else Compiled
        return kind(self.ov, self.onnx, self.core, self.threads, plan)


def precisions_of(capabilities: list[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those of the CPU, and why not the others. OpenVINO also computes bfloat16 where the CPU has
    no instructions for it, by simulating them."""
    no_precision = {
        "tf32": "this CPU has none",
        "fp16": "on CPUs this runner has only bf16",
    }
    if "BF16" not in capabilities:
        reason = "this CPU has no instructions for it, and OpenVINO would only simulate them"
        no_precision["bf16"] = reason
    if reason := processor.no_whole_products():
        no_precision["int8"] = reason
    return tuple(p for p in ("fp32", "bf16", "int8") if p not in no_precision), no_precision


def framework() -> Framework:
    return OpenVino()
