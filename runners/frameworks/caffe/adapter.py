"""Caffe: a NetParameter made from the plan, NCHW, convolutions by OpenBLAS."""

from __future__ import annotations

from dlbench_sdk.contract import Description, DeviceUnavailable, Framework, Network
from dlbench_sdk.plan import LATER, MEDICAL, OPERATORS, Plan

from .blas import OpenBLAS
from .network import Nets, terms_of


class Caffe(Framework):
    def open(self, device: str, threads: int) -> Description:
        if device != "cpu":
            raise DeviceUnavailable("Debian's build of Caffe computes on CPUs only")
        import caffe
        from caffe.proto import caffe_pb2

        self.caffe, self.pb = caffe, caffe_pb2
        caffe.set_mode_cpu()
        blas = OpenBLAS()
        return Description(
            framework="Caffe",
            version=caffe.__version__,
            build={"blas": blas.config, "source": "Debian's python3-caffe"},
            operators=(*OPERATORS, *LATER, *MEDICAL),
            running_variance="unbiased",
            terms=terms_of(blas),
            no_precision=dict.fromkeys(("bf16", "fp16"), "Caffe has float32 and float64 only"),
        )

    def build(self, plan: Plan) -> Network:
        return Nets(self.caffe, self.pb, plan)


def framework() -> Framework:
    return Caffe()
