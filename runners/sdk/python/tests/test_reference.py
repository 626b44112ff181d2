"""The judge is judged: finite differences for every backward pass, known values for forward."""

from __future__ import annotations

import math
from types import SimpleNamespace

import adapters
import numpy as np
import plans
import pytest

from dlbench_sdk.windows import resize_matrix

reference = adapters.module("reference")
OPERATORS = reference.OPERATORS

X = (2, 4, 7, 6)
WINDOW = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 0, 1, 1]}
# Three extents, three of everything: an axis that is taken for another one is seen.
V = (2, 4, 6, 5, 3)
BOX = {"kernel_shape": [3, 2, 1], "strides": [2, 1, 1], "pads": [1, 0, 0, 0, 1, 0]}
RESIZE = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "floor"}

CASES = {
    "Conv": (dict(WINDOW, dilations=[1, 1], group=2), (2, 6, 4, 3), [(6, 2, 3, 3), (6,)]),
    "Conv dilated": (
        dict(WINDOW, strides=[1, 1], dilations=[2, 1], group=1),
        (2, 3, 5, 5),
        [(3, 4, 3, 3)],
    ),
    "ConvTranspose": (
        dict(WINDOW, dilations=[1, 1], group=2, output_padding=[1, 0]),
        (2, 6, 14, 12),
        [(4, 3, 3, 3), (6,)],
    ),
    "BatchNormalization": ({"epsilon": 1e-3, "momentum": 0.9}, X, [(4,)] * 4),
    "Relu": ({}, X, []),
    "Clip": ({"min": -0.5, "max": 0.7}, X, []),
    "Sigmoid": ({}, X, []),
    "LeakyRelu": ({"alpha": 0.1}, X, []),
    "PRelu": ({}, X, [(4, 1, 1)]),
    "PRelu one": ({}, X, [(1, 1, 1)]),
    "HardSigmoid": ({"alpha": 0.2, "beta": 0.5}, X, []),
    "HardSwish": ({}, X, []),
    "Gelu": ({"approximate": "none"}, X, []),
    "Gelu tanh": ({"approximate": "tanh"}, X, []),
    "LayerNormalization": ({"axis": 3, "epsilon": 1e-6}, X, [(6,), (6,)]),
    "LayerNormalization image": ({"axis": 1, "epsilon": 1e-3}, X, [(4, 7, 6), (4, 7, 6)]),
    "Transpose": ({"perm": [0, 3, 1, 2]}, (2, 6, 4, 7), []),
    "Slice": ({"axis": 1, "start": 1, "end": 3}, (2, 2, 7, 6), []),
    "Softmax": ({"axis": 1}, X, []),
    "MaxPool": (dict(WINDOW, dilations=[1, 1], ceil_mode=0), (2, 4, 4, 3), []),
    "MaxPool ceil": (
        dict(WINDOW, pads=[0, 0, 0, 0], dilations=[1, 1], ceil_mode=1),
        (2, 4, 3, 3),
        [],
    ),
    "AveragePool": (dict(WINDOW, ceil_mode=0, count_include_pad=0), (2, 4, 4, 3), []),
    "AveragePool counted": (
        dict(WINDOW, pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1),
        (2, 4, 4, 4),
        [],
    ),
    "GlobalAveragePool": ({}, (2, 4, 1, 1), []),
    "Flatten": ({"axis": 1}, (2, 168), []),
    "LRN": ({"alpha": 0.3, "beta": 0.75, "bias": 1.2, "size": 3}, X, []),
    "LRN even": ({"alpha": 0.3, "beta": 0.75, "bias": 1.2, "size": 2}, X, []),
    "Dropout": ({"ratio": 0.5}, X, []),
    "Resize": (dict(RESIZE, mode="linear", scales=[2, 3]), (2, 4, 14, 18), []),
    "Resize nearest": (dict(RESIZE, mode="nearest", scales=[2, 3]), (2, 4, 14, 18), []),
    "InstanceNormalization": ({"epsilon": 1e-3}, X, [(4,), (4,)]),
}
VOLUMES = {
    "Conv": (dict(BOX, dilations=[1, 2, 1], group=2), (2, 6, 3, 4, 3), [(6, 2, 3, 2, 1), (6,)]),
    "ConvTranspose": (
        dict(BOX, strides=[2, 3, 1], dilations=[1, 1, 2], group=2, output_padding=[1, 2, 0]),
        (2, 6, 13, 15, 3),
        [(4, 3, 3, 2, 1), (6,)],
    ),
    "BatchNormalization": ({"epsilon": 1e-3, "momentum": 0.9}, V, [(4,)] * 4),
    "InstanceNormalization": ({"epsilon": 1e-3}, V, [(4,), (4,)]),
    "MaxPool": (dict(BOX, dilations=[1, 2, 1], ceil_mode=1), (2, 4, 4, 4, 3), []),
    "AveragePool": (dict(BOX, ceil_mode=1, count_include_pad=0), (2, 4, 4, 5, 3), []),
    "AveragePool counted": (dict(BOX, ceil_mode=0, count_include_pad=1), (2, 4, 3, 5, 3), []),
    "GlobalAveragePool": ({}, (2, 4, 1, 1, 1), []),
    "Resize": (dict(RESIZE, mode="linear", scales=[2, 3, 4]), (2, 4, 12, 15, 12), []),
    "Resize nearest": (dict(RESIZE, mode="nearest", scales=[2, 1, 3]), (2, 4, 12, 5, 9), []),
    "Relu": ({}, V, []),
    "PRelu": ({}, V, [(4, 1, 1, 1)]),
    "Softmax": ({"axis": 1}, V, []),
    "Flatten": ({"axis": 1}, (2, 360), []),
    "Transpose": ({"perm": [0, 2, 3, 4, 1]}, (2, 6, 5, 3, 4), []),
}


