"""Checks an ONNX file and runs it: the answer of the numbers that judge.py feeds, as JSON.

    python run.py FILE BATCH [last]    (last: the file takes the same images with their channels last)
"""

import json
import sys

import onnx
import onnxruntime

from judge import channels_last, images

onnx.checker.check_model(sys.argv[1], full_check=True)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
fed = session.get_inputs()[0]
shape = [int(sys.argv[2]), *fed.shape[1:]]
if sys.argv[3:] == ["last"]:
    x = channels_last(shape)
else:
    x = images(shape)
answer = session.run(None, {fed.name: x})[0]
print(json.dumps({"shape": answer.shape, "output": [float(v) for v in answer.ravel()]}))
