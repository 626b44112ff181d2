"""Makes the cases of TestJudged: small ONNX files, each with something that the importer has to
understand, and what ONNX Runtime computes of them; ONNX's reference evaluator has to agree.

    python judge.py    (wants onnx and onnxruntime; writes cases/*.onnx and cases/*.json)
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(7)


def images(shape):
    """The same numbers in Go: see images in judged_test.go."""
    n = np.arange(np.prod(shape), dtype=np.int64)
    return ((n * 7919 % 2003 - 1001) / 1001).astype(np.float32).reshape(shape)


def channels_last(shape):
    """The same numbers as of a network with its channels first."""
    n, *space, c = shape
    return np.moveaxis(images([n, c, *space]), 1, -1)


def tensor(name, *shape, low=-0.5, high=0.5):
    return numpy_helper.from_array(RNG.uniform(low, high, shape).astype(np.float32), name)


def scalars(name, values, dtype=np.int64):
    return numpy_helper.from_array(np.array(values, dtype), name)


def norm(name, c):
    return [
        tensor(f"{name}.s", c, low=0.5, high=1.5),
        tensor(f"{name}.b", c),
        tensor(f"{name}.m", c),
        tensor(f"{name}.v", c, low=0.5, high=1.5),
    ]


def node(op, inputs, output, **attributes):
    outputs = [output] if isinstance(output, str) else output
    return helper.make_node(op, inputs.split(), outputs, **attributes)


def model(nodes, initial, shape, out, opset, ir=8, fed="x", **more):
    x = helper.make_tensor_value_info(fed, TensorProto.FLOAT, shape)
    name = nodes[-1].output[0] if "output" not in more else more["output"]
    y = helper.make_tensor_value_info(name, TensorProto.FLOAT, out)
    inputs = [x]
    if more.get("listed"):
        inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in initial]
    graph = helper.make_graph(nodes, "case", inputs, [y], initial)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir
    )


def head(before, c, classes=5, prefix=""):
    """Global pool, flatten, dense."""
    nodes = [
        node("GlobalAveragePool", before, "gap"),
        node("Flatten", "gap", "flat", axis=1),
        node("Gemm", "flat fc.w fc.b", "logits", transB=1),
    ]
    return nodes, [tensor("fc.w", classes, c), tensor("fc.b", classes)]


def classifier(nodes, initial, c, shape=("batch", 3, 9, 8), opset=17, **more):
    tail, weights = head(nodes[-1].output[0], c)
    return model(nodes + tail, initial + weights, shape, [shape[0], 5], opset, **more)


CASES = {}


def case(build):
    CASES[build.__name__.replace("_", "-")] = build
    return build


@case
def same_lower_odd():
    conv = node("Conv", "x w", "a", auto_pad="SAME_LOWER", strides=[2, 2])
    pool = node("MaxPool", "a", "p", auto_pad="SAME_LOWER", kernel_shape=[2, 2], strides=[2, 2])
    return classifier([conv, pool], [tensor("w", 4, 3, 3, 3)], 4, shape=["batch", 3, 10, 7])


@case
def valid_dilated_groups():
    conv = node("Conv", "x w b", "a", auto_pad="VALID", dilations=[2, 1], group=3)
    return classifier([conv], [tensor("w", 6, 1, 3, 2), tensor("b", 6)], 6)


@case
def oblong_and_pads_per_side():
    conv = node("Conv", "x w", "a", kernel_shape=[1, 4], pads=[0, 1, 0, 2], strides=[2, 1])
    pool = node(
        "AveragePool", "a", "p", kernel_shape=[3, 2], pads=[1, 0, 2, 1], strides=[2, 2],
        count_include_pad=1,
    )
    return classifier([conv, pool], [tensor("w", 4, 3, 1, 4)], 4)


@case
def batch_norm_opset_7():
    bn = node("BatchNormalization", "a s b m v", "n", epsilon=1e-3)
    clip = node("Clip", "n", "r", min=-0.4, max=0.6)
    names = ["s", "b", "m", "v"]
    weights = norm("bn", 4)
    for t, name in zip(weights, names):
        t.name = name
    conv = node("Conv", "x w", "a", pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    weights.append(tensor("w", 4, 3, 3, 3))
    return classifier([conv, bn, clip], weights, 4, shape=[2, 3, 9, 8], opset=7, ir=3, listed=True)


@case
def caffe_scale():
    nodes = [
        node("Conv", "x w", "a"),
        node("BatchNormalization", "a bn.s bn.b bn.m bn.v", "n"),
        node("Unsqueeze", "k", "k1", axes=[1, 2]),
        node("Mul", "n k1", "m"),
        node("Unsqueeze", "d", "d1", axes=[1, 2]),
        node("Add", "m d1", "o"),
        node("Relu", "o", "r"),
    ]
    weights = [tensor("w", 4, 3, 3, 3), *norm("bn", 4), tensor("k", 4), tensor("d", 4)]
    return classifier(nodes, weights, 4, opset=9, ir=4)


@case
def shape_arithmetic():
    """What PyTorch writes for x.view(x.size(0), -1)."""
    nodes = [
        node("Conv", "x w b", "a", strides=[2, 2]),
        node("Relu", "a", "r"),
        node("Constant", "", "zero", value=scalars("", 0)),
        node("Constant", "", "rest", value=scalars("", [-1])),
        node("Shape", "r", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n", "n1", axes=[0]),
        node("Concat", "n1 rest", "to", axis=0),
        node("Reshape", "r to", "flat"),
        node("Gemm", "flat fc fcb", "y", transB=0, alpha=0.5, beta=2.0),
    ]
    nodes[2].input[:] = []
    nodes[3].input[:] = []
    weights = [tensor("w", 4, 3, 3, 3), tensor("b", 4), tensor("fc", 48, 5), tensor("fcb", 1, 5)]
    return model(nodes, weights, ["batch", 3, 9, 8], ["batch", 5], 11, ir=6)


@case
def names_with_slashes():
    nodes = [
        helper.make_node("Conv", ["/in put", "/conv/weight"], ["/conv/Conv_output_0"], "/conv/Conv"),
        helper.make_node("Relu", ["/conv/Conv_output_0"], ["input"], "input"),
        helper.make_node("GlobalAveragePool", ["input"], ["a b"], "a b"),
        helper.make_node("Reshape", ["a b", "to"], ["a.b"], "a/b"),
        helper.make_node("Gemm", ["a.b", "fc.w", "fc.b"], ["1 2"], "a_b", transB=1),
        helper.make_node("Softmax", ["1 2"], ["out/put"], ""),
    ]
    weights = [
        tensor("/conv/weight", 4, 3, 3, 3), tensor("fc.w", 5, 4), tensor("fc.b", 5),
        scalars("to", [0, -1]),
    ]
    return model(nodes, weights, ["N", 3, 9, 8], ["N", 5], 13, fed="/in put")


@case
def squeezed_mean():
    nodes = [
        node("Conv", "x w", "a", strides=[2, 2]),
        node("ReduceMean", "a", "m", axes=[-1, -2], keepdims=0),
        node("MatMul", "m fc", "g"),
        node("Add", "fcb g", "y"),
    ]
    weights = [tensor("w", 4, 3, 3, 3), tensor("fc", 4, 5), tensor("fcb", 5)]
    return model(nodes, weights, ["batch", 3, 9, 8], ["batch", 5], 13)


@case
def classes_as_a_map():
    """SqueezeNet's end: 1×C×1×1, and Softmax of an old opset on it."""
    nodes = [
        node("Conv", "x w b", "a"),
        node("Dropout", "a", ["d", "mask"], ratio=0.3),
        node("Relu", "d", "r"),
        node("GlobalAveragePool", "r", "g"),
        node("Softmax", "g", "y"),
    ]
    weights = [tensor("w", 5, 3, 3, 3), tensor("b", 5)]
    return model(nodes, weights, [1, 3, 9, 8], [1, 5, 1, 1], 9, ir=3, listed=True)