def check(name, node, operands, differentiated):
    rng = np.random.default_rng(1)
    forward = lambda: OPERATORS[name](True).forward(node, *operands)  # noqa: E731
    operator = OPERATORS[name](True)
    y = operator.forward(node, *operands)
    assert y.shape == tuple(node.shape)
    cotangent = rng.normal(size=y.shape)
    gradients = operator.backward(node, cotangent)
    for i in differentiated:
        flat = operands[i].reshape(-1)
        for j in rng.integers(0, flat.size, 12):
            old, h = flat[j], 1e-6
            flat[j] = old + h
            above = (forward() * cotangent).sum()
            flat[j] = old - h
            below = (forward() * cotangent).sum()
            flat[j] = old
            expected = (above - below) / (2 * h)
            assert gradients[i].reshape(-1)[j] == pytest.approx(expected, rel=2e-5, abs=2e-7)


@pytest.mark.parametrize(
    ("given", "case"), [*((X, case) for case in CASES), *((V, case) for case in VOLUMES)]
)
def test_backward_is_the_derivative(given, case):
    name = case.split()[0]
    attributes, shape, params = (CASES if given == X else VOLUMES)[case]
    rng = np.random.default_rng(0)
    node = SimpleNamespace(name=name, shape=shape, **attributes)
    operands = [rng.normal(size=given), *(rng.normal(size=p) for p in params)]
    differentiated = range(3 if name == "BatchNormalization" else len(operands))
    check(name, node, operands, differentiated)


@pytest.mark.parametrize("name", ["Add", "Mul"])
@pytest.mark.parametrize("other", [X, (2, 4, 1, 1), (4, 1, 1), (1, 1, 1)])
def test_broadcasts(name, other):
    rng = np.random.default_rng(0)
    check(name, SimpleNamespace(shape=X), [rng.normal(size=X), rng.normal(size=other)], (0, 1))


def test_concat_and_gemm():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=X), rng.normal(size=(2, 3, 7, 6))
    check("Concat", SimpleNamespace(shape=(2, 7, 7, 6), axis=1), [a, b], (0, 1))
    node = SimpleNamespace(shape=(3, 5), **plans.GEMM)
    x, w, c = rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), rng.normal(size=5)
    check("Gemm", node, [x, w, c], (0, 1, 2))
    check("Gemm", node, [x, w], (0, 1))


