"""Runs an ONNX file on normal images and says, of each float that it computes, the root mean square;
of its output also that of the difference between two images.

    python spread.py FILE    (JSON on standard output)
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

model = onnx.load(sys.argv[1])
answer = model.graph.output[0].name
names = [n.output[0] for n in model.graph.node if n.output[0] != answer]
for name in names:
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=["CPUExecutionProvider"]
)
fed = session.get_inputs()[0]
x = np.random.default_rng(1).normal(size=[2, *fed.shape[1:]]).astype(np.float32)
made = dict(zip([answer, *names], session.run([answer, *names], {fed.name: x})))


def root(v):
    return float(np.sqrt(np.mean(np.square(v.astype(np.float64)))))


print(
    json.dumps(
        {
            "roots": {name: root(v) for name, v in made.items()},
            "between": root(made[answer][0] - made[answer][1]),
            "logits": root(made[answer]),
        }
    )
)