@case
def sum_and_concat():
    nodes = [
        node("Conv", "x w", "a"), node("Conv", "x v", "b"), node("Relu", "b", "c"),
        node("Sum", "a b c", "s"),
        node("Concat", "s a c", "k", axis=-3),
        node("Identity", "k", "i"),
        node("LRN", "i", "l", size=3, alpha=0.5, beta=0.7, bias=1.5),
    ]
    weights = [tensor("w", 4, 3, 3, 3), tensor("v", 4, 3, 3, 3)]
    return classifier(nodes, weights, 12)


@case
def silu_and_gate():
    """SiLU as it is written out, and squeeze-and-excitation."""
    nodes = [
        node("Conv", "x w", "a"), node("Sigmoid", "a", "s"), node("Mul", "a s", "m"),
        node("ReduceMean", "m axes", "g", keepdims=1),
        node("Conv", "g e eb", "e1"), node("Relu", "e1", "e2"),
        node("Conv", "e2 f", "f1"), node("Sigmoid", "f1", "f2"), node("Mul", "f2 m", "o"),
    ]
    weights = [
        tensor("w", 4, 3, 3, 3), tensor("e", 2, 4, 1, 1), tensor("eb", 2), tensor("f", 4, 2, 1, 1),
        scalars("axes", [2, 3]),
    ]
    return classifier(nodes, weights, 4, opset=18)


