"""PaddlePaddle: a static program, trained by the executor and inferred by Paddle Inference."""

from __future__ import annotations

from dlbench_sdk.contract import Description, DeviceUnavailable, Framework, Network
from dlbench_sdk.plan import LATER, MEDICAL, OPERATORS, Plan
from dlbench_sdk.threads import openmp

from .network import Predicted, Trained, terms_of

NO_TRAINING = "on CPUs the steps of PaddlePaddle's amp.auto_cast fail in operators of oneDNN"


class Paddle(Framework):
    def open(self, device: str, threads: int) -> Description:
        if device != "cpu":
            raise DeviceUnavailable("this package (paddlepaddle) computes on CPUs only")
        self.threads = threads
        import paddle

        self.paddle = paddle
        if threads:
            paddle.base.core.set_num_threads(threads)
        narrow = paddle.amp.is_bfloat16_supported()
        return Description(
            framework="PaddlePaddle",
            version=paddle.__version__,
            build={
                "mkl": paddle.version.mkl(),
                "onednn": str(paddle.base.core.is_compiled_with_onednn()),
                "cinn": str(paddle.version.cinn()),
            },
            operators=(*OPERATORS, *LATER, *MEDICAL),
            running_variance="biased",
            terms=terms_of(False, openmp(), {}),
            precisions=("fp32", "bf16") if narrow else ("fp32",),
            no_precision={
                "tf32": "this CPU has none",
                "bf16": "PaddlePaddle has none on this CPU",
                "fp16": "PaddlePaddle has none on CPUs",
            },
            no_training={"bf16": NO_TRAINING},
        )

    def build(self, plan: Plan) -> Network:
        self.paddle.enable_static()
        if plan.training:
            return Trained(self.paddle, plan)
        return Predicted(self.paddle, plan, self.threads)


def framework() -> Framework:
    return Paddle()
