"""TensorFlow: tf.function graphs, channels last, raw operators."""

from __future__ import annotations

import os

from dlbench_sdk import cards
from dlbench_sdk.contract import Description, Device, Framework, Network
from dlbench_sdk.plan import LATER, MEDICAL, OPERATORS, Plan, Unsupported

from .network import VARIANTS, Graph, terms_of

NO_NARROW = "this runner has no mixed precision for TensorFlow"


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
        no_precision = {"bf16": NO_NARROW, "fp16": NO_NARROW}
        if reason := cards.no_tf32(device):
            no_precision["tf32"] = reason
        build = tf.sysconfig.get_build_info()
        return Description(
            framework="TensorFlow",
            version=tf.__version__,
            build={"cuda": str(build.get("is_cuda_build", False)), "onednn": "on (default)"},
            operators=(*OPERATORS, *LATER, *MEDICAL),
            running_variance="unbiased",
            terms=terms_of(tf, self.on_gpu, self.variant),
            device=Device("gpu", card, cards.uuid_of(device)) if card is not None else Device(),
            precisions=("fp32",) if "tf32" in no_precision else ("fp32", "tf32"),
            no_precision=no_precision,
        )

    def build(self, plan: Plan) -> Network:
        return Graph(self.tf, self.on_gpu, self.variant, plan)


def framework() -> Framework:
    return TensorFlow()
