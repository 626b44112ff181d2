package org.dlbench.dl4j;

import java.util.Map;

/** What the protocol's server drives: it loads one workload at a time and runs its steps. */
interface Workbench {
  String name();

  void load(Plan plan);

  void unload();

  /** One timed iteration, complete when it returns. */
  void step(int slot);

  /** The last step's output: logits, or the loss of training. */
  float[] last();

  /** Goes back to the plan's weights and to a momentum of zero. */
  void reset();

  /** The forward pass in the plan's mode: every output of the plan, state unchanged. */
  Map<String, Safetensors.Tensor> outputs(int slot);

  /** The gradients of the mean loss by parameter, "input" and "loss" among them; state unchanged. */
  Map<String, Safetensors.Tensor> gradients(int slot);

  /** Every parameter and running statistic, in the plan's layout. */
  Map<String, Safetensors.Tensor> state();

  /** NCHW shapes of the nodes, as the framework tells them. */
  Map<String, long[]> shapes();
}
