"""Every adapter in Python 3 keeps the contract, and computes what the reference computes on a small
network; the whole of parity is the harness's. Each runs in its own image, with these sources:
`make test` has built the images, and says so by DLBENCH_TEST_CONTAINERS. The reference, which is
numpy's, runs here."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import sys

import plans
import pytest
import volumes

from dlbench_sdk.plan import LATER, MEDICAL

HERE = pathlib.Path(__file__).parent
RUNNERS = HERE.parent.parent.parent
BINARY = RUNNERS.parent / "bin" / "dlbench"
# By name, with the room of the adapter.
MANIFESTS = {
    (found := json.loads(path.read_text()))["name"]: (path.parent, found)
    for path in (RUNNERS / "frameworks").glob("*/runner*.json")
}
NAMES = sorted(name for name, (room, _) in MANIFESTS.items() if (room / "adapter.py").exists())
# The small networks, and what a runner names that has all of one.
DOCUMENTS = {"small": plans.small, "later": plans.later, "volumes": volumes.segmenting}
ASKS: dict[str, tuple[str, ...]] = {"small": (), "later": LATER, "volumes": MEDICAL}
# Those that `dlbench run --runner best` measures, beside the runners as they are.
VARIANTS = sorted(
    f"{name}+{found['recommended']['variant']}"
    for name, (_, found) in MANIFESTS.items()
    if found.get("recommended", {}).get("variant")
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> pathlib.Path:
    """Small networks in both modes, and what the reference, which keeps the contract, says."""
    directory = tmp_path_factory.mktemp("answers")
    for name, document in DOCUMENTS.items():
        for mode in ("infer", "train"):
            (directory / f"{name}-{mode}").mkdir()
            plans.files(directory / f"{name}-{mode}", document(mode))
    command = [sys.executable, str(HERE / "contract.py"), "reference", str(directory)]
    settings = dict(os.environ, PYTHONPATH=f"{HERE}:{HERE.parent}", OPENBLAS_NUM_THREADS="2")
    done = subprocess.run(command, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return directory


def test_the_reference_keeps_the_contract(answers):
    for name in DOCUMENTS:
        assert (answers / f"{name}-infer" / "want").exists(), name
        assert (answers / f"{name}-train" / "want").exists(), name


def manifest(name: str) -> tuple[str, dict]:
    """The adapter's room and the manifest, of a variant with what that changes."""
    runner, _, variant = name.partition("+")
    room, found = MANIFESTS[runner]
    if variant:
        other = found["variants"][variant].get("environment", {})
        environment = {**found.get("environment", {}), **other, "DLBENCH_VARIANT": variant}
        found = {**found, "environment": environment}
    return room.name, found


@functools.cache
def images() -> dict[str, str]:
    listed = subprocess.run([BINARY, "images", "list", "--json"], capture_output=True, check=True)
    return {i["runner"]: i["image"] for i in json.loads(listed.stdout) if "cpu" in i["devices"]}


def image(name: str) -> str:
    """Its own, or its runner's."""
    return images().get(name) or images()[name.partition("+")[0]]


needs_images = pytest.mark.skipif(
    not os.environ.get("DLBENCH_TEST_CONTAINERS"), reason="runs in the images: make test"
)


def in_image(name: str, options: list[str], *program: str) -> subprocess.CompletedProcess[str]:
    """A program in a runner's image, with these sources under /src."""
    command = ["podman", "run", "--rm", "--network=none", "--ulimit=nofile=1024:4096"]
    command += ["--ulimit=nproc=4096:8192", "--volume", f"{RUNNERS}:/src:ro", *options]
    return subprocess.run([*command, image(name), *program], capture_output=True, text=True)


@needs_images
@pytest.mark.parametrize("name", [n for n in [*NAMES, *VARIANTS] if n != "reference"])
def test_an_adapter_keeps_the_contract(name, answers):
    room, found = manifest(name)
    settings = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    for variable, value in found.get("environment", {}).items():
        settings[variable] = value.replace("{threads}", "2").replace("{cache}", "/tmp")
    settings |= {
        "PYTHONPATH": "/src/sdk/python:/src/sdk/python/tests:/opt/packages",
        "HOME": "/tmp",
    }
    options = ["--volume", f"{answers}:/answers:ro"]
    for variable, value in settings.items():
        options += ["--env", f"{variable}={value}"]
    contract = "/src/sdk/python/tests/contract.py"
    done = in_image(name, options, "python3", contract, room, "/answers")
    assert done.returncode == 0, done.stderr[-3000:]
    for kind, asked in ASKS.items():
        if set(asked) <= set(found["operators"]):
            assert f"{room} keeps the contract in {kind}-infer" in done.stdout
