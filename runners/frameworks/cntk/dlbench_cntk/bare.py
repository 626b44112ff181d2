"""python2.7 -m dlbench_cntk.bare: ResNet and LeNet as CNTK's examples write them, by its layers."""

import hashlib
import io
import json
import os
import sys

import cntk as C
import numpy as np

from .server import Monotonic, take_stdout

DEPTHS = {
    "resnet20": (False, (3, 3, 3)),
    "resnet18": (False, (2, 2, 2, 2)),
    "resnet34": (False, (3, 4, 6, 3)),
    "resnet50": (True, (3, 4, 6, 3)),
    "resnet101": (True, (3, 4, 23, 3)),
    "resnet152": (True, (3, 8, 36, 3)),
}


def conv_bn(x, filters, kernel, stride=1, relu=True):
    shape = (kernel, kernel)
    y = C.layers.Convolution2D(shape, filters, strides=stride, pad=kernel > 1, bias=False)(x)
    y = C.layers.BatchNormalization(map_rank=1, normalization_time_constant=80, epsilon=1e-5)(y)
    return C.relu(y) if relu else y


def resnet(network, x, classes):
    bottleneck, depths = DEPTHS[network]
    if network == "resnet20":
        channels = 16
        x = conv_bn(x, channels, 3)
    else:
        channels = 64
        x = conv_bn(x, channels, 7, 2)
        x = C.layers.MaxPooling((3, 3), strides=2, pad=True)(x)
    first = channels
    for stage, depth in enumerate(depths):
        for i in range(depth):
            width, stride = first << stage, 2 if stage > 0 and i == 0 else 1
            out = 4 * width if bottleneck else width
            y = conv_bn(x, width, 1) if bottleneck else conv_bn(x, width, 3, stride)
            if bottleneck:
                y = conv_bn(y, width, 3, stride)
            y = conv_bn(y, out, 1 if bottleneck else 3, relu=False)
            same = stride == 1 and channels == out
            x = C.relu(y + (x if same else conv_bn(x, out, 1, stride, relu=False)))
            channels = out
    return C.layers.Dense(classes)(C.layers.GlobalAveragePooling()(x))


def lenet(x, classes):
    x = C.layers.Convolution2D((5, 5), 6, pad=True, activation=C.relu)(x)
    x = C.layers.MaxPooling((2, 2), strides=2)(x)
    x = C.layers.Convolution2D((5, 5), 16, pad=False, activation=C.relu)(x)
    x = C.layers.MaxPooling((2, 2), strides=2)(x)
    x = C.layers.Dense(120, activation=C.relu)(x)
    return C.layers.Dense(classes)(C.layers.Dense(84, activation=C.relu)(x))


class Workload(object):
    def __init__(self, network, mode, batch, classes):
        self.mode, self.clock = mode, Monotonic()
        shape = {"lenet": (1, 28, 28), "resnet20": (3, 32, 32)}.get(network, (3, 224, 224))
        self.x, self.y = C.input_variable(shape), C.input_variable((classes,))
        make = lenet if network == "lenet" else lambda x, c: resnet(network, x, c)
        self.z = make(self.x, classes)
        loss = C.cross_entropy_with_softmax(self.z, self.y)
        rate = C.learning_parameter_schedule(1e-3, minibatch_size=batch)
        momentum = C.momentum_schedule(0.9, minibatch_size=batch)
        learner = C.nesterov(self.z.parameters, rate, momentum, unit_gain=False)
        self.trainer = C.Trainer(self.z, (loss, None), [learner])
        images = [np.random.randn(batch, *shape).astype(np.float32) for _ in range(2)]
        labels = [np.random.randint(0, classes, batch) for _ in range(2)]
        dense = [np.eye(classes, dtype=np.float32)[chosen] for chosen in labels]
        self.images = [C.Value(batch=x) for x in images]
        self.labels = [C.Value(batch=y) for y in dense]

    def loop(self, iterations, slot):
        start = self.clock()
        for i in range(iterations):
            k = (slot + i) % 2
            if self.mode == "train":
                self.trainer.train_minibatch({self.x: self.images[k], self.y: self.labels[k]})
                output = self.trainer.previous_minibatch_loss_average
            else:
                output = self.z.eval({self.x: self.images[k]})
        return start, self.clock(), np.asarray(output, dtype=np.float32)


def main():
    replies = take_stdout()
    C.device.try_set_default_device(C.device.cpu())
    threads = int(os.environ.get("DLBENCH_THREADS", "1"))
    C.cntk_py.set_max_num_cputhreads(threads)
    workload = None
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        params, result = request.get("params") or {}, {}
        if request["request"] == "hello":
            result = hello(threads)
        elif request["request"] == "load":
            with io.open(params["plan"], encoding="utf-8") as stream:
                plan = json.load(stream)
            network, mode = plan["network"]["name"], plan["mode"]
            workload = Workload(network, mode, plan["batch"], plan["classes"])
            result = {"load_s": 0.0, "parameters": 0}
        elif request["request"] == "warmup":
            edges = [workload.loop(1, i % 2)[:2] for i in range(params["iterations"])]
            result = {"iteration_ns": [end - start for start, end in edges]}
        elif request["request"] == "measure":
            start, end, output = workload.loop(params["iterations"], params["first_slot"])
            digest = hashlib.sha256(output.tobytes()).hexdigest()
            result = {"start_ns": start, "end_ns": end, "output_digest": digest}
            if workload.mode == "train":
                result["loss"] = float(output.reshape(-1)[0])
        replies.write(json.dumps({"id": request["id"], "result": result}) + "\n")
        replies.flush()
        if request["request"] == "bye":
            break


def hello(threads):
    return {
        "protocol": 1,
        "runner": "bare",
        "framework": "CNTK",
        "framework_version": C.__version__,
        "adapter_digest": "",
        "build": {},
        "device": {"kind": "cpu", "name": ""},
        "terms": {
            "threads": threads,
            "cpus": [],
            "layout": "NCHW",
            "execution": "as documented",
            "precision": "fp32",
            "switches": {},
        },
        "capabilities": {
            "operators": [],
            "modes": ["infer", "train"],
            "precisions": ["fp32"],
            "running_variance": "unbiased",
        },
        "import_s": 0.0,
        "pid": os.getpid(),
    }


if __name__ == "__main__":
    main()