@case
def upsampled():
    nodes = [
        node("Conv", "x w", "a"), node("Upsample", "a scales", "u", mode="nearest"),
        node("ConvTranspose", "u t", "o", strides=[2, 2], auto_pad="SAME_UPPER"),
        node("GlobalMaxPool", "o", "p"), node("Squeeze", "p", "q", axes=[2, 3]),
        node("Gemm", "q fc fcb", "y"),
    ]
    weights = [
        tensor("w", 4, 3, 3, 3), tensor("t", 4, 2, 3, 3),
        scalars("scales", [1, 1, 2, 3], np.float32), tensor("fc", 2, 5), tensor("fcb", 5),
    ]
    return model(nodes, weights, ["batch", 3, 9, 8], ["batch", 5], 9, ir=4)


@case
def resized():
    nodes = [
        node("Conv", "x w", "a"), node("Resize", "a  scales", "u", mode="nearest"),
        node("Conv", "u v", "b"),
    ]
    nodes[1].input[:] = ["a", "", "scales"]
    weights = [
        tensor("w", 4, 3, 3, 3), tensor("v", 4, 4, 3, 3), scalars("scales", [1, 1, 3, 2], np.float32)
    ]
    return classifier(nodes, weights, 4, opset=13)


@case
def shared_and_unused():
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]), node("BatchNormalization", "a s b b s", "n"),
        node("Relu", "n", "r"), node("Relu", "n", "never"),
        node("Conv", "r v", "c"), node("BatchNormalization", "c s b b s", "o"),
    ]
    weights = [
        tensor("w", 4, 3, 3, 3), tensor("v", 4, 4, 3, 3), tensor("unused", 7),
        tensor("s", 4, low=0.5, high=1.5), tensor("b", 4),
    ]
    return classifier(nodes, weights, 4)


@case
def ceil_pools():
    nodes = [
        node("MaxPool", "x", "p", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, dilations=[1, 2]),
        node("Conv", "p w", "a"),
        node("AveragePool", "a", "q", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    ]
    return classifier(nodes, [tensor("w", 4, 3, 2, 2)], 4, shape=["batch", 3, 12, 11], opset=19)


@case
def clip_as_relu():
    nodes = [node("Conv", "x w", "a"), node("Clip", "a zero", "r"), node("Cast", "r", "c", to=1)]
    return classifier(nodes, [tensor("w", 4, 3, 3, 3), scalars("zero", 0, np.float32)], 4, opset=13)


@case
def slopes_and_curves():
    nodes = [
        node("Conv", "x w", "a"), node("LeakyRelu", "a", "b", alpha=0.2), node("LeakyRelu", "b", "b2"),
        node("PRelu", "b2 slope", "c"), node("HardSigmoid", "c", "d"), node("Mul", "c d", "e"),
        node("HardSwish", "e", "f"), node("PRelu", "f one", "g"),
    ]
    weights = [tensor("w", 4, 3, 3, 3), tensor("slope", 4, 1, 1), tensor("one", 1)]
    return classifier(nodes, weights, 4, opset=16)


def gelu(x, out, order):
    """The three orders in which exporters write GELU."""
    root = node("Div", f"{x} root2", f"{out}.u") if order != 2 else node("Mul", f"rroot2 {x}", f"{out}.u")
    nodes = [root, node("Erf", f"{out}.u", f"{out}.e"), node("Add", f"{out}.e one", f"{out}.a")]
    if order == 0:
        return nodes + [node("Mul", f"{x} {out}.a", f"{out}.m"), node("Mul", f"{out}.m half", out)]
    if order == 1:
        return nodes + [node("Mul", f"half {out}.a", f"{out}.m"), node("Mul", f"{out}.m {x}", out)]
    return [node("Mul", f"{x} half", f"{out}.h")] + nodes + [node("Mul", f"{out}.h {out}.a", out)]


GELU = {"root2": 1.4142135, "rroot2": 0.70710678, "one": 1, "half": 0.5}


@case
def gelu_spelled_out():
    nodes = [node("Conv", "x w", "a"), *gelu("a", "b", 0), *gelu("b", "c", 1), *gelu("c", "d", 2)]
    weights = [tensor("w", 4, 3, 3, 3)] + [scalars(k, v, np.float32) for k, v in GELU.items()]
    return classifier(nodes, weights, 4, opset=13)


@case
def gelu_operator():
    nodes = [
        node("Conv", "x w", "a"), node("Gelu", "a", "b"), node("Conv", "b v", "c"),
        node("Gelu", "c", "d", approximate="tanh"),
    ]
    return classifier(nodes, [tensor("w", 4, 3, 3, 3), tensor("v", 4, 4, 1, 1)], 4, opset=20, ir=9)


@case
def convnext_block():
    """As torchvision's is exported: channels last, dense layers as MatMul, layer scale."""
    nodes = [
        node("Conv", "x stem", "a"),
        node("Conv", "a dw dwb", "b", group=4, pads=[1, 1, 1, 1]),
        node("Transpose", "b", "t", perm=[0, 2, 3, 1]),
        node("LayerNormalization", "t ln.s ln.b", "n", axis=-1, epsilon=1e-6),
        node("MatMul", "n l1", "m1"), node("Add", "l1b m1", "m2"),
        *gelu("m2", "g", 0),
        node("MatMul", "g l2", "m3"), node("Add", "m3 l2b", "m4"),
        node("Transpose", "m4", "back", perm=[0, 3, 1, 2]),
        node("Mul", "ls back", "scaled"), node("Add", "scaled a", "out"),
    ]
    weights = [
        tensor("stem", 4, 3, 2, 2), tensor("dw", 4, 1, 3, 3), tensor("dwb", 4), tensor("ln.s", 4),
        tensor("ln.b", 4), tensor("l1", 4, 8), tensor("l1b", 8), tensor("l2", 8, 4), tensor("l2b", 4),
        tensor("ls", 4, 1, 1), *[scalars(k, v, np.float32) for k, v in GELU.items()],
    ]
    return classifier(nodes, weights, 4, opset=17)


@case
def layer_norm_spelled_out():
    """As exporters write it for opsets before 17."""
    nodes = [
        node("Conv", "x w", "a"), node("Transpose", "a", "t", perm=[0, 2, 3, 1]),
        node("ReduceMean", "t", "m", axes=[-1]), node("Sub", "t m", "d"),
        node("Constant", "", "two", value=scalars("", 2, np.float32)),
        node("Pow", "d two", "p"), node("ReduceMean", "p", "v", axes=[-1]),
        node("Add", "v eps", "e"), node("Sqrt", "e", "s"), node("Div", "d s", "n"),
        node("Mul", "n ls", "k"), node("Add", "k lb", "o"),
        node("Transpose", "o", "back", perm=[0, 3, 1, 2]),
    ]
    nodes[4].input[:] = []
    weights = [
        tensor("w", 4, 3, 3, 3), tensor("ls", 4, low=0.5, high=1.5), tensor("lb", 4),
        scalars("eps", 0.01, np.float32),
    ]
    return classifier(nodes, weights, 4, opset=13)


@case
def channels_last_images():
    """As tf2onnx writes Keras: the images are turned first, and scaled by numbers."""
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
        node("Mul", "t by", "m"), node("Sub", "m mean", "s"), node("Div", "s std", "d"),
        node("Conv", "d w", "a"), node("Add", "a b", "c"), node("Relu", "c", "r"),
    ]
    weights = [
        tensor("w", 4, 3, 3, 3), tensor("b", 1, 4, 1, 1), tensor("mean", 1, 3, 1, 1),
        tensor("std", 3, 1, 1, low=0.5), scalars("by", 1.5, np.float32),
    ]
    return classifier(nodes, weights, 4, shape=["batch", 9, 8, 3], opset=13)