def test_reshape():
    node = SimpleNamespace(shape=(2, 2, 2, 42), attributes={"shape": [0, 2, 2, 42]})
    check("Reshape", node, [np.random.default_rng(0).normal(size=X)], (0,))


def test_every_operator_is_checked():
    whole = {name for name in OPERATORS if "." not in name}
    checked = {c.split()[0] for c in CASES}
    assert checked | {"Add", "Mul", "Concat", "Gemm", "Reshape"} == whole
    volumes = {name[: -len(".3d")] for name in OPERATORS if name.endswith(".3d")}
    assert volumes <= {c.split()[0] for c in VOLUMES}


def test_known_values():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    pool = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 0, 0]}
    floor = SimpleNamespace(shape=(1, 1, 1, 1), dilations=[1, 1], ceil_mode=0, **pool)
    assert OPERATORS["MaxPool"](False).forward(floor, x).tolist() == [[[[10]]]]
    ceil = SimpleNamespace(shape=(1, 1, 2, 2), dilations=[1, 1], ceil_mode=1, **pool)
    assert OPERATORS["MaxPool"](False).forward(ceil, x).tolist() == [[[[10, 11], [14, 15]]]]
    padded = dict(pool, kernel_shape=[2, 2], pads=[1, 1, 1, 1])
    for counted, corner in ((0, 0.0), (1, 0.0)):
        node = SimpleNamespace(shape=(1, 1, 3, 3), ceil_mode=0, count_include_pad=counted, **padded)
        y = OPERATORS["AveragePool"](False).forward(node, x)
        assert y[0, 0, 0, 0] == corner
        assert y[0, 0, 0, 1] == (1.5 if not counted else 0.75)
    x = np.array([-4.0, -1.0, 0.0, 1.0, 4.0])
    for name, attributes, expected in (  # of ONNX's definitions, by hand
        ("HardSwish", {}, [0, -1 / 3, 0, 2 / 3, 4]),
        ("HardSigmoid", {"alpha": 0.25, "beta": 0.5}, [0, 0.25, 0.5, 0.75, 1]),
        (
            "Gelu",
            {"approximate": "none"},
            [-0.000126685, -0.158655254, 0, 0.841344746, 3.999873315],
        ),
        ("Gelu", {"approximate": "tanh"}, [-0.00007025, -0.15880801, 0, 0.84119199, 3.99992975]),
    ):
        y = OPERATORS[name](False).forward(SimpleNamespace(**attributes), x)
        np.testing.assert_allclose(y, expected, atol=2e-8, rtol=1e-7)
    linear = SimpleNamespace(mode="linear", coordinate_transformation_mode="half_pixel")
    assert resize_matrix(linear, 2, 2).tolist() == [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]


def test_running_statistics_and_steps(tmp_path):
    plan = plans.loaded(tmp_path, plans.small())
    network = adapters.network("reference", plan)
    x = network.inputs[0]
    windows = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    conv = np.zeros((2, 4, 6, 5))
    for i in range(3):
        for j in range(3):
            part = windows[:, :, i : i + 6, j : j + 5]
            conv += np.einsum("nchw,oc->nohw", part, plan.weights["w"][:, :, i, j])
    before = network.state()
    _, gradients = network.gradients(0)
    network.step(0)
    after = network.state()
    var = conv.var((0, 2, 3)) * 60 / 59  # unbiased: 2·6·5 elements a channel
    np.testing.assert_allclose(after["var"], 0.9 * before["var"] + 0.1 * var)
    np.testing.assert_allclose(
        after["mean"], 0.9 * before["mean"] + 0.1 * conv.mean((0, 2, 3)), atol=1e-12
    )
    np.testing.assert_allclose(after["fw"], before["fw"] - 0.01 * 1.9 * gradients["fw"])


