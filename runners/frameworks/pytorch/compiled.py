"""The plan's forward pass as torch.compile makes it, and with it the backward pass that autograd
derives."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from typing import Any

import numpy as np

from dlbench_sdk.contract import Terms
from dlbench_sdk.plan import Plan

from .network import OnCard, TorchNetwork

COMPILERS = ("g++", "clang++", "c++")


def compiler() -> str | None:
    """What Inductor compiles C++ by, for CPUs and for the host's part on GPUs."""
    return next((path for path in map(shutil.which, COMPILERS) if path), None)


class Compiled(TorchNetwork):
    def __init__(self, torch: Any, device: Any, variant: str, plan: Plan) -> None:
        self.module = torch.nn.Module()
        super().__init__(torch, device, variant, plan)
        if plan.training and plan.input_gradient:  # as the compiled graph is asked for it
            for x in self.inputs:
                x.requires_grad_(True)
        self.forward_all = self.compiled()

    def run(self, x: Any) -> Any:
        return self.forward_all(x)[0]

    def held(self, params: dict[str, Any]) -> dict[str, Any]:
        """In a module, as any user of torch.compile has them: what a function takes from elsewhere
        is looked at anew in each call, and its weights cannot be frozen."""
        parameter = self.torch.nn.Parameter
        for i, (name, value) in enumerate(params.items()):
            if self.plan.roles[name] == "trainable":
                held = parameter(value, requires_grad=self.plan.training)
                self.module.register_parameter(f"parameter{i}", held)
            else:
                held = value
                self.module.register_buffer(f"statistic{i}", held)
            params[name] = held
        return params

    def compiled(self) -> Any:
        """Every output of the plan, by one graph."""
        names = {id(p): n for n, p in self.module.named_parameters()}
        names |= {id(b): n for n, b in self.module.named_buffers()}
        bound = [[names[id(p)] for p in params] for params in self.bound]
        steps = [(*op, params) for op, params in zip(self.ops, bound)]
        module, source, outputs = self.module, self.plan.input, self.plan.outputs

        def forward(x: Any) -> tuple[Any, ...]:
            values = {source: x}
            for output, operator, data, params in steps:
                taken = [values[name] for name in data]
                values[output] = operator(*taken, *[getattr(module, name) for name in params])
            return tuple(values[name] for name in outputs)

        module.forward = forward
        module.train(self.plan.training)
        return self.torch.compile(module, fullgraph=True, dynamic=False)

    def frozen(self) -> bool:
        """Weights that no gradient is asked of are constants of the graph if TORCHINDUCTOR_FREEZING
        says so: Inductor lays them out anew, and folds batch norms into convolutions."""
        config = importlib.import_module("torch._inductor.config")
        return config.freezing and not self.plan.training

    def terms(self) -> Terms:
        terms = super().terms()
        terms.switches |= {
            "compiler": f"Inductor of PyTorch {self.torch.__version__}, {version_of(compiler())}",
            "compile_mode": "default",
            "fullgraph": "on",
            "dynamic_shapes": "off",
            "freezing": "on: weights are constants" if self.frozen() else "off",
        }
        return terms

    def close(self) -> None:
        self.torch.compiler.reset()

    def outputs(self, slot: int) -> dict[str, np.ndarray]:
        """By the compiled graph, in the mode that steps call it in: what is verified is what is
        timed."""
        infers = self.torch.inference_mode(not self.plan.training)
        with infers, self.keeping_statistics(), self.autocast():
            values = self.forward_all(self.inputs[slot])
        return {name: self.read(value) for name, value in zip(self.plan.outputs, values)}

    def gradients(self, slot: int) -> tuple[float, dict[str, np.ndarray]]:
        x = self.inputs[slot]
        wanted = {"input": x} if x.requires_grad else {}
        wanted |= {name: self.params[name] for name in self.plan.trainable}
        with self.keeping_statistics():
            with self.autocast():
                logits = self.run(x)
            loss = self.loss(logits, slot)
            grads = self.torch.autograd.grad(self.scaled(loss), list(wanted.values()))
        out = {name: self.read(g) / self.loss_scale for name, g in zip(wanted, grads)}
        return float(loss.detach()), out


class CompiledOnCard(Compiled, OnCard):
    pass


def version_of(path: str | None) -> str:
    if path is None:
        return "no compiler of C++"
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return told.stdout.partition("\n")[0].strip()
