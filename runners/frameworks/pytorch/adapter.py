"""PyTorch: eager, channels-last, by torch.nn.functional; compiled, or captured in CUDA graphs, in
its variants."""

from __future__ import annotations

import os
from typing import Any

from dlbench_sdk import cards
from dlbench_sdk.contract import Description, Framework, Network
from dlbench_sdk.plan import LATER, MEDICAL, OPERATORS, Plan, Unsupported

from .compiled import Compiled, CompiledOnCard, compiler
from .network import EXECUTIONS, Captured, OnCard, TorchNetwork, multiply_in, terms_of


class PyTorch(Framework):
    def open(self, device: str, threads: int) -> Description:
        import torch

        self.torch = torch
        self.variant = os.environ.get("DLBENCH_VARIANT") or "eager"
        if self.variant not in EXECUTIONS:
            raise Unsupported(f"DLBENCH_VARIANT={self.variant}: there are {', '.join(EXECUTIONS)}")
        if threads:
            torch.set_num_threads(threads)
        self.device = cards.of_torch(torch, device)
        check_variant(self.variant, self.device)
        multiply_in(torch, "ieee")
        torch.backends.cudnn.benchmark = True
        precisions, no_precision = precisions_of(torch, self.device)
        return Description(
            framework="PyTorch",
            version=torch.__version__,
            build={
                "cuda": str(torch.version.cuda),
                "mkl": str(torch.backends.mkl.is_available()),
                "mkldnn": str(torch.backends.mkldnn.is_available()),
                "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            },
            operators=(*OPERATORS, *LATER, *MEDICAL),
            running_variance="unbiased",
            terms=terms_of(torch, self.device, self.variant),
            precisions=precisions,
            no_precision=no_precision,
            device=cards.seen_by_torch(torch, self.device),
        )

    def build(self, plan: Plan) -> Network:
        if self.device.type == "cpu":
            kind = Compiled if self.variant == "compile" else TorchNetwork
            return kind(self.torch, self.device, self.variant, plan)
        self.torch.cuda.empty_cache()  # of the network before
        kinds = {"cudagraphs": Captured, "compile": CompiledOnCard}
        return kinds.get(self.variant, OnCard)(self.torch, self.device, self.variant, plan)


def check_variant(variant: str, device: Any) -> None:
    """Refuse a variant that this machine cannot run."""
    if variant == "cudagraphs" and device.type != "cuda":
        raise Unsupported("variant cudagraphs: CUDA graphs are of GPUs")
    if variant == "compile" and compiler() is None:
        raise Unsupported("variant compile: torch.compile needs a compiler of C++, none is here")


def precisions_of(torch: Any, device: Any) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those of the device, and why not the others."""
    if device.type == "cpu":
        reasons = {
            "tf32": "this CPU has none",
            "fp16": "on CPUs this runner has only bf16",
        }
        return ("fp32", "bf16"), reasons
    major, minor = torch.cuda.get_device_capability(device)
    if major >= 8:
        return ("fp32", "tf32", "bf16", "fp16"), {}
    reason = f"this GPU (sm_{major}{minor}) has none, it came with sm_80"
    return ("fp32", "fp16"), {"tf32": reason, "bf16": reason}


def framework() -> Framework:
    return PyTorch()
