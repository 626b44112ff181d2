"""Checks ONNX files and runs them. Each line of standard input is a JSON list, FILE and BATCH, with
"last" if the file takes the same images with their channels last; each line of standard output is
the answer of the numbers that judge.py feeds, or what went wrong.

    echo '["x.onnx", 1]' | python run.py
"""

import json
import sys
import traceback

import onnx
import onnxruntime

from judge import channels_last, images


def answer(path, batch, layout=""):
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    fed = session.get_inputs()[0]
    shape = [batch, *fed.shape[1:]]
    x = channels_last(shape) if layout == "last" else images(shape)
    out = session.run(None, {fed.name: x})[0]
    return {"shape": out.shape, "output": [float(v) for v in out.ravel()]}


for line in sys.stdin:
    try:
        said = answer(*json.loads(line))
    except Exception:
        said = {"error": traceback.format_exc()}
    print(json.dumps(said), flush=True)
