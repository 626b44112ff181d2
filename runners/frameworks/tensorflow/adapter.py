"""TensorFlow: tf.function graphs, channels last, raw operators."""

from __future__ import annotations

import os

from dlbench_sdk import cards, processor
from dlbench_sdk.contract import Description, Device, Framework, Network
from dlbench_sdk.plan import LATER, MEDICAL, OPERATORS, Plan, Unsupported

from .network import VARIANTS, Graph, terms_of


class TensorFlow(Framework):
    def open(self, device: str, threads: int) -> Description:
        import tensorflow as tf

        self.tf = tf
        self.variant = os.environ.get("DLBENCH_VARIANT", "")
        if self.variant not in VARIANTS:
            raise Unsupported(f"DLBENCH_VARIANT={self.variant}: there is xla")
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_tensor_float_32_execution(False)
        card = cards.of_tensorflow(tf, device) if device != "cpu" else None
        self.on_gpu = card is not None
        precisions, no_precision = precisions_of(device, self.variant)
        build = tf.sysconfig.get_build_info()
        return Description(
            framework="TensorFlow",
            version=tf.__version__,
            build={"cuda": str(build.get("is_cuda_build", False)), "onednn": "on (default)"},
            operators=(*OPERATORS, *LATER, *MEDICAL),
            running_variance="unbiased",
            terms=terms_of(tf, self.on_gpu, self.variant),
            device=Device("gpu", card, cards.uuid_of(device)) if card is not None else Device(),
            precisions=precisions,
            no_precision=no_precision,
        )

    def build(self, plan: Plan) -> Network:
        return Graph(self.tf, self.on_gpu, self.variant, plan)


def precisions_of(device: str, variant: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those of the device, and why not the others. Grappler rewrites to bfloat16 what oneDNN
    computes, which is on CPUs; of what XLA compiles it rewrites nothing, without a word."""
    reasons = {"fp16": "this runner has no loss scaling for TensorFlow"}
    if reason := cards.no_tf32(device):
        reasons["tf32"] = reason
    if device != "cpu":
        reasons["bf16"] = "TensorFlow rewrites graphs to bfloat16 on CPUs only"
    elif variant == "xla":
        reasons["bf16"] = "TensorFlow's rewrite to bfloat16 leaves what XLA compiles in float32"
    elif not processor.has_bfloat16_convolutions():
        reasons["bf16"] = "TensorFlow rewrites graphs to bfloat16 on CPUs with AVX-512 only"
    return tuple(p for p in ("fp32", "tf32", "bf16") if p not in reasons), reasons


def framework() -> Framework:
    return TensorFlow()
