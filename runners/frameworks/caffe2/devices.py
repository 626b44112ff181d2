"""The two devices of a net: IDEEP, which computes, and the CPU device for what IDEEP lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlbench_sdk.plan import Node, Plan
from dlbench_sdk.table import Table


@dataclass
class Devices:
    """Caffe2's core, the device that computes, and the CPU device, which has all operators."""

    core: Any
    fast: Any
    cpu: Any

    def copy(self, net: Any, operator: str, source: str, target: str) -> None:
        """Write a copy from one device to the other, which is IDEEP's in both directions."""
        made = self.core.CreateOperator(operator, [source], [target], device_option=self.fast)
        net.Proto().op.extend([made])


class OnDevices(Table):
    """Writes operators for one device or the other. What computes a node writes its operators into
    a net: it takes the net, the blobs of the activations and the blob of the output."""

    def __init__(self, devices: Devices, plan: Plan, input_gradient: bool) -> None:
        super().__init__(plan)
        self.devices, self.input_gradient = devices, input_gradient
        self.constants: dict[str, tuple[np.ndarray, bool]] = {}  # and whether on the CPU device

    def constant(self, node: Node, name: str, value: np.ndarray, on_cpu: bool = True) -> str:
        """A blob that never changes."""
        name = f"constant.{node.name}.{name}"
        self.constants[name] = value.astype(np.float32), on_cpu
        return name

    def on_cpu(self, net: Any, inputs: Any, output: str, write: Any) -> None:
        """Write operators that IDEEP lacks: its tensors are copied to the CPU device and the
        result to IDEEP."""
        held = [f"{name}.for.{output}" for name in inputs]
        for name, copy in zip(inputs, held):
            self.devices.copy(net, "CopyIDEEPToCPU", name, copy)
        with self.devices.core.DeviceScope(self.devices.cpu):
            write(held, f"{output}.cpu")
        self.devices.copy(net, "CopyCPUToIDEEP", f"{output}.cpu", output)

    def padded(self, net: Any, x: str, node: Node, pads: Any, value: float = 0.0) -> str:
        """IDEEP's operators fail on pads that differ from side to side."""
        top, left, bottom, right = pads
        sides = {"pad_t": top, "pad_l": left, "pad_b": bottom, "pad_r": right}

        def write(inputs: Any, output: Any) -> Any:
            net.PadImage(inputs, [output], value=value, mode="constant", order="NCHW", **sides)

        name = f"padded.{node.name}"
        self.on_cpu(net, [x], name, write)
        return name

    def cpu_operator(self, operator: str, params: Any = (), **settings: Any) -> Any:
        """An operator of activations and parameters on the CPU device."""

        def write(net: Any, inputs: Any, output: Any) -> Any:
            run = getattr(net, operator)
            self.on_cpu(net, [*inputs, *params], output, lambda x, y: run(x, [y], **settings))

        return write
