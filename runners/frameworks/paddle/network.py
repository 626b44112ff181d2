"""A plan as Paddle computes it: a static program, trained by its executor and inferred by Paddle
Inference's predictor."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbench_sdk import threads
from dlbench_sdk.contract import Network, Terms
from dlbench_sdk.plan import Plan, Unsupported
from dlbench_sdk.switches import environment

from .losses import loss_of
from .operators import Operators

LABELS = "labels"
SWITCHES = ("FLAGS_new_executor_serial_run", "OMP_WAIT_POLICY", "KMP_BLOCKTIME", "KMP_AFFINITY")


def terms_of(
    training: bool,
    told: int | None,
    switches: dict[str, str],
    volumes: bool = False,
    precision: str = "fp32",
) -> Terms:
    execution = "graph (static program, Executor)" if training else "graph (Paddle Inference)"
    layout = "NCDHW" if volumes else "NCHW"
    if not training:
        layout += " (blocked inside)"
    switches = switches | environment(*SWITCHES)
    return Terms(told, layout, execution, precision, switches)


@dataclass
class Written:
    """A static program of a plan."""

    program: Any
    start: Any  # the program that makes its variables
    input: Any
    values: dict[str, Any]  # by activation
    params: dict[str, Any]

    def outputs(self, plan: Plan) -> list[Any]:
        return [self.values[name] for name in plan.outputs]


@contextlib.contextmanager
def writing(paddle: Any, plan: Plan) -> Iterator[Written]:
    """The plan's forward pass in a program of its own, to which more can be added."""
    program, start = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(program, start):
        x = paddle.static.data(plan.input, list(plan.input_shape), "float32")
        x.stop_gradient = not plan.input_gradient
        params = {name: parameter(paddle, plan, name) for name in plan.weights}
        operators, values = Operators(paddle, plan), {plan.input: x}
        for node in plan.nodes:
            operands = [values[n] for n in node.data] + [params[n] for n in node.params]
            values[node.output] = operators.operator(node)(*operands)
        yield Written(program, start, x, values, params)


def parameter(paddle: Any, plan: Plan, name: str) -> Any:
    trained = plan.training and plan.roles[name] == "trainable"
    zero = paddle.nn.initializer.Constant(0.0)
    attributes = paddle.ParamAttr(name=name, initializer=zero, trainable=trained)
    shape = list(to_framework(plan, name, plan.weights[name]).shape)
    made = paddle.create_parameter(shape, "float32", attr=attributes)
    made.stop_gradient = not trained
    return made


def to_framework(plan: Plan, name: str, value: np.ndarray) -> np.ndarray:
    """Dense weights are [in, out] in Paddle."""
    dense = any(node.op == "Gemm" and node.params[0] == name for node in plan.nodes)
    return np.ascontiguousarray(value.T) if dense else value


class Held:
    """Variables with the plan's names, and the executor that computes with them."""

    def __init__(self, paddle: Any, plan: Plan) -> None:
        self.paddle, self.plan, self.place = paddle, plan, paddle.CPUPlace()
        self.scope, self.executor = paddle.static.Scope(), paddle.static.Executor(self.place)

    def tensor(self, value: np.ndarray) -> Any:
        made = self.paddle.base.core.DenseTensor()
        made.set(np.ascontiguousarray(value), self.place)
        return made

    def run(self, program: Any, feed: dict[str, Any], fetch: list[Any]) -> list[Any]:
        return self.executor.run(
            program, feed=feed, fetch_list=fetch, scope=self.scope, return_numpy=False
        )

    def initialize(self, start: Any) -> None:
        """Make the variables of a program, and give the plan's their weights."""
        self.executor.run(start, scope=self.scope)
        self.put(self.plan.weights)

    def put(self, values: dict[str, np.ndarray]) -> None:
        for name, value in values.items():
            held = self.scope.find_var(name).get_tensor()
            held.set(to_framework(self.plan, name, value), self.place)

    def state(self, names: Any) -> dict[str, np.ndarray]:
        held = {n: np.array(self.scope.find_var(n).get_tensor()) for n in names}
        return {n: to_framework(self.plan, n, value) for n, value in held.items()}


