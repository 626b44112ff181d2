package org.dlbench.dl4j;

import java.util.LinkedHashMap;
import java.util.Map;

/** The tensors that parity judges. The harness judges them, never the runner. */
final class Verification {
  private final Workbench bench;
  private final Plan plan;
  private final Map<String, Safetensors.Tensor> out = new LinkedHashMap<>();

  Verification(Workbench bench, Plan plan) {
    this.bench = bench;
    this.plan = plan;
  }

  /** What was asked for; the bench is left as it was loaded. */
  Map<String, Safetensors.Tensor> tensors(boolean gradients, int steps) {
    bench.reset();
    try {
      for (int slot = 0; slot < plan.slots; slot++) {
        String suffix = slot == 0 ? "" : ".slot" + slot;
        bench.outputs(slot).forEach((name, value) -> out.put("output." + name + suffix, value));
      }
      if (plan.training && gradients) {
        stepsInDepth();
      }
      if (plan.training && steps > 0) {
        trajectory(steps);
      }
    } finally {
      bench.reset();
    }
    return out;
  }

  /** Two steps by the timed function, with the gradients that each started from. */
  private void stepsInDepth() {
    for (int step = 0; step < 2; step++) {
      int slot = step % plan.slots;
      for (Map.Entry<String, Safetensors.Tensor> entry : bench.gradients(slot).entrySet()) {
        switch (entry.getKey()) {
          case "loss", "input" -> {
            if (step == 0) {
              out.put(entry.getKey().equals("loss") ? "loss" : "grad.input", entry.getValue());
            }
          }
          default -> out.put("grad." + step + "/" + entry.getKey(), entry.getValue());
        }
      }
      bench.step(slot);
      String after = "." + (step + 1) + "/";
      bench.state().forEach((name, value) -> out.put((plan.isTrainable(name) ? "param" : "stat") + after + name, value));
    }
    bench.reset();
  }

  /** The losses that consecutive steps saw, each before its update. */
  private void trajectory(int steps) {
    float[] losses = new float[steps];
    for (int i = 0; i < steps; i++) {
      bench.step(i % plan.slots);
      losses[i] = bench.last()[0];
    }
    out.put("trajectory", Safetensors.Tensor.of(new long[] {steps}, losses));
  }
}
