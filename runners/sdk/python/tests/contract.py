"""python3 contract.py NAME DIRECTORY: holds an adapter of runners/frameworks against the contract
and against the reference, on small networks, those whose operators it has. It runs where the
framework is, inside its image, with what the reference computed before:
`python3 contract.py reference DIRECTORY` writes that."""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile

import adapters
import numpy as np

from dlbench_sdk import plan as plans
from dlbench_sdk import safetensors
from dlbench_sdk.plan import VOLUMES, Plan
from dlbench_sdk.verify import verify

THREADS = 2


def check(framework, biased: bool, plan: Plan, files: pathlib.Path) -> None:
    network = framework.build(plan)
    tells_in_any_order(network, plan)
    if not plan.training:
        takes_other_values(network, plan)
    got = verified(network, plan)
    if biased:
        unbias(got, plan)
    if not (files / "want").exists():  # the reference's own turn
        safetensors.write(str(files / "want"), got)
    want = safetensors.read(str(files / "want"))
    same(want, got)
    assert network.terms().threads in (None, THREADS), network.terms()
    network.close()
    again = framework.build(plan)  # a framework builds one network after another
    got = verified(again, plan)
    if biased:
        unbias(got, plan)
    same(want, got)
    again.close()


def unbias(got: dict, plan: Plan) -> None:
    """What running variances were with the reference's estimator, as the harness does it."""
    for node in plan.nodes:
        if node.op != "BatchNormalization" or not plan.training:
            continue
        n, _, *size = plan.shape_of(node.data[0])
        count = n * int(np.prod(size))
        factor, name, m = count / (count - 1), node.params[3], node.momentum
        told = moved = plan.weights[name]
        for step in (1, 2):
            tensor = f"stat.{step}/{name}"
            batch, told = got[tensor] - m * told, got[tensor]
            got[tensor] = moved = m * moved + factor * batch


def tells_in_any_order(network, plan: Plan) -> None:
    """Nothing has to be called before anything else, and looking changes nothing."""
    shapes = network.shapes()
    assert {n.name: list(n.shape) for n in plan.nodes} == dict(shapes), shapes
    before = copies(network.state())
    if plan.training:
        first = network.gradients(0)
        same({"loss": first[0], **first[1]}, with_loss(network.gradients(0)), rtol=1e-5)
    same(network.outputs(1), network.outputs(1), rtol=1e-5)
    same(before, network.state(), rtol=0)
    network.wait(None)
    handle = network.step(0)
    network.wait(handle)
    network.reset()
    same(before, network.state(), rtol=1e-6)


def takes_other_values(network, plan: Plan) -> None:
    """A slot computes on what was put there last, and on its own batch again afterwards."""
    logits = plan.outputs[0]
    want = [np.array(network.outputs(slot)[logits]) for slot in (0, 1)]
    for values, of in ((plan.inputs[1], 1), (plan.inputs[0], 0)):
        network.set_input(0, values)
        handle = network.step(0)
        network.wait(handle)
        same({logits: want[of]}, {logits: network.read(handle)}, rtol=1e-4)


def with_loss(found) -> dict:
    return {"loss": found[0], **found[1]}


def copies(tensors: dict) -> dict:
    return {name: np.array(value) for name, value in tensors.items()}


def verified(network, plan: Plan) -> dict:
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "verified")
        verify(network, plan, {"output": path, "gradients": True, "steps": 3})
        return safetensors.read(path)


def same(want: dict, got: dict, rtol: float = 2e-4) -> None:
    assert set(got) == set(want), set(got) ^ set(want)
    for tensor, value in want.items():
        atol = 2e-6 if rtol else 0
        np.testing.assert_allclose(got[tensor], value, rtol=rtol, atol=atol, err_msg=tensor)


def needs(plan: Plan) -> set[str]:
    """The operators of a plan, and the forms of them that are of volumes."""
    return {
        f"{node.op}.3d" if node.axes == 3 and f"{node.op}.3d" in VOLUMES else node.op
        for node in plan.nodes
    } | ({"DiceCrossEntropy"} if plan.dice else set())


def main(name: str, directory: str) -> None:
    framework = adapters.framework(name)
    description = framework.open("cpu", THREADS)
    print(description, file=sys.stderr)
    biased = description.running_variance == "biased"
    for files in sorted(pathlib.Path(directory).iterdir()):
        plan = plans.read(*(str(files / part) for part in ("plan", "weights", "batch")))
        if needs(plan) <= set(description.operators) and plan.mode in description.modes:
            check(framework, biased, plan, files)
            print(f"{name} keeps the contract in {files.name}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
    main(sys.argv[1], sys.argv[2])