def unfused(plan: Plan) -> list[str]:
    """Passes that Paddle Inference dies of: one that merges a leaky rectifier into a convolution
    forgets the slope."""
    convolved = {node.output for node in plan.nodes if node.op == "Conv"}
    leaky = any(node.op == "LeakyRelu" and node.data[0] in convolved for node in plan.nodes)
    return ["conv_activation_onednn_fuse_pass"] if leaky else []


def check_narrow(plan: Plan) -> None:
    """Refuse what Paddle Inference gets wrong in bfloat16, without a word or by dying of it."""
    for node in plan.nodes if plan.precision == "bf16" else ():
        if node.op == "PRelu":
            raise Unsupported("PRelu in bf16: Paddle Inference's outputs are of other values")
        if node.op == "ConvTranspose" and set(node.dilations) != {1}:
            raise Unsupported("a dilated ConvTranspose in bf16: Paddle Inference dies of it")


class Predicted(Network):
    """Inference, by a predictor of the saved program."""

    def __init__(self, paddle: Any, plan: Plan, asked: int) -> None:
        check_narrow(plan)
        self.plan, self.asked = plan, asked
        held = Held(paddle, plan)
        with writing(paddle, plan) as written:
            # A dropout's output is its input: a value may have two names, but is saved once,
            # and the program's input is not saved as its output.
            outputs = written.outputs(plan)
            distinct = {id(value): value for value in outputs}
            self.places = [list(distinct).index(id(value)) for value in outputs]
            if id(written.input) in distinct:
                distinct[id(written.input)] = paddle.assign(written.input)
        self.seen = {n.name: list(written.values[n.output].shape) for n in plan.nodes}
        held.initialize(written.start)
        self.predictor = self.predictor_of(paddle, held, written, [*distinct.values()])
        self.input = self.predictor.get_input_handle(plan.input)
        names = self.predictor.get_output_names()
        self.handles = [self.predictor.get_output_handle(name) for name in names]
        self.inputs = [held.tensor(x) for x in plan.inputs]
        self.host = held.place

    def predictor_of(self, paddle: Any, held: Held, written: Written, outputs: list[Any]) -> Any:
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "network")
            with paddle.static.scope_guard(held.scope):
                paddle.static.save_inference_model(
                    path, [written.input], outputs, held.executor, program=written.program
                )
            config = paddle.inference.Config(f"{path}.json", f"{path}.pdiparams")
            config.disable_gpu()
            config.enable_onednn()
            if self.plan.precision == "bf16":
                config.enable_onednn_bfloat16()
            config.disable_glog_info()
            for name in unfused(self.plan):
                config.delete_pass(name)
            if self.asked:
                config.set_cpu_math_library_num_threads(self.asked)
            self.onednn = config.onednn_enabled()
            self.told = config.cpu_math_library_num_threads()
            return paddle.inference.create_predictor(config)

    def terms(self) -> Terms:
        # Not OpenMP's number: a run sets it at its beginning, and back to one at its end.
        switches = {"onednn": "on" if self.onednn else "off"}
        precision = self.plan.precision
        if precision == "bf16":
            switches["onednn_bfloat16"] = "on"
        return terms_of(False, self.told, switches, len(self.plan.input_shape) == 5, precision)

    def close(self) -> None:
        pass  # the predictor goes with it

    def reset(self) -> None:
        pass  # weights are constants of the predictor

    def step(self, slot: int) -> Any:
        self.input.share_external_data(self.inputs[slot])
        self.predictor.run()
        return self.handles[self.places[0]]

    def set_input(self, slot: int, values: np.ndarray) -> None:
        self.inputs[slot].set(np.ascontiguousarray(values), self.host)

    def wait(self, handle: Any) -> None:
        """Nothing to wait for: a run on a CPU returns when its outputs are there."""

    def read(self, handle: Any) -> np.ndarray:
        return handle.copy_to_cpu()

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        self.step(slot)
        found = [self.read(handle) for handle in self.handles]
        return {name: found[place] for name, place in zip(self.plan.outputs, self.places)}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        raise Unsupported("gradients of a plan that does not train")

    def state(self) -> dict[str, np.ndarray]:
        return dict(self.plan.weights)

    def shapes(self) -> dict[str, list[int]]:
        return self.seen


