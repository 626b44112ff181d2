package org.dlbench.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;

/** Writes a plan as the configuration of a ComputationGraph. */
final class GraphWriter {
  static final String LOSS = "training loss";
  static final String PROBE = "probe";

  private final Plan plan;
  private final ComputationGraphConfiguration.GraphBuilder graph;
  private final Map<String, String> vertices = new HashMap<>();
  private final Map<String, List<Holder>> holders = new HashMap<>();
  private final Windows windows = new Windows(this);
  private int flattened;

  /** Where a parameter lies, or a share of its outermost axis: a layer's name and key, and in which layout. */
  record Holder(String layer, String key, Layout layout) {}

  /** A configuration, and where it has the plan's values and parameters. */
  record Written(
      ComputationGraphConfiguration configuration, Map<String, String> vertices, Map<String, List<Holder>> holders) {}

  private GraphWriter(Plan plan) {
    this.plan = plan;
    this.graph = new NeuralNetConfiguration.Builder()
        .dataType(DataType.FLOAT)
        .weightInit(WeightInit.ZERO)
        .activation(Activation.IDENTITY)
        .convolutionMode(ConvolutionMode.Truncate)
        .updater(plan.training ? new Nesterovs(plan.learningRate, plan.momentum) : new NoOp())
        .graphBuilder()
        .validateOutputLayerConfig(false)
        .addInputs(plan.input);
  }

  /** With a probe, the gradient of the input can be seen. */
  static Written write(Plan plan, boolean probe) {
    GraphWriter writer = new GraphWriter(plan);
    writer.vertices.put(plan.input, plan.input);
    if (probe) {
      writer.graph.addVertex(PROBE, new Probe(), plan.input);
      writer.vertices.put(plan.input, PROBE);
    }
    for (Plan.Node node : plan.nodes) {
      try {
        writer.add(node);
      } catch (Fault fault) {
        throw Fault.unsupported("node '" + node.name() + "': " + fault.getMessage());
      }
      writer.vertices.putIfAbsent(node.output(), node.name());
    }
    String logits = writer.vertices.get(plan.outputs.get(0));
    if (plan.training) {
      Losses.add(plan, writer.graph, LOSS, logits).setOutputs(LOSS);
    } else {
      writer.graph.setOutputs(logits);
    }
    return new Written(writer.graph.build(), writer.vertices, writer.holders);
  }

  private void add(Plan.Node node) {
    String x = vertices.get(node.data().get(0));
    String name = node.name();
    switch (node.op()) {
      case "Conv" -> windows.convolution(node, x);
      case "ConvTranspose" -> windows.deconvolution(node, x);
      case "BatchNormalization" -> batchNormalization(node, x);
      case "Relu" -> activation(node, x, Activation.RELU);
      case "Sigmoid" -> activation(node, x, Activation.SIGMOID);
      case "Clip" -> clip(node, x);
      case "LeakyRelu" -> activation(node, x, new ActivationLReLU(node.number("alpha")));
      case "PRelu" -> formula(node, x, Formulas.pRelu());
      case "HardSigmoid" -> hardSigmoid(name, x, node.number("alpha"), node.number("beta"));
      case "HardSwish" -> hardSwish(node, x);
      case "Gelu" -> formula(node, x, node.string("approximate").equals("tanh") ? Formulas.geluByTanh() : Formulas.geluByErf());
      case "LayerNormalization" -> formula(node, x, Formulas.layerNormalization(node));
      case "InstanceNormalization" -> formula(node, x, Formulas.instanceNormalization(node));
      case "Softmax" -> softmax(node, x);
      case "MaxPool" -> windows.maxPool(node, x);
      case "AveragePool" -> windows.averagePool(node, x);
      case "GlobalAveragePool" -> graph.addLayer(name, new GlobalPoolingLayer.Builder(PoolingType.AVG)
          .poolingDimensions(IntStream.range(2, node.shape().length).toArray()).collapseDimensions(false).build(), x);
      case "Add" -> elementWise(node, ElementWiseVertex.Op.Add, Formulas.add());
      case "Mul" -> elementWise(node, ElementWiseVertex.Op.Product, Formulas.multiply());
      case "Concat" -> merge(name, node.integer("axis"), node.shape(), node.data().stream().map(vertices::get).toArray(String[]::new));
      case "Flatten" -> graph.addVertex(name, new ReshapeVertex(-1, (int) node.shape()[1]), x);
      case "Reshape" -> reshape(node, x);
      case "Transpose" -> formula(node, x, Formulas.transpose(node.ints("perm")));
      case "Slice" -> slice(node, x);
      case "Gemm" -> dense(node, x);
      case "LRN" -> localResponse(node, x);
      case "Dropout" -> vertices.put(node.output(), x);
      case "Resize" -> windows.resize(node, x);
      default -> throw Fault.unsupported("operator " + node.op());
    }
  }