@case
def shuffled_channels():
    nodes = [
        node("Conv", "x w", "a"),
        node("Split", "a", ["p", "q"], axis=1),
        node("Conv", "q v", "r"),
        node("Concat", "p r", "c", axis=1),
        node("Reshape", "c apart", "d"),
        node("Transpose", "d", "e", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "e together", "f"),
        node("Slice", "f low high axes", "g"),
    ]
    weights = [
        tensor("w", 6, 3, 3, 3), tensor("v", 3, 3, 1, 1), scalars("apart", [0, 2, 3, 7, 6]),
        scalars("together", [0, -1, 7, 6]), scalars("low", [1, 0]),
        scalars("high", [2**63 - 1, -2]), scalars("axes", [1, 2]),
    ]
    return classifier(nodes, weights, 5, opset=13)


@case
def pads_of_their_own():
    """Keras and old exporters pad by a node of its own."""
    nodes = [
        node("Pad", "x p1", "x1"), node("Conv", "x1 w", "a", strides=[2, 2]), node("Relu", "a", "r"),
        node("Pad", "r p2 zero", "r1"), node("MaxPool", "r1", "m", kernel_shape=[3, 3], strides=[2, 2]),
        node("Pad", "m p3", "m1"), node("AveragePool", "m1", "q", kernel_shape=[2, 2]),
    ]
    weights = [
        tensor("w", 4, 3, 3, 3), scalars("p1", [0, 0, 0, 1, 0, 0, 1, 2]),
        scalars("p2", [0, 0, 1, 1, 0, 0, 1, 1]), scalars("p3", [0, 0, 1, 0, 0, 0, 0, 1]),
        scalars("zero", 0, np.float32),
    ]
    return classifier(nodes, weights, 4, opset=13, shape=["batch", 3, 12, 11])


@case
def rows_normalised():
    nodes = [
        node("Conv", "x w", "a"), node("GlobalAveragePool", "a", "g"), node("Flatten", "g", "f"),
        node("Gemm", "f l1 lb", "h", transB=1),
        node("BatchNormalization", "h bn.s bn.b bn.m bn.v", "n"), node("Relu", "n", "r"),
        node("Gemm", "r l2", "y", transB=1),
    ]
    weights = [
        tensor("w", 4, 3, 3, 3), tensor("l1", 6, 4), tensor("lb", 6), *norm("bn", 6), tensor("l2", 5, 6)
    ]
    return model(nodes, weights, ["batch", 3, 9, 8], ["batch", 5], 15)