class Trained(Network):
    """Training: forward, backward and optimizer in one program."""

    def __init__(self, paddle: Any, plan: Plan) -> None:
        self.paddle, self.plan, self.held = paddle, plan, Held(paddle, plan)
        with writing(paddle, plan) as step:
            self.loss = self.loss_of(step)
            sgd = paddle.optimizer.Momentum(
                learning_rate=plan.sgd.learning_rate,
                momentum=plan.sgd.momentum,
                use_nesterov=True,
            )
            sgd.minimize(self.loss)
        self.program, self.start = step.program, step.start
        self.seen = {n.name: list(step.values[n.output].shape) for n in plan.nodes}
        with writing(paddle, plan) as observed:
            self.observed = observed
        with writing(paddle, plan) as differentiated:
            loss = self.loss_of(differentiated)
            wanted = [differentiated.params[name] for name in plan.trainable]
            if plan.input_gradient:
                wanted = [differentiated.input, *wanted]
            self.differentiated = differentiated.program
            self.found = [loss, *paddle.static.gradients([loss], wanted)]
        self.feeds = [
            {plan.input: self.held.tensor(x), LABELS: self.held.tensor(y)}
            for x, y in zip(plan.inputs, plan.labels)
        ]
        self.reset()

    def loss_of(self, written: Written) -> Any:
        held = self.plan.labels[0]
        labels = self.paddle.static.data(LABELS, list(held.shape), str(held.dtype))
        return loss_of(self.paddle, self.plan, written.values[self.plan.outputs[0]], labels)

    def terms(self) -> Terms:
        # Paddle tells nobody the executor's threads; those that compute are OpenMP's.
        switches = {"onednn": "off (default)", "optimizer": "Momentum(use_nesterov=True)"}
        return terms_of(True, threads.openmp(), switches, len(self.plan.input_shape) == 5)

    def close(self) -> None:
        self.held.executor.close()

    def reset(self) -> None:
        self.held.initialize(self.start)

    def step(self, slot: int) -> Any:
        return self.held.run(self.program, self.feeds[slot], [self.loss])[0]

    def wait(self, handle: Any) -> None:
        """Nothing to wait for: a run on a CPU returns when all of its operators are done."""

    def read(self, handle: Any) -> np.ndarray:
        return np.array(handle)

    @contextlib.contextmanager
    def keeping_statistics(self) -> Iterator[None]:
        kept = self.held.state(self.plan.statistics)
        yield
        self.held.put(kept)

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        feed = {self.plan.input: self.feeds[slot][self.plan.input]}
        fetch = self.observed.outputs(self.plan)
        with self.keeping_statistics():
            found = self.held.run(self.observed.program, feed, fetch)
        return {name: np.array(v) for name, v in zip(self.plan.outputs, found)}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        with self.keeping_statistics():
            found = self.held.run(self.differentiated, self.feeds[slot], self.found)
        loss, *gradients = [np.array(value) for value in found]
        names = (["input"] if self.plan.input_gradient else []) + self.plan.trainable
        told = dict(zip(names, gradients))
        return float(loss), {n: to_framework(self.plan, n, g) for n, g in told.items()}

    def state(self) -> dict[str, np.ndarray]:
        return self.held.state(self.plan.weights)

    def shapes(self) -> dict[str, list[int]]:
        return self.seen
