"""Keras 3: a functional model; the steps are those of Keras' guides to custom loops, for each of
its backends."""

from __future__ import annotations

import os

from dlbench_sdk import cards, processor
from dlbench_sdk.contract import Description, Framework, Network
from dlbench_sdk.plan import LATER, MEDICAL, OPERATORS, Plan, Unsupported

from .backends import BACKENDS
from .network import Model, terms_of


class Keras(Framework):
    def open(self, device: str, threads: int) -> Description:
        backend = os.environ.get("KERAS_BACKEND", "")
        if backend not in BACKENDS:
            raise Unsupported(f"KERAS_BACKEND={backend!r}: there are {', '.join(BACKENDS)}")
        self.backend = BACKENDS[backend](threads, device, os.environ.get("DLBENCH_VARIANT", ""))
        import keras

        self.keras = keras
        last = self.backend.channels_last
        keras.config.set_image_data_format("channels_last" if last else "channels_first")
        precisions, no_precision = precisions_of(device, backend)
        return Description(
            framework="Keras",
            version=keras.__version__,
            build={"backend": backend, backend: self.backend.version},
            operators=operators(),
            running_variance="biased",
            terms=terms_of(keras, self.backend),
            device=self.backend.seen,
            precisions=precisions,
            no_precision=no_precision,
        )

    def build(self, plan: Plan) -> Network:
        return Model(self.keras, self.backend, plan)


def operators() -> tuple[str, ...]:
    """All but local response normalisation, which Keras 3 has none of."""
    return (*(name for name in OPERATORS if name != "LRN"), *LATER, *MEDICAL)


def precisions_of(device: str, backend: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those of the device, and why not the others."""
    reasons = {
        "tf32": cards.no_tf32(device) or "this runner has no tf32 for Keras",
        "fp16": "this runner has no loss scaling for Keras",
    }
    if device != "cpu" and (reason := cards.no_tf32(device)):
        reasons["bf16"] = reason  # both came with the same cards
    if device == "cpu" and backend == "tensorflow" and not processor.has_bfloat16_convolutions():
        reasons["bf16"] = "TensorFlow convolves bfloat16 on CPUs with AVX-512 only"
    return ("fp32",) if "bf16" in reasons else ("fp32", "bf16"), reasons


def framework() -> Framework:
    return Keras()