  void hold(Plan.Node node, int parameter, String layer, String key) {
    hold(node, parameter, layer, key, Layout.PLAIN);
  }

  void hold(Plan.Node node, int parameter, String layer, String key, Layout layout) {
    if (parameter < node.params().size()) {
      holders.computeIfAbsent(node.params().get(parameter), p -> new ArrayList<>()).add(new Holder(layer, key, layout));
    }
  }

  int channels(Plan.Node node) {
    return (int) shapeOf(node)[1];
  }

  /** The shape of its first input. */
  long[] shapeOf(Plan.Node node) {
    return plan.shapeOf(node.data().get(0));
  }

  void layer(String name, Layer layer, String x) {
    graph.addLayer(name, layer, x);
  }

  /** A volume as an image of depth·height rows: some of DL4J's layers and vertices know no other ranks. */
  private String flat(String x, long[] shape) {
    String name = x + " flat for " + flattened++;
    graph.addVertex(name, new ReshapeVertex((int) shape[0], -1, (int) (shape[2] * shape[3]), (int) shape[4]), x);
    return name;
  }

  /** A volume again. */
  private void deep(String name, String x, long[] shape) {
    graph.addVertex(name, new ReshapeVertex((int) shape[0], -1, (int) shape[2], (int) shape[3], (int) shape[4]), x);
  }

  /** Channels from one up to another of what has this shape. */
  void take(String name, String x, int from, int to, long[] shape) {
    SubsetVertex subset = new SubsetVertex(from, to - 1);
    if (shape.length < 5) {
      graph.addVertex(name, subset, x);
      return;
    }
    graph.addVertex(name + " as an image", subset, flat(x, shape));
    deep(name, name + " as an image", shape);
  }

  /** All parts behind one another, of the shape that they have together. */
  void merge(String name, int axis, long[] shape, String... parts) {
    MergeVertex merge = new MergeVertex();
    merge.setMergeAxis(axis);
    if (shape.length < 5) {
      graph.addVertex(name, merge, parts);
      return;
    }
    if (axis != 1) {
      throw Fault.unsupported("Concat of volumes along axis " + axis + ": MergeVertex takes images");
    }
    graph.addVertex(name + " as an image", merge, Arrays.stream(parts).map(part -> flat(part, shape)).toArray(String[]::new));
    deep(name, name + " as an image", shape);
  }

  private void batchNormalization(Plan.Node node, String x) {
    BatchNormalization layer = new BatchNormalization.Builder().nIn(channels(node)).nOut(channels(node))
        .eps(node.number("epsilon")).decay(node.number("momentum")).useLogStd(false).dataFormat(CNN2DFormat.NCHW).build();
    String name = node.name();
    if (node.axes() == 3) {
      name = node.name() + " as an image";
      graph.addLayer(name, layer, flat(x, node.shape()));
      deep(node.name(), name, node.shape());
    } else {
      graph.addLayer(name, layer, x);
    }
    String[] keys = {"gamma", "beta", "mean", "var"};
    for (int i = 0; i < keys.length; i++) {
      hold(node, i, name, keys[i]);
    }
  }

  private void activation(Plan.Node node, String x, Activation kind) {
    activation(node, x, kind.getActivationFunction());
  }

  /** In inference an ActivationLayer overwrites its input: what is read again, or seen, is copied before. */
  private void activation(Plan.Node node, String x, IActivation kind) {
    String own = x;
    if (!plan.training && (x.equals(plan.input) || isOutput(x) || readers(x) > 1)) {
      own = node.name() + " copied";
      graph.addVertex(own, new ScaleVertex(1.0), x);
    }
    graph.addLayer(node.name(), new ActivationLayer.Builder().activation(kind).build(), own);
  }

  private boolean isOutput(String vertex) {
    return plan.outputs.stream().anyMatch(value -> vertex.equals(vertices.get(value)));
  }