@case
def dense_gate():
    """Squeeze-and-excitation by dense layers, and a dense layer without a bias."""
    nodes = [
        node("Conv", "x w", "a"), node("GlobalAveragePool", "a", "g"), node("Flatten", "g", "f"),
        node("Gemm", "f l1", "h", transB=1), node("Relu", "h", "h2"),
        node("MatMul", "h2 l2", "k"), node("HardSigmoid", "k", "s", alpha=0.16666667),
        node("Unsqueeze", "s axes", "s4"), node("Mul", "a s4", "o"),
    ]
    weights = [
        tensor("w", 4, 3, 3, 3), tensor("l1", 2, 4), tensor("l2", 2, 4), scalars("axes", [2, 3])
    ]
    return classifier(nodes, weights, 4, opset=13)


@case
def norms_written_as_scales():
    """As Keras exports batch norms that its converter does not merge: Mul and Add of constants."""
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
        node("Conv", "t w wb", "a"), node("Mul", "a s", "b"), node("Add", "b d", "c"),
        node("Conv", "c v", "e", group=4), node("Mul", "e s", "f"), node("Add", "d f", "g"),
        node("Relu", "g", "h"), node("Mul", "h s", "k"),
        node("Conv", "k u", "l"), node("Mul", "l half", "m"), node("Relu", "m", "o1"),
        node("Conv", "o1 u2", "o2"), node("Mul", "o2 s", "o3"), node("Relu", "o3", "o"),
        node("GlobalAveragePool", "o", "p"), node("Flatten", "p", "q"),
        node("MatMul", "q fc", "r"), node("Mul", "r rs", "z"), node("Add", "z rb", "y"),
    ]
    weights = [
        tensor("w", 4, 3, 3, 3), tensor("wb", 4), tensor("s", 1, 4, 1, 1, low=0.5, high=1.5),
        tensor("d", 4, 1, 1), tensor("v", 4, 1, 3, 3), tensor("u", 4, 4, 1, 1),
        tensor("u2", 4, 4, 1, 1), scalars("half", 0.5, np.float32), tensor("fc", 4, 5), tensor("rs", 5), tensor("rb", 5),
    ]
    return model(nodes, weights, ["batch", 9, 8, 3], ["batch", 5], 15)


