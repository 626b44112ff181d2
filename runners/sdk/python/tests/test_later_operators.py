"""The operators that came with networks since 2017, of the adapters that have them, where their
framework is installed; in the images the harness's operator cases judge each by itself."""

from __future__ import annotations

import adapters
import numpy as np
import plans
import pytest

from dlbench_sdk import safetensors
from dlbench_sdk.plan import LATER
from dlbench_sdk.verify import verify


def answered(name: str, plan, path: str) -> dict:
    network = adapters.network(name, plan, 2)
    verify(network, plan, {"output": path, "gradients": plan.training, "steps": 3})
    return safetensors.read(path)


@pytest.mark.parametrize(
    ("name", "module", "mode"),
    [
        ("pytorch", "torch", "infer"),
        ("pytorch", "torch", "train"),
        ("onnxruntime", "onnxruntime", "infer"),
        ("openvino", "openvino", "infer"),
        ("paddle", "paddle", "infer"),
        ("paddle", "paddle", "train"),
    ],
)
def test_same_as_the_reference(name, module, mode, tmp_path):
    pytest.importorskip(module, reason=f"{module} is not installed here")
    plan = plans.loaded(tmp_path, plans.later(mode))
    want = answered("reference", plan, str(tmp_path / "want"))
    got = answered(name, plan, str(tmp_path / "got"))
    assert set(got) == set(want)
    for tensor, value in want.items():
        np.testing.assert_allclose(got[tensor], value, rtol=2e-4, atol=2e-6, err_msg=tensor)


def test_the_plan_has_them_all():
    operators = {node["op"] for node in plans.later()["network"]["nodes"]}
    assert {name for name in LATER if "." not in name} <= operators
