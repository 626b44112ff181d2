"""The plan of a workload: plan.json with its tensors."""

import io
import json

import numpy as np

from . import safetensors

SCHEMA_VERSION = 1
LOSSES = ("softmax_cross_entropy", "dice_cross_entropy", "sigmoid_cross_entropy")


class Unsupported(Exception):
    """CNTK cannot do what a plan asks for; the message says what."""


class DeviceUnavailable(Exception):
    """The device is not there, or this build cannot use it; the message says why."""


class BadPlan(Exception):
    """A plan that is not one."""


class Node(object):
    """One operator. Attributes have ONNX's names and meaning (opset 17)."""

    def __init__(self, raw, roles):
        self.name, self.op = raw["name"], raw["op"]
        self.data = [i for i in raw["inputs"] if i not in roles]
        self.params = [i for i in raw["inputs"] if i in roles]
        self.output, self.shape = raw["output"], tuple(raw["shape"])
        self.attributes = raw["attributes"] or {}
        self.axes = len(self.shape) - 2  # of space: two of an image, three of a volume

    def __getattr__(self, name):
        try:
            return self.__dict__["attributes"][name]
        except KeyError:
            raise AttributeError("node %r has no %r" % (self.__dict__.get("name"), name))


class Plan(object):
    def __init__(self, raw, weights, batch):
        net, training = raw["network"], raw.get("training")
        if raw["precision"] != "fp32":
            raise Unsupported("precision %s" % raw["precision"])
        self.mode, self.batch, self.slots = raw["mode"], raw["batch"], raw["slots"]
        self.classes, self.training = raw["classes"], self.mode == "train"
        self.input, self.input_shape = net["input"]["name"], tuple(net["input"]["shape"])
        self.outputs = net["outputs"]
        self.roles = {p["name"]: p["role"] for p in net["parameters"]}
        self.order = [p["name"] for p in net["parameters"]]
        self.nodes = [Node(n, self.roles) for n in net["nodes"]]
        self.weights, self.inputs = weights, [batch["input.%d" % s] for s in range(self.slots)]
        self.labels = [batch["labels.%d" % s] for s in range(self.slots)]
        self.trainable = [n for n in self.order if self.roles[n] == "trainable"]
        self.statistics = [n for n in self.order if self.roles[n] != "trainable"]
        self.loss, self.dice = loss_of(raw), None
        if training:
            if self.loss == "dice_cross_entropy":
                self.dice = Dice(training["dice"])
            o = training["optimizer"]
            if o["name"] != "sgd" or not o["nesterov"] or o["weight_decay"] != 0:
                raise Unsupported("optimizer %s" % json.dumps(o, sort_keys=True))
            self.learning_rate, self.momentum = o["learning_rate"], o["momentum"]

    def shape_of(self, name):
        """The NCHW or NCDHW shape of an activation."""
        if name == self.input:
            return self.input_shape
        return next(n.shape for n in self.nodes if n.output == name)


class Dice(object):
    """What is added to numerator and denominator, and whether sums go over the batch too."""

    def __init__(self, raw):
        self.smooth, self.batch = float(raw["smooth"]), bool(raw["batch"])


def read(plan_path, weights_path, batch_path):
    """Read the three files of a workload."""
    with io.open(plan_path, encoding="utf-8") as stream:
        try:
            raw = json.load(stream)
        except ValueError as error:
            raise BadPlan("%s: %s" % (plan_path, error))
    try:
        if raw["schema_version"] != SCHEMA_VERSION:
            raise BadPlan("%s: schema_version %r is unknown" % (plan_path, raw["schema_version"]))
        stored = safetensors.read(weights_path)
        weights = {}
        for p in raw["network"]["parameters"]:
            weights[p["name"]] = checked(stored, weights_path, p["name"], p["shape"], np.float32)
        stored, batch = safetensors.read(batch_path), {}
        for slot in range(raw["slots"]):
            image, label = "input.%d" % slot, "labels.%d" % slot
            shape = raw["network"]["input"]["shape"]
            batch[image] = checked(stored, batch_path, image, shape, np.float32)
            batch[label] = labels(stored, batch_path, label, raw)
        return Plan(raw, weights, batch)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadPlan("%s: %r" % (plan_path, error))


def loss_of(raw):
    """The loss of a plan that trains; empty in inference."""
    loss = raw["training"]["loss"] if raw.get("training") else ""
    if loss and loss not in LOSSES:
        raise Unsupported("loss %s" % loss)
    return loss


def labels(stored, path, name, raw):
    """A class for each image or for each of its pixels, or zeros and ones for each class. A plan
    that only infers has labels too, which nothing reads: their type says which they are."""
    net, loss = raw["network"], loss_of(raw)
    logits = next(n["shape"] for n in net["nodes"] if n["output"] == net["outputs"][0])
    floats = name in stored and stored[name].dtype == np.float32
    if loss == "sigmoid_cross_entropy" or (not loss and floats):
        value = checked(stored, path, name, logits[:2], np.float32)
        if not np.isin(value, (0, 1)).all():
            raise safetensors.BadFile("%s: tensor %s has more than 0 and 1" % (path, name))
        return value
    value = checked(stored, path, name, logits[:1] + logits[2:], np.int64)
    if value.min() < 0 or value.max() >= raw["classes"]:
        text = "%s: tensor %s leaves 0 to %d"
        raise safetensors.BadFile(text % (path, name, raw["classes"] - 1))
    return value


def checked(stored, path, name, shape, dtype):
    if name not in stored:
        raise safetensors.BadFile("%s: tensor %s is missing" % (path, name))
    value = stored[name]
    if list(value.shape) != shape or value.dtype != dtype:
        text = "%s: tensor %s is %s %s, expected %s %s"
        found = (value.dtype, list(value.shape), np.dtype(dtype), shape)
        raise safetensors.BadFile(text % ((path, name) + found))
    return value