@case
def weights_of_other_widths():
    """float16, bfloat16 and float64, as bytes and as lists, before a Cast to float32."""
    rng = np.random.default_rng(3)
    n = lambda *shape: rng.uniform(-0.5, 0.5, shape)
    half = numpy_helper.from_array(n(4, 3, 3, 3).astype(np.float16), "half")
    few = np.array([-0.75, 0.1, 0.25, 1.5]).astype(np.float16)
    listed = helper.make_tensor("listed", TensorProto.FLOAT16, [4], few)
    brain = helper.make_tensor("brain", TensorProto.BFLOAT16, [4, 4, 1, 1], n(16))
    brain_raw = helper.make_tensor(
        "brainraw", TensorProto.BFLOAT16, [4, 1, 1],
        (n(4).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes(), raw=True,
    )
    double = numpy_helper.from_array(n(4, 4, 1, 1), "double")
    double_listed = helper.make_tensor("doublelisted", TensorProto.DOUBLE, [4], n(4))
    weights = [half, listed, brain, brain_raw, double, double_listed]
    casts = [node("Cast", t.name, f"{t.name}.32", to=TensorProto.FLOAT) for t in weights]
    nodes = casts + [
        node("Conv", "x half.32 listed.32", "a"),
        node("Conv", "a brain.32", "b"),
        node("Mul", "b brainraw.32", "c"),
        node("Conv", "c double.32 doublelisted.32", "d"),
    ]
    return classifier(nodes, weights, 4, opset=13)


def segments(nodes, initial, shape, out, opset=17, **more):
    """The output is an image again: a class for each pixel."""
    return model(nodes, initial, shape, [shape[0], *out], opset, **more)


@case
def volume_segmented():
    """What a 3-D U-Net has: strides and pads per axis, norms, pools, a skip, classes of each voxel."""
    nodes = [
        node("Conv", "x w wb", "a", pads=[1, 0, 1, 1, 1, 1], kernel_shape=[3, 2, 3]),
        node("InstanceNormalization", "a i.s i.b", "b", epsilon=1e-3),
        node("LeakyRelu", "b", "c", alpha=0.01),
        node("MaxPool", "c", "d", kernel_shape=[2, 2, 2], strides=[2, 2, 1], pads=[0, 0, 0, 0, 0, 1]),
        node("Conv", "d v", "e", strides=[1, 1, 2], dilations=[1, 1, 2], pads=[0, 0, 2, 0, 0, 2], group=2),
        node("BatchNormalization", "e bn.s bn.b bn.m bn.v", "f"),
        node("ConvTranspose", "f t tb", "g", strides=[2, 2, 2], pads=[0, 0, 1, 0, 0, 1], output_padding=[0, 0, 1]),
        node("Concat", "g c", "h", axis=1),
        node("Conv", "h o ob", "y"),
        node("Softmax", "y", "p", axis=1),
    ]
    weights = [
        tensor("w", 4, 1, 3, 2, 3), tensor("wb", 4), tensor("i.s", 4, low=0.5), tensor("i.b", 4),
        tensor("v", 4, 2, 1, 1, 3), *norm("bn", 4), tensor("t", 4, 2, 2, 2, 3), tensor("tb", 2),
        tensor("o", 3, 6, 1, 1, 1), tensor("ob", 3),
    ]
    return segments(nodes, weights, ["batch", 1, 4, 4, 6], [3, 4, 4, 6])


@case
def volume_classified():
    nodes = [
        node("Conv", "x w", "a", auto_pad="SAME_LOWER", strides=[2, 2, 2]),
        node("AveragePool", "a", "b", kernel_shape=[2, 2, 2], pads=[1, 0, 0, 0, 0, 1], count_include_pad=1),
        node("AveragePool", "b", "c", kernel_shape=[2, 2, 2], strides=[2, 1, 2], ceil_mode=1),
        node("Mul", "c scale", "c1"), node("Relu", "c1", "c2"), node("Add", "c2 shift", "d"),
        node("GlobalMaxPool", "d", "e"), node("Mul", "d e", "f"), node("PRelu", "f slope", "f1"),
        node("ReduceMean", "f1", "g", axes=[-1, 2, 3], keepdims=0), node("Gemm", "g fc fcb", "y", transB=1),
    ]
    weights = [
        tensor("w", 4, 1, 3, 2, 3), tensor("scale", 4, 1, 1, 1), tensor("shift", 1, 4, 1, 1, 1),
        tensor("slope", 4, 1, 1, 1), tensor("fc", 3, 4), tensor("fcb", 3),
    ]
    return model(nodes, weights, ["batch", 1, 7, 6, 8], ["batch", 3], 17)


@case
def volume_resized():
    """Sizes as PyTorch computes them: from the skip's shape, or through floats and Floor."""
    nodes = [
        node("Conv", "x w", "a", strides=[2, 2, 2], pads=[1, 1, 1, 1, 1, 1]),
        node("Shape", "x", "s"),
        node("Slice", "s two five", "space"), node("Cast", "space", "space64", to=TensorProto.INT64),
        node("Slice", "s zero two", "front"), node("Concat", "front space64", "to", axis=0),
        node("Shape", "a", "as"), node("Slice", "as zero two", "afront"),
        node("Concat", "afront space64", "ato", axis=0),
        node("Resize", "a  none ato", "b", mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
        node("Conv", "b v", "c", strides=[1, 2, 2]),
    ]
    nodes[9].input[:] = ["a", "", "", "ato"]
    for axis in range(3):
        nodes += [
            node("Constant", "", f"at{axis}", value=scalars("", 2 + axis)), node("Shape", "c", f"cs{axis}"),
            node("Gather", f"cs{axis} at{axis}", f"n{axis}", axis=0), node("Cast", f"n{axis}", f"f{axis}", to=1),
            node("Mul", f"f{axis} twice", f"m{axis}"), node("Cast", f"m{axis}", f"k{axis}", to=1),
            node("Floor", f"k{axis}", f"l{axis}"), node("Cast", f"l{axis}", f"i{axis}", to=7),
            node("Unsqueeze", f"i{axis} zero", f"u{axis}"),
        ]
    for made in nodes:
        if made.op_type == "Constant":
            made.input[:] = []
    nodes += [
        node("Shape", "c", "cs"), node("Slice", "cs zero two", "cfront"),
        node("Concat", "cfront u0 u1 u2", "cto", axis=0), node("Resize", "c", "d", mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        node("Resize", "d", "y", mode="linear", coordinate_transformation_mode="asymmetric"),
    ]
    nodes[-2].input[:] = ["c", "", "", "cto"]
    nodes[-1].input[:] = ["d", "", "scales"]
    weights = [
        tensor("w", 2, 1, 3, 3, 3), tensor("v", 2, 2, 2, 1, 1), scalars("zero", [0]), scalars("two", [2]),
        scalars("five", [5]), scalars("twice", 2, np.float32), scalars("scales", [1, 1, 1, 2, 1], np.float32),
    ]
    return segments(nodes, weights, ["batch", 1, 4, 4, 2], [2, 6, 8, 2])


@case
def groups_as_instances():
    """PyTorch's GroupNorm with as many groups as channels, of a volume."""
    nodes = [
        node("Conv", "x w", "a"), node("Shape", "a", "s"), node("Reshape", "a apart", "r"),
        node("InstanceNormalization", "r one none", "n", epsilon=1e-4), node("Reshape", "n s", "b"),
        node("Mul", "b scale", "m"), node("Add", "m shift", "c"), node("Relu", "c", "y"),
    ]
    weights = [
        tensor("w", 3, 1, 2, 2, 2), scalars("apart", [0, 3, -1]), scalars("one", [1, 1, 1], np.float32),
        scalars("none", [0, 0, 0], np.float32), tensor("scale", 3, 1, 1, 1), tensor("shift", 3, 1, 1, 1),
    ]
    return segments(nodes, weights, ["batch", 1, 4, 5, 3], [3, 3, 4, 2])


@case
def group_normalization():
    """One group a channel, of images."""
    nodes = [
        node("Conv", "x w", "a"), node("GroupNormalization", "a scale shift", "b", num_groups=4),
        node("Conv", "b v", "y"),
    ]
    weights = [tensor("w", 4, 1, 3, 3), tensor("scale", 4), tensor("shift", 4), tensor("v", 2, 4, 1, 1)]
    return segments(nodes, weights, ["batch", 1, 8, 7], [2, 6, 5], opset=21, ir=10)


@case
def padded_to_the_skip():
    """The pads that U-Nets compute from two shapes, as PyTorch writes them, which are none here; and
    skips that are cropped in the middle, by Slice and by Pad."""
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]), node("MaxPool", "a", "d", kernel_shape=[2, 2], strides=[2, 2]),
        node("ConvTranspose", "d t", "u", strides=[2, 2]),
        node("Shape", "a", "as"), node("Shape", "u", "us"), node("Sub", "as us", "by"),
        node("Slice", "by two four", "rows"), node("Div", "rows twos", "half"), node("Sub", "rows half", "rest"),
        node("Slice", "half one two", "left"), node("Slice", "rest one two", "right"),
        node("Slice", "half zero one", "top"), node("Slice", "rest zero one", "bottom"),
        node("Concat", "left right top bottom fill", "flat", axis=0),
        node("Reshape", "flat pairs", "square"), node("Slice", "square minus least zero minus", "turned"),
        node("Transpose", "turned", "sides", perm=[1, 0]), node("Reshape", "sides minus", "pads"),
        node("Cast", "pads", "pads64", to=7), node("Pad", "u pads64", "p"),
        node("Concat", "a p", "c", axis=1), node("Conv", "c v", "e"),
        node("Slice", "a low high axes", "cropped"), node("Pad", "a less", "cropped2"),
        node("Add", "cropped cropped2", "skip"),
        node("Concat", "e skip", "f", axis=1), node("Conv", "f o", "y"),
    ]
    weights = [
        tensor("w", 2, 1, 3, 3), tensor("t", 2, 2, 2, 2), tensor("v", 2, 4, 3, 3), tensor("o", 2, 4, 1, 1),
        scalars("two", [2]), scalars("four", [4]), scalars("twos", [2, 2]), scalars("one", [1]),
        scalars("zero", [0]), scalars("fill", [0, 0, 0, 0]), scalars("pairs", [-1, 2]), scalars("minus", [-1]),
        scalars("least", [-(2**63) + 1]), scalars("low", [1, 1]), scalars("high", [7, -1]), scalars("axes", [2, 3]),
        scalars("less", [0, 0, -1, -1, 0, 0, -1, -1]),
    ]
    return segments(nodes, weights, ["batch", 1, 8, 6], [2, 6, 4])


