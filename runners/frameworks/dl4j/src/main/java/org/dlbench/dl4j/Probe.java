package org.dlbench.dl4j;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.BaseGraphVertex;
import org.deeplearning4j.nn.graph.vertex.VertexIndices;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The identity, which keeps the gradient that passes through it: a graph gives away none. */
final class Probe extends GraphVertex {
  private static final long serialVersionUID = 1;

  @Override
  public GraphVertex clone() {
    return new Probe();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Probe;
  }

  @Override
  public int hashCode() {
    return Probe.class.hashCode();
  }

  @Override
  public long numParams(boolean backprop) {
    return 0;
  }

  @Override
  public int minVertexInputs() {
    return 1;
  }

  @Override
  public int maxVertexInputs() {
    return 1;
  }

  @Override
  public org.deeplearning4j.nn.graph.vertex.GraphVertex instantiate(
      ComputationGraph graph, String name, int index, INDArray params, boolean initialize, DataType type) {
    return new Vertex(graph, name, index, type);
  }

  @Override
  public InputType getOutputType(int index, InputType... inputs) {
    return inputs[0];
  }

  @Override
  public MemoryReport getMemoryReport(InputType... inputs) {
    return new LayerMemoryReport.Builder(null, Probe.class, inputs[0], inputs[0]).build();
  }

  /** The vertex at work. */
  static final class Vertex extends BaseGraphVertex {
    private static final long serialVersionUID = 1;
    private transient INDArray seen;

    Vertex(ComputationGraph graph, String name, int index, DataType type) {
      super(graph, name, index, (VertexIndices[]) null, (VertexIndices[]) null, type);
    }

    INDArray seen() {
      return seen;
    }

    @Override
    public boolean hasLayer() {
      return false;
    }

    @Override
    public Layer getLayer() {
      return null;
    }

    @Override
    public INDArray doForward(boolean training, LayerWorkspaceMgr workspaces) {
      return workspaces.dup(ArrayType.ACTIVATIONS, inputs[0]);
    }

    @Override
    public Pair<Gradient, INDArray[]> doBackward(boolean truncated, LayerWorkspaceMgr workspaces) {
      seen = epsilon.detach();
      return new Pair<>(null, new INDArray[] {workspaces.dup(ArrayType.ACTIVATION_GRAD, epsilon)});
    }

    @Override
    public void setBackpropGradientsViewArray(INDArray view) {
      // There are no parameters.
    }

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArrays(INDArray[] masks, MaskState state, int batch) {
      return null;
    }

    @Override
    public String toString() {
      return "Probe(" + vertexName + ")";
    }
  }
}
