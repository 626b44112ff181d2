"""CNTK: the plan as a graph of cntk.ops, NCHW or NCDHW."""

import cntk as C
import numpy as np

from . import losses
from .operators import Operators
from .plan import DeviceUnavailable, Unsupported
from .threads import openmp


class Framework(object):
    """CNTK in one process, on one device: opened once, and then one network after another."""

    def open(self, device, threads):
        """Set threads (0 leaves them alone) and device."""
        self.version = C.__version__
        self.build_facts = {"blas": "MKL", "python": "2.7"}
        self.switches = {"optimizer": "nesterov(unit_gain=False)"}
        self.device, self.seen = C.device.cpu(), {"kind": "cpu", "name": ""}
        if device != "cpu":
            self.device = card(int(device.partition(":")[2] or 0))
            name = C.device.get_gpu_properties(self.device).name
            self.seen = {"kind": "gpu", "name": str(name)}
            self.switches["tf32"] = "none: CUDA 10.0 has no TF32"
            self.switches["results"] = "each step's is copied to the host"
        C.device.try_set_default_device(self.device)
        if threads:
            C.cntk_py.set_max_num_cputhreads(threads)

    def terms(self):
        """In force before a network and with one."""
        return {
            "threads": openmp(),
            "layout": "NCHW",
            "execution": "graph",
            "switches": self.switches,
        }

    def build(self, plan):
        return Network(plan, self.device, self.terms)


def card(number):
    """The GPU of that number, or why there is none."""
    kind = C.device.DeviceKind.GPU
    cards = [d for d in C.device.all_devices() if d.type() == kind]
    if number >= len(cards):
        raise DeviceUnavailable("no GPU %d: CNTK finds %d" % (number, len(cards)))
    return C.device.gpu(number)


class Network(object):
    """One workload: a graph for the timed steps, and one that lets everything be seen."""

    def __init__(self, plan, device, terms):
        self.plan, self.device, self.terms = plan, device, terms
        self.held = {name: self.hold(name) for name in plan.order}
        self.images = [self.on_device(x) for x in plan.inputs]
        self.x = self.variable(False)
        self.logits = self.graph(self.x)[plan.outputs[0]]
        self.seen_x = self.variable(plan.training)
        self.values = self.graph(self.seen_x)
        if plan.training:
            self.labels = [self.on_device(losses.targets(plan, y)) for y in plan.labels]
            shape = self.logits.shape
            self.y, self.seen_y = C.input_variable(shape), C.input_variable(shape)
            self.loss = losses.loss(plan, self.logits, self.y)
            self.seen_loss = losses.loss(plan, self.values[plan.outputs[0]], self.seen_y)
        self.reset()

    def variable(self, needs_gradient):
        return C.input_variable(self.plan.input_shape[1:], needs_gradient=needs_gradient)

    def on_device(self, batch):
        return C.Value(batch=np.ascontiguousarray(batch), device=self.device)

    def is_dense(self, name):
        """Dense weights are [in, out] in CNTK."""
        node = next(n for n in self.plan.nodes if name in n.params)
        return node.op == "Gemm" and self.plan.weights[name].ndim == 2

    def hold(self, name):
        value = np.ascontiguousarray(self.to_cntk(name, self.plan.weights[name]))
        if self.plan.roles[name] == "trainable":
            return C.Parameter(init=value, device=self.device, name=str(name))
        return C.Constant(value, device=self.device, name=str(name))

    def to_cntk(self, name, value):
        return value.T if self.is_dense(name) else value

    def from_cntk(self, name, value):
        return np.ascontiguousarray(value.T if self.is_dense(name) else value)

    def graph(self, x):
        values, operators = {self.plan.input: x}, Operators(self.plan, self.device)
        for node in self.plan.nodes:
            inputs = [values[n] for n in node.data] + [self.held[n] for n in node.params]
            try:
                values[node.output] = operators.operator(node)(node, *inputs)
            except Unsupported as refusal:
                raise Unsupported("node %r: %s" % (str(node.name), refusal))
        return values

    def reset(self):
        for name, value in self.plan.weights.items():
            self.held[name].value = np.ascontiguousarray(self.to_cntk(name, value))
        if self.plan.training:
            batch = self.plan.batch  # rates are for the mean over so many samples
            rate = C.learning_parameter_schedule(self.plan.learning_rate, minibatch_size=batch)
            momentum = C.momentum_schedule(self.plan.momentum, minibatch_size=batch)
            trained = [self.held[name] for name in self.plan.trainable]
            learner = C.nesterov(trained, rate, momentum, unit_gain=False)
            self.trainer = C.Trainer(self.logits, (self.loss, None), [learner])

    def step(self, slot):
        if not self.plan.training:
            return self.logits.eval({self.x: self.images[slot]}, device=self.device)
        batch = {self.x: self.images[slot], self.y: self.labels[slot]}
        self.trainer.train_minibatch(batch, device=self.device)
        return self.trainer.previous_minibatch_loss_average

    def wait(self, handle):
        """Nothing to wait for: steps return when they are done."""

    def close(self):
        """Nothing to give back: graphs and values go with it."""

    def read(self, handle):
        return np.asarray(handle, dtype=np.float32)

    def outputs(self, slot):
        wanted = [self.values[name] for name in self.plan.outputs]
        if not self.plan.training:
            found = [v.eval({self.seen_x: self.images[slot]}, device=self.device) for v in wanted]
            return dict(zip(self.plan.outputs, map(np.asarray, found)))
        kept = self.statistics()
        batch = {self.seen_x: self.images[slot], self.seen_y: self.labels[slot]}
        everything = C.combine([self.seen_loss] + wanted)
        # Something kept for a backward pass makes it a forward pass of training.
        _, found = everything.forward(
            batch, everything.outputs, set(everything.outputs[:1]), self.device
        )
        by_id = {variable.uid: np.asarray(value) for variable, value in found.items()}
        self.put_back(kept)
        return {name: by_id[v.output.uid] for name, v in zip(self.plan.outputs, wanted)}

    def gradients(self, slot):
        kept = self.statistics()
        trained = [self.held[name] for name in self.plan.trainable]
        batch = {self.seen_x: self.images[slot], self.seen_y: self.labels[slot]}
        gradients, loss = self.seen_loss.grad(
            batch, trained + [self.seen_x], [self.seen_loss], device=self.device
        )
        self.put_back(kept)
        share = np.float32(1.0 / self.plan.batch)  # CNTK sums over the batch
        by_id = {variable.uid: np.asarray(value) * share for variable, value in gradients.items()}
        out = {n: self.from_cntk(n, by_id[self.held[n].uid]) for n in self.plan.trainable}
        out["input"] = by_id[self.seen_x.uid].reshape(self.plan.input_shape)
        loss = list(loss.values())[0] if isinstance(loss, dict) else loss
        return float(np.mean(np.asarray(loss))), out

    def statistics(self):
        return {name: np.array(self.held[name].value) for name in self.plan.statistics}

    def put_back(self, kept):
        for name, value in kept.items():
            self.held[name].value = value

    def state(self):
        return {name: self.from_cntk(name, self.held[name].value) for name in self.plan.order}

    def shapes(self):
        batch = self.plan.batch
        return {n.name: [batch] + list(self.values[n.output].shape) for n in self.plan.nodes}