@case
def channels_last_pixels():
    """As tf2onnx writes a Keras U-Net: channels last in, and classes last out."""
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]), node("Pad", "t pads  axes", "t1"),
        node("Conv", "t1 w", "a"), node("Relu", "a", "r"), node("Conv", "r v vb", "b"),
        node("Transpose", "b", "u", perm=[0, 2, 3, 1]), node("Softmax", "u", "y", axis=-1),
    ]
    nodes[1].input[:] = ["t", "pads", "", "axes"]
    weights = [
        tensor("w", 4, 1, 3, 3), tensor("v", 3, 4, 1, 1), tensor("vb", 3), scalars("pads", [1, 2, 1, 0]),
        scalars("axes", [-2, 3]),
    ]
    return segments(nodes, weights, ["batch", 6, 5, 1], [6, 5, 3], opset=18)


@case
def channels_last_volume():
    nodes = [
        node("Transpose", "x", "t", perm=[0, 4, 1, 2, 3]), node("Conv", "t w", "a"),
        node("Transpose", "a", "u", perm=[0, 2, 3, 4, 1]), node("Add", "u ub", "b"), node("Relu", "b", "c"),
        node("MatMul", "c m", "d"), node("Mul", "d by", "y"),
    ]
    weights = [tensor("w", 4, 1, 2, 2, 2), tensor("ub", 4), tensor("m", 4, 2), tensor("by", 2)]
    return segments(nodes, weights, ["batch", 4, 3, 5, 1], [3, 2, 4, 2])


