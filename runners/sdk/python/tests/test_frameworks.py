"""Adapters against the reference on a small network; the whole of parity is the harness's."""

from __future__ import annotations

import adapters
import numpy as np
import plans
import pytest

from dlbench_sdk import safetensors
from dlbench_sdk.verify import verify


def tensors(name, plan, path):
    adapter = adapters.adapter(name)
    adapter.open("cpu", 2)
    adapter.load(plan)
    verify(adapter, plan, {"output": path, "gradients": True, "steps": 3})
    return safetensors.read(path)


@pytest.mark.parametrize("mode", ["infer", "train"])
@pytest.mark.parametrize(("name", "module"), [("pytorch", "torch"), ("tensorflow", "tensorflow")])
def test_same_as_the_reference(name, module, mode, tmp_path):
    pytest.importorskip(module, reason=f"{module} is not installed here; images have it")
    plan = plans.loaded(tmp_path, plans.small(mode))
    want = tensors("reference", plan, str(tmp_path / "want"))
    got = tensors(name, plan, str(tmp_path / "got"))
    assert set(got) == set(want)
    for tensor, value in want.items():
        np.testing.assert_allclose(got[tensor], value, rtol=2e-4, atol=2e-6, err_msg=tensor)
