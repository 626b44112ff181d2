package org.dlbench.dl4j;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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

  /** From its parts: the gradient of SameDiff's own along an axis is another one's. */
  static Formula.Body softmax(int axis) {
    return (graph, x, parameters) -> {
      SDVariable powers = graph.math().exp(x.sub(x.max(true, axis)));
      return powers.div(powers.sum(true, axis));
    };
  }

  /** Each channel of each image by its own mean and variance. */
  static Formula.Body instanceNormalization(Plan.Node node) {
    int[] axes = IntStream.range(2, node.shape().length).toArray();
    long[] each = LongStream.range(0, node.shape().length).map(axis -> axis == 1 ? node.shape()[1] : 1).toArray();
    double epsilon = node.number("epsilon");
    return (graph, x, parameters) -> {
      SDVariable centred = x.sub(x.mean(true, axes));
      SDVariable variance = centred.mul(centred).mean(true, axes);
      SDVariable slope = parameters[0].reshape(each).div(graph.math().sqrt(variance.add(epsilon)));
      return centred.mul(slope).add(parameters[1].reshape(each));
    };
  }

  /** A linear resize, axis by axis from the last, each of which in turn becomes the last one. */
  static Formula.Body resize(Plan.Node node, long[] from) {
    int axes = node.axes();
    int[] turn = new int[2 + axes];
    turn[1] = 1;
    turn[2] = 1 + axes;
    for (int i = 3; i < turn.length; i++) {
      turn[i] = i - 1;
    }
    return (graph, x, parameters) -> {
      long[] shape = from.clone();
      SDVariable y = x;
      for (int axis = 1 + axes; axis >= 2; axis--) {
        int scale = node.ints("scales")[axis - 2];
        INDArray matrix = Nd4j.create(resizeMatrix(node, (int) from[axis], scale));
        SDVariable rows = y.reshape(-1, from[axis]).mmul(graph.constant(matrix));
        shape[1 + axes] = from[axis] * scale;
        y = graph.permute(rows.reshape(shape), turn);
        long last = shape[1 + axes];
        System.arraycopy(shape, 2, shape, 3, axes - 1);
        shape[2] = last;
      }
      return y;
    };
  }

  /** What each element gives to those of the resized axis: [size, size·scale]. */
  static float[][] resizeMatrix(Plan.Node node, int size, int scale) {
    double half = node.string("coordinate_transformation_mode").equals("half_pixel") ? 0.5 : 0;
    float[][] matrix = new float[size][size * scale];
    for (int out = 0; out < size * scale; out++) {
      double place = (out + half) / scale - half;
      double low = Math.floor(place);
      double share = node.string("mode").equals("linear") ? place - low : 0;
      matrix[clipped(low, size)][out] += (float) (1 - share);
      matrix[clipped(low + 1, size)][out] += (float) share;
    }
    return matrix;
  }

  private static int clipped(double place, int size) {
    return (int) Math.max(0, Math.min(size - 1, place));
  }
}
