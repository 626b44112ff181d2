package org.dlbench.dl4j;

import java.io.Serializable;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What DL4J's layers lack, as a layer of a formula that SameDiff computes and differentiates. */
final class Formula extends SameDiffLayer {
  private static final long serialVersionUID = 1;

  private final Body body;
  private final List<long[]> shapes;

  /** The formula of an activation and of parameters. */
  @FunctionalInterface
  interface Body extends Serializable {
    SDVariable of(SameDiff graph, SDVariable x, SDVariable[] parameters);
  }

  Formula(Body body, List<long[]> shapes) {
    this.body = body;
    this.shapes = shapes;
  }

  /** The name of a parameter in the layer. */
  static String key(int parameter) {
    return "p" + parameter;
  }

  @Override
  public SDVariable defineLayer(SameDiff graph, SDVariable x, Map<String, SDVariable> parameters, SDVariable mask) {
    return body.of(graph, x, IntStream.range(0, shapes.size()).mapToObj(i -> parameters.get(key(i))).toArray(SDVariable[]::new));
  }

  @Override
  public void defineParameters(SDLayerParams parameters) {
    for (int i = 0; i < shapes.size(); i++) {
      parameters.addWeightParam(key(i), shapes.get(i));
    }
  }

  @Override
  public void initializeParameters(Map<String, INDArray> parameters) {
    parameters.values().forEach(value -> value.assign(0)); // the plan's come afterwards
  }

  @Override
  public Layer instantiate(
      NeuralNetConfiguration configuration, Collection<TrainingListener> listeners, int index, INDArray view, boolean initialize, DataType type) {
    Halved layer = new Halved(configuration, type);
    layer.setIndex(index);
    layer.setParamsViewArray(view);
    layer.setParamTable(initializer().init(configuration, view, initialize));
    layer.setConf(configuration);
    return layer;
  }

  /** DL4J 1.0.0-M2.1 adds up the gradient of a SameDiffLayer's output twice: half of it goes in. */
  private static final class Halved extends org.deeplearning4j.nn.layers.samediff.SameDiffLayer {
    private static final long serialVersionUID = 1;

    Halved(NeuralNetConfiguration configuration, DataType type) {
      super(configuration, type);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
      return super.backpropGradient(epsilon.mul(0.5), workspaces);
    }
  }

  @Override
  public InputType getOutputType(int index, InputType input) {
    return input;
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
