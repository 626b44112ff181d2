"""The tensors that parity judges. The harness judges them, never the runner."""

from collections import OrderedDict

import numpy as np

from . import safetensors


def verify(network, plan, params):
    """Write what was asked for and leave the network as it was loaded."""
    tensors = OrderedDict()

    def put(name, value):
        tensors[name] = np.ascontiguousarray(value, dtype=np.float32)

    network.reset()
    try:
        for slot in range(plan.slots):
            suffix = "" if slot == 0 else ".slot%d" % slot
            for name, value in network.outputs(slot).items():
                put("output." + name + suffix, value)
        if plan.training:
            if params.get("gradients"):
                steps_in_depth(network, plan, put)
            trajectory(network, plan, int(params.get("steps") or 0), put)
    finally:
        network.reset()
    safetensors.write(params["output"], tensors)


def steps_in_depth(network, plan, put):
    """Two steps by the timed function, with the gradients that each started from."""
    for step in (0, 1):
        slot = step % plan.slots
        loss, gradients = network.gradients(slot)
        if step == 0:
            put("loss", [loss])
        for name, value in gradients.items():
            if name != "input":
                put("grad.%d/%s" % (step, name), value)
            elif step == 0:
                put("grad.input", value)
        network.wait(network.step(slot))
        for name, value in network.state().items():
            kind = "param" if plan.roles[name] == "trainable" else "stat"
            put("%s.%d/%s" % (kind, step + 1, name), value)
    network.reset()


def trajectory(network, plan, steps, put):
    """The losses that consecutive steps saw, each before its update."""
    if steps:
        losses = [network.read(network.step(i % plan.slots)) for i in range(steps)]
        put("trajectory", np.array([np.asarray(x).reshape(-1)[0] for x in losses]))
