package org.dlbench.dl4j;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;

/** The formulas of operators that DL4J's layers and vertices lack. */
final class Formulas {
  private Formulas() {}

  static Formula.Body add() {
    return (graph, x, parameters) -> x.add(parameters[0]);
  }

  static Formula.Body multiply() {
    return (graph, x, parameters) -> x.mul(parameters[0]);
  }

  /** max(x, 0) − slope·max(−x, 0); the gradient of PReLULayer fails. */
  static Formula.Body pRelu() {
    return (graph, x, parameters) -> graph.nn().relu(x, 0).sub(graph.nn().relu(x.neg(), 0).mul(parameters[0]));
  }

  /** x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))); ActivationGELU is off by a fiftieth. */
  static Formula.Body geluByTanh() {
    return (graph, x, parameters) -> {
      SDVariable line = x.mul(x).mul(0.044715).add(1.0).mul(x).mul(Math.sqrt(2 / Math.PI));
      return graph.math().tanh(line).add(1.0).mul(x).mul(0.5);
    };
  }

  /** x/2·(1 + erf(x/√2)). */
  static Formula.Body geluByErf() {
    return (graph, x, parameters) -> x.mul(graph.math().erf(x.mul(Math.sqrt(0.5))).add(1.0)).mul(0.5);
  }

  /** From its parts: SameDiff's layerNorm has no epsilon. */
  static Formula.Body layerNormalization(Plan.Node node) {
    int[] axes = IntStream.range(node.integer("axis"), node.shape().length).toArray();
    double epsilon = node.number("epsilon");
    return (graph, x, parameters) -> {
      SDVariable centred = x.sub(x.mean(true, axes));
      SDVariable variance = centred.mul(centred).mean(true, axes);
      SDVariable normal = centred.div(graph.math().sqrt(variance.add(epsilon)));
      return normal.mul(parameters[0]).add(parameters[1]);
    };
  }

  static Formula.Body transpose(int[] axes) {
    return (graph, x, parameters) -> graph.permute(x, axes);
  }

  static Formula.Body slice(Plan.Node node) {
    int[] from = new int[node.shape().length];
    from[node.integer("axis")] = node.integer("start");
    int[] size = Arrays.stream(node.shape()).mapToInt(extent -> (int) extent).toArray();
    return (graph, x, parameters) -> graph.slice(x, from, size);
  }
}
