"""JAX: pure functions under jit, channels last, by jax.lax."""

from __future__ import annotations

import os

from dlbench_sdk import cards
from dlbench_sdk.contract import Description, Device, Framework, Network
from dlbench_sdk.plan import LATER, MEDICAL, OPERATORS, Plan

from .network import GROWING, Functions, terms_of


class Jax(Framework):
    def open(self, device: str, threads: int) -> Description:
        os.environ.setdefault(GROWING, "false")  # else it takes three quarters of a card at once
        import jax
        import jaxlib

        self.jax = jax
        self.device = cards.of_jax(jax, device)
        jax.config.update("jax_default_device", self.device)
        jax.config.update("jax_default_matmul_precision", "highest")
        precisions, no_precision = self.precisions()
        return Description(
            framework="JAX",
            version=jax.__version__,
            build={"jaxlib": jaxlib.__version__, "platform": self.device.platform},
            operators=(*OPERATORS, *LATER, *MEDICAL),
            running_variance="biased",
            terms=terms_of(jax, self.device),
            device=self.seen(device),
            precisions=precisions,
            no_precision=no_precision,
        )

    def seen(self, device: str) -> Device:
        if self.device.platform == "cpu":
            return Device()
        return Device("gpu", self.device.device_kind, cards.uuid_of(device))

    def precisions(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """Those of the device, and why not the others."""
        reasons = {"fp16": "this runner has no loss scaling for JAX"}
        if self.device.platform == "cpu":
            return ("fp32", "bf16"), {**reasons, "tf32": "this CPU has none"}
        capability = str(getattr(self.device, "compute_capability", ""))
        if capability and float(capability) < 8:
            reason = f"this GPU (compute capability {capability}) has none, it came with 8.0"
            return ("fp32",), {**reasons, "tf32": reason, "bf16": reason}
        return ("fp32", "tf32", "bf16"), reasons

    def build(self, plan: Plan) -> Network:
        return Functions(self.jax, self.device, plan)


def framework() -> Framework:
    return Jax()