  /** How often the plan reads what a vertex makes. */
  private long readers(String vertex) {
    return plan.nodes.stream().flatMap(node -> node.data().stream()).filter(value -> vertex.equals(vertices.get(value))).count();
  }

  /** What no layer or vertex of DL4J computes. */
  void formula(Plan.Node node, String x, Formula.Body body) {
    graph.addLayer(node.name(), new Formula(body, node.params().stream().map(plan.shapes::get).toList()), x);
    for (int i = 0; i < node.params().size(); i++) {
      hold(node, i, node.name(), Formula.key(i));
    }
  }

  /** DL4J's own has one slope only. */
  private void hardSigmoid(String name, String x, double alpha, double beta) {
    String scaled = name + " scaled";
    String line = name + " line";
    graph.addVertex(scaled, new ScaleVertex(alpha), x);
    graph.addVertex(line, new ShiftVertex(beta), scaled);
    graph.addLayer(name, new ActivationLayer.Builder().activation(new ActivationReLU(1.0, 0.0, 0.0)).build(), line);
  }

  private void hardSwish(Plan.Node node, String x) {
    String gate = node.name() + " gate";
    hardSigmoid(gate, x, 1.0 / 6, 0.5);
    graph.addVertex(node.name(), new ElementWiseVertex(ElementWiseVertex.Op.Product), x, gate);
  }

  private void reshape(Plan.Node node, String x) {
    int[] shape = Arrays.stream(node.shape()).mapToInt(extent -> (int) extent).toArray();
    shape[0] = -1;
    graph.addVertex(node.name(), new ReshapeVertex(shape), x);
  }

  private void slice(Plan.Node node, String x) {
    if (node.integer("axis") == 1 && node.shape().length <= 5) {
      take(node.name(), x, node.integer("start"), node.integer("end"), node.shape());
    } else {
      formula(node, x, Formulas.slice(node));
    }
  }

  /** min + relu(x - min), cut off at max - min. */
  private void clip(Plan.Node node, String x) {
    double low = node.number("min");
    String shifted = node.name() + " shifted";
    String cut = node.name() + " cut";
    graph.addVertex(shifted, new ShiftVertex(-low), x);
    graph.addLayer(cut, new ActivationLayer.Builder().activation(new ActivationReLU(node.number("max") - low, 0.0, 0.0)).build(), shifted);
    graph.addVertex(node.name(), new ShiftVertex(low), cut);
  }

  private void softmax(Plan.Node node, String x) {
    if (node.integer("axis") == node.shape().length - 1) { // ActivationSoftmax takes the last one
      activation(node, x, Activation.SOFTMAX);
    } else {
      formula(node, x, Formulas.softmax(node.integer("axis")));
    }
  }

  private void elementWise(Plan.Node node, ElementWiseVertex.Op op, Formula.Body withParameter) {
    if (!node.params().isEmpty()) {
      formula(node, vertices.get(node.data().get(0)), withParameter);
      return;
    }
    String[] inputs = node.data().stream().map(vertices::get).toArray(String[]::new);
    graph.addVertex(node.name(), new ElementWiseVertex(op), inputs);
  }

  private void dense(Plan.Node node, String x) {
    if (node.number("alpha") != 1 || node.number("beta") != 1) {
      throw Fault.unsupported("Gemm with alpha " + node.number("alpha") + " and beta " + node.number("beta"));
    }
    long inward = shapeOf(node)[1];
    graph.addLayer(node.name(), new DenseLayer.Builder().nIn(inward).nOut(node.shape()[1]).hasBias(node.params().size() > 1).build(), x);
    hold(node, 0, node.name(), "W", Layout.DENSE);
    hold(node, 1, node.name(), "b");
  }

  private void localResponse(Plan.Node node, String x) {
    int size = node.integer("size");
    if (size % 2 == 0) {
      throw Fault.unsupported("LRN of even size " + size);
    }
    if (plan.training) {
      throw Fault.unsupported("the gradient of LRN: DL4J's is off by a hundredth if the sums are large");
    }
    // DL4J's alpha multiplies the sum of squares, ONNX's their mean.
    graph.addLayer(node.name(), new LocalResponseNormalization.Builder(node.number("bias"), size, node.number("alpha") / size, node.number("beta"))
        .dataFormat(CNN2DFormat.NCHW).build(), x);
  }
}