def test_noise_is_small_seeded_and_gone_afterwards(tmp_path):
    network = adapters.network("reference", plans.loaded(tmp_path, plans.small("infer")))
    clean = network.outputs(0)["logits"]
    runs = []
    for seed in (1, 1, 2):
        network.set_noise("fp32", seed)
        runs.append(network.outputs(0)["logits"])
    network.set_noise("", 0)
    assert (runs[0] == runs[1]).all() and (runs[0] != runs[2]).any()
    assert 0 < abs(runs[0] - clean).max() < 1e-4
    assert (network.outputs(0)["logits"] == clean).all()


@pytest.mark.parametrize("size", [(6, 5), (3, 4, 5)], ids=["image", "volume"])
def test_terms_that_an_instance_norm_sums(size, tmp_path):
    """A mean over an image, and gradients of parameters over the batch, too."""
    shape = (2, 3, *size)
    nodes = [
        plans.node(
            "norm", "InstanceNormalization", ["input", "scale", "bias"], shape, epsilon=1e-3
        ),
        plans.node("flat", "Flatten", ["norm"], (2, 3 * math.prod(size)), axis=1),
        plans.node("logits", "Gemm", ["flat", "w"], (2, 4), **plans.GEMM),
    ]
    parameters = [plans.parameter(name, 3) for name in ("scale", "bias")]
    parameters.append(plans.parameter("w", 4, 3 * math.prod(size)))
    plan = plans.loaded(tmp_path, plans.document(nodes, parameters, shape=shape))
    network, node = adapters.network("reference", plan), plan.nodes[0]
    _, tape = network.forward(network.inputs[0])
    assert tape[0][1].length == math.prod(size)
    assert network.terms_of(node, "input", np.zeros(shape)) == math.prod(size)
    for name in ("scale", "bias"):
        assert network.terms_of(node, name, np.zeros(3)) == 2 * math.prod(size)


def test_noise_of_a_bias_that_a_norm_takes_away(tmp_path):
    """Its gradient is nothing, and what float32 leaves of its terms is noise all the same."""
    shape = (2, 4, 6, 5)
    nodes = [
        plans.node("conv", "Conv", ["input", "w", "b"], shape, group=1, **plans.CONV),
        plans.node(
            "bn",
            "BatchNormalization",
            ["conv", "scale", "shift", "mean", "var"],
            shape,
            epsilon=1e-5,
            momentum=0.9,
        ),
        plans.node("relu", "Relu", ["bn"], shape),
        plans.node("flat", "Flatten", ["relu"], (2, 120), axis=1),
        plans.node("logits", "Gemm", ["flat", "fw", "fb"], (2, 4), **plans.GEMM),
    ]
    parameters = [
        *(plans.parameter("w", 4, 3, 3, 3), plans.parameter("b", 4)),
        *(plans.parameter("scale", 4), plans.parameter("shift", 4)),
        plans.parameter("mean", 4, role="running_mean"),
        plans.parameter("var", 4, role="running_variance"),
        *(plans.parameter("fw", 4, 120), plans.parameter("fb", 4)),
    ]
    network = adapters.network(
        "reference", plans.loaded(tmp_path, plans.document(nodes, parameters))
    )
    _, clean = network.gradients(0)
    assert abs(clean["b"]).max() < 1e-12
    spread, others = [], []
    for seed in range(8):
        network.set_noise("fp32", seed)
        _, noisy = network.gradients(0)
        spread.append(abs(noisy["b"]).max())
        others.append(abs(noisy["fb"] / clean["fb"] - 1).max())
    terms = 2 * 6 * 5
    network.set_noise("", 0)
    values, tape = network.forward(network.inputs[0])
    _, flowing = network.loss(values["logits"], network.plan.labels[0])
    for node, operator in reversed(tape):
        if node.name == "conv":
            break
        flowing = operator.backward(node, flowing)[0]
    size = np.sqrt((flowing**2).sum((0, 2, 3))).max()
    unit = 2.0**-24 * math.sqrt(terms) * size
    assert unit / 3 < np.median(spread) < 3 * unit
    assert max(others) < 1e-5  # a bias whose terms do not cancel