@case
def residual_unit():
    """MONAI's UNet: a strided unit beside a strided convolution, PRelu of one slope, and back."""
    nodes = [
        node("Conv", "x w wb", "a", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("InstanceNormalization", "a one none", "b"), node("PRelu", "b slope", "c"),
        node("Conv", "x r rb", "d", strides=[2, 2], pads=[1, 1, 1, 1]), node("Add", "c d", "e"),
        node("ConvTranspose", "e t tb", "f", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
        node("Sigmoid", "f", "y"),
    ]
    weights = [
        tensor("w", 4, 1, 3, 3), tensor("wb", 4), scalars("one", [1] * 4, np.float32),
        scalars("none", [0] * 4, np.float32), tensor("slope", 1), tensor("r", 4, 1, 3, 3), tensor("rb", 4),
        tensor("t", 4, 1, 3, 3), tensor("tb", 1),
    ]
    return segments(nodes, weights, ["batch", 1, 6, 8], [1, 6, 8])


@case
def norm_of_one_image():
    """PyTorch's instance norm that keeps statistics, exported for a batch of one."""
    names = ["bn.s", "bn.b", "bn.m", "bn.v"]
    nodes = [node("Conv", "x w", "a")]
    nodes += [node("Expand", f"{k} one", f"{k}.e") for k in names]
    nodes += [node("Tile", f"{k}.e one", f"{k}.t") for k in names]
    nodes += [
        node("Reshape", "a size", "r"),
        node("BatchNormalization", "r bn.s.t bn.b.t bn.m.t bn.v.t", "n"),
        node("Reshape", "n size", "b"), node("Conv", "b v", "y"),
    ]
    weights = [
        tensor("w", 4, 1, 3, 3), *norm("bn", 4), scalars("one", [1]), scalars("size", [1, 4, 6, 5]),
        tensor("v", 2, 4, 1, 1),
    ]
    return segments(nodes, weights, [1, 1, 8, 7], [2, 6, 5])


@case
def output_shapes():
    nodes = [
        node("Conv", "x w", "a"),
        node("ConvTranspose", "a t", "b", strides=[2, 2, 2], output_shape=[5, 7, 4]),
        node("ConvTranspose", "b u", "y", strides=[1, 2, 1], auto_pad="SAME_LOWER"),
    ]
    weights = [tensor("w", 2, 1, 2, 2, 2), tensor("t", 2, 3, 3, 3, 3), tensor("u", 3, 2, 2, 3, 3)]
    return segments(nodes, weights, ["batch", 1, 3, 4, 3], [2, 5, 14, 4])


def main():
    folder = HERE / "cases"
    folder.mkdir(exist_ok=True)
    for name, build in CASES.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        global RNG
        RNG = np.random.default_rng(list(name.encode()))
        made = build()
        onnx.checker.check_model(made, full_check=True)
        batch = made.graph.input[0].type.tensor_type.shape.dim[0].dim_value or 2
        shape = [batch] + [d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim[1:]]
        fed = images(shape)
        if name.startswith("channels-last") or name == "norms-written-as-scales":
            fed = channels_last(shape)
        x = {made.graph.input[0].name: fed}
        onnx.save(made, folder / f"{name}.onnx")
        judge(name, made.SerializeToString(), made, x)
    for path in sorted(HERE.glob("*.onnx")):
        if path.stem == "too_new" or len(sys.argv) > 1:
            continue
        made = onnx.load(path)
        stored = {t.name for t in made.graph.initializer}
        fed = next(i for i in made.graph.input if i.name not in stored)
        dims = [d.dim_value for d in fed.type.tensor_type.shape.dim]
        judge(path.stem, str(path), made, {fed.name: images([dims[0] or 2] + dims[1:])})


def judge(name, source, made, x):
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    answer = session.run(None, x)[0]
    if name.startswith("channels-last") and answer.ndim > 2:  # classes of pixels come first
        answer = np.moveaxis(answer, -1, 1)
    try:
        second = ReferenceEvaluator(made).run(None, x)[0]
        if second.shape != answer.shape:
            second = np.moveaxis(second, -1, 1)
        agreed = float(np.abs(answer - second).max())
    except Exception as error:  # it lacks some old operators
        agreed = f"{type(error).__name__}: {error}"[:200]
    if isinstance(agreed, float) and agreed > 1e-5:
        print(f"{name}: ONNX Runtime and the reference evaluator differ by {agreed}")
    text = {
        "batch": int(next(iter(x.values())).shape[0]),
        "shape": list(answer.shape),
        "onnxruntime": onnxruntime.__version__,
        "reference_evaluator_differs_by": agreed,
        "output": [float(f"{v:.7g}") for v in answer.ravel()],
    }
    (HERE / "cases" / f"{name}.json").write_text(json.dumps(text, indent=1) + "\n")


if __name__ == "__main__":
    main()
