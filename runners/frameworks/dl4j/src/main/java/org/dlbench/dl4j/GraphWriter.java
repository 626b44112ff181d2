package org.dlbench.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/** Writes a plan as the configuration of a ComputationGraph. */
final class GraphWriter {
  static final String LOSS = "training loss";
  static final String PROBE = "probe";
  private static final CNN2DFormat FORMAT = CNN2DFormat.NCHW;

  private final Plan plan;
  private final ComputationGraphConfiguration.GraphBuilder graph;
  private final Map<String, String> vertices = new HashMap<>();
  private final Map<String, List<Holder>> holders = new HashMap<>();

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
      LossLayer loss = new LossLayer.Builder(new LossMCXENT(0, null)).activation(Activation.SOFTMAX).build();
      writer.graph.addLayer(LOSS, loss, logits).setOutputs(LOSS);
    } else {
      writer.graph.setOutputs(logits);
    }
    return new Written(writer.graph.build(), writer.vertices, writer.holders);
  }

  private void add(Plan.Node node) {
    String x = vertices.get(node.data().get(0));
    String name = node.name();
    switch (node.op()) {
      case "Conv" -> convolution(node, x);
      case "ConvTranspose" -> deconvolution(node, x);
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
      case "Softmax" -> softmax(node, x);
      case "MaxPool" -> maxPool(node, x);
      case "AveragePool" -> averagePool(node, x);
      case "GlobalAveragePool" -> graph.addLayer(name,
          new GlobalPoolingLayer.Builder(PoolingType.AVG).poolingDimensions(2, 3).collapseDimensions(false).build(), x);
      case "Add" -> elementWise(node, ElementWiseVertex.Op.Add, Formulas.add());
      case "Mul" -> elementWise(node, ElementWiseVertex.Op.Product, Formulas.multiply());
      case "Concat" -> concat(node);
      case "Flatten" -> graph.addVertex(name, new ReshapeVertex(-1, (int) node.shape()[1]), x);
      case "Reshape" -> reshape(node, x);
      case "Transpose" -> formula(node, x, Formulas.transpose(node.ints("perm")));
      case "Slice" -> slice(node, x);
      case "Gemm" -> dense(node, x);
      case "LRN" -> localResponse(node, x);
      case "Dropout" -> vertices.put(node.output(), x);
      case "Resize" -> resize(node, x);
      default -> throw Fault.unsupported("operator " + node.op());
    }
  }

  private void hold(Plan.Node node, int parameter, String layer, String key) {
    hold(node, parameter, layer, key, Layout.PLAIN);
  }

  private void hold(Plan.Node node, int parameter, String layer, String key, Layout layout) {
    if (parameter < node.params().size()) {
      holders.computeIfAbsent(node.params().get(parameter), p -> new ArrayList<>()).add(new Holder(layer, key, layout));
    }
  }

  private int channels(Plan.Node node) {
    return (int) plan.shapeOf(node.data().get(0))[1];
  }

  private int[] size(Plan.Node node) {
    long[] shape = plan.shapeOf(node.data().get(0));
    return new int[] {(int) shape[2], (int) shape[3]};
  }

  private static boolean even(int[] pads) {
    return pads[0] == pads[2] && pads[1] == pads[3];
  }

  /** Zeros around an image, as the plan orders sides: top, left, bottom, right. */
  private String padded(Plan.Node node, String x, int[] pads) {
    String name = node.name() + " padded";
    graph.addLayer(name, new ZeroPaddingLayer.Builder(pads[0], pads[2], pads[1], pads[3]).dataFormat(FORMAT).build(), x);
    return name;
  }

  private void convolution(Plan.Node node, String x) {
    int[] pads = node.ints("pads");
    int groups = node.integer("group");
    String source = even(pads) ? x : padded(node, x, pads);
    int[] own = even(pads) ? new int[] {pads[0], pads[1]} : new int[] {0, 0};
    if (groups > 1 && groups == channels(node)) {
      depthwise(node, source, own);
      return;
    }
    int inward = channels(node) / groups;
    int outward = (int) node.shape()[1] / groups;
    String[] parts = new String[groups];
    for (int g = 0; g < groups; g++) {
      String share = source;
      parts[g] = node.name();
      if (groups > 1) { // a layer for each group: ConvolutionLayer has none
        share = node.name() + " share " + g;
        parts[g] = node.name() + " group " + g;
        graph.addVertex(share, new SubsetVertex(g * inward, (g + 1) * inward - 1), source);
      }
      graph.addLayer(parts[g], new ConvolutionLayer.Builder(node.ints("kernel_shape"), node.ints("strides"), own)
          .dilation(node.ints("dilations")).nIn(inward).nOut(outward).hasBias(node.params().size() > 1).dataFormat(FORMAT).build(), share);
      hold(node, 0, parts[g], "W");
      hold(node, 1, parts[g], "b");
    }
    if (groups > 1) {
      graph.addVertex(node.name(), new MergeVertex(), parts);
    }
  }

  private void depthwise(Plan.Node node, String x, int[] pads) {
    int channels = channels(node);
    graph.addLayer(node.name(), new DepthwiseConvolution2D.Builder(node.ints("kernel_shape"), node.ints("strides"), pads)
        .depthMultiplier((int) node.shape()[1] / channels).dilation(node.ints("dilations")).nIn(channels).nOut((int) node.shape()[1])
        .hasBias(node.params().size() > 1).dataFormat(FORMAT).build(), x);
    hold(node, 0, node.name(), "W", Layout.DEPTHWISE);
    hold(node, 1, node.name(), "b");
  }

  private void deconvolution(Plan.Node node, String x) {
    if (node.integer("group") != 1) {
      throw Fault.unsupported("ConvTranspose in groups: Deconvolution2D has none");
    }
    if (node.isDilated()) {
      throw Fault.unsupported("dilated ConvTranspose: Deconvolution2D does not spread its kernel");
    }
    int[] kernel = node.ints("kernel_shape");
    int[] strides = node.ints("strides");
    int[] pads = node.ints("pads");
    int[] after = new int[2];
    for (int i = 0; i < 2; i++) {
      int whole = (size(node)[i] - 1) * strides[i] + kernel[i];
      after[i] = whole - pads[i] - (int) node.shape()[2 + i];
      if (after[i] < 0) {
        throw Fault.unsupported("ConvTranspose with output_padding: Deconvolution2D has none");
      }
    }
    String whole = node.name() + " whole";
    graph.addLayer(whole, new Deconvolution2D.Builder(kernel, strides, new int[] {0, 0})
        .nIn(channels(node)).nOut((int) node.shape()[1]).hasBias(node.params().size() > 1).dataFormat(FORMAT).build(), x);
    graph.addLayer(node.name(), new Cropping2D.Builder(pads[0], after[0], pads[1], after[1]).dataFormat(FORMAT).build(), whole);
    hold(node, 0, whole, "W");
    hold(node, 1, whole, "b");
  }

  private void batchNormalization(Plan.Node node, String x) {
    graph.addLayer(node.name(), new BatchNormalization.Builder().nIn(channels(node)).nOut(channels(node))
        .eps(node.number("epsilon")).decay(node.number("momentum")).useLogStd(false).dataFormat(FORMAT).build(), x);
    String[] keys = {"gamma", "beta", "mean", "var"};
    for (int i = 0; i < keys.length; i++) {
      hold(node, i, node.name(), keys[i]);
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
  private void formula(Plan.Node node, String x, Formula.Body body) {
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
    if (node.integer("axis") == 1 && node.shape().length <= 4) {
      graph.addVertex(node.name(), new SubsetVertex(node.integer("start"), node.integer("end") - 1), x);
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
    if (node.integer("axis") != node.shape().length - 1 && node.shape().length > 2) {
      throw Fault.unsupported("Softmax over axis " + node.integer("axis") + ": ActivationSoftmax takes the last one");
    }
    activation(node, x, Activation.SOFTMAX);
  }

  /**
   * Even pads that give all of the plan's windows, and how many windows too many before the first
   * and after the last one: pooling pads both sides alike, and a crop takes the rest away.
   */
  private void pool(Plan.Node node, String x, PoolingType kind) {
    int[] kernel = node.ints("kernel_shape");
    int[] strides = node.ints("strides");
    int[] pads = node.ints("pads");
    int[] own = new int[2];
    int[] before = new int[2];
    int[] after = new int[2];
    for (int i = 0; i < 2; i++) {
      int wanted = (int) node.shape()[2 + i];
      own[i] = pads[i];
      while (windows(node, i, own[i]) - (own[i] - pads[i]) / strides[i] < wanted) {
        own[i] += strides[i];
      }
      if (own[i] >= kernel[i]) {
        throw Fault.unsupported(node.op() + " with pads " + Arrays.toString(pads) + ": SubsamplingLayer pads less than a window");
      }
      before[i] = (own[i] - pads[i]) / strides[i];
      after[i] = windows(node, i, own[i]) - before[i] - wanted;
    }
    boolean whole = before[0] + before[1] + after[0] + after[1] == 0;
    String name = whole ? node.name() : node.name() + " whole";
    graph.addLayer(name, new SubsamplingLayer.Builder(kind, kernel, strides, own)
        .avgPoolIncludePadInDivisor(false).dataFormat(FORMAT).build(), x);
    if (!whole) {
      graph.addLayer(node.name(), new Cropping2D.Builder(before[0], after[0], before[1], after[1]).dataFormat(FORMAT).build(), name);
    }
  }

  private int windows(Plan.Node node, int side, int pad) {
    return (size(node)[side] + 2 * pad - node.ints("kernel_shape")[side]) / node.ints("strides")[side] + 1;
  }

  private void maxPool(Plan.Node node, String x) {
    if (node.isDilated()) {
      throw Fault.unsupported("MaxPool with dilations: SubsamplingLayer is not dilated under oneDNN");
    }
    pool(node, x, PoolingType.MAX);
  }

  /** Pads that count are zeros put there before: SubsamplingLayer's own gradient forgets them. */
  private void averagePool(Plan.Node node, String x) {
    int[] pads = node.ints("pads");
    boolean counted = node.integer("count_include_pad") == 1 && Arrays.stream(pads).anyMatch(p -> p > 0);
    if (!counted) {
      pool(node, x, PoolingType.AVG);
      return;
    }
    if (node.integer("ceil_mode") == 1) {
      throw Fault.unsupported("AveragePool with counted pads and ceil_mode: SubsamplingLayer counts all or none");
    }
    graph.addLayer(node.name(), new SubsamplingLayer.Builder(PoolingType.AVG, node.ints("kernel_shape"), node.ints("strides"), new int[] {0, 0})
        .dataFormat(FORMAT).build(), padded(node, x, pads));
  }

  private void elementWise(Plan.Node node, ElementWiseVertex.Op op, Formula.Body withParameter) {
    if (!node.params().isEmpty()) {
      formula(node, vertices.get(node.data().get(0)), withParameter);
      return;
    }
    String[] inputs = node.data().stream().map(vertices::get).toArray(String[]::new);
    graph.addVertex(node.name(), new ElementWiseVertex(op), inputs);
  }

  private void concat(Plan.Node node) {
    MergeVertex merge = new MergeVertex();
    merge.setMergeAxis(node.integer("axis"));
    graph.addVertex(node.name(), merge, node.data().stream().map(vertices::get).toArray(String[]::new));
  }

  private void dense(Plan.Node node, String x) {
    if (node.number("alpha") != 1 || node.number("beta") != 1) {
      throw Fault.unsupported("Gemm with alpha " + node.number("alpha") + " and beta " + node.number("beta"));
    }
    long inward = plan.shapeOf(node.data().get(0))[1];
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
        .dataFormat(FORMAT).build(), x);
  }

  private void resize(Plan.Node node, String x) {
    boolean nearest = node.string("mode").equals("nearest") && node.string("coordinate_transformation_mode").equals("asymmetric");
    if (!nearest) {
      throw Fault.unsupported("Resize " + node.string("mode") + ": DL4J has only Upsampling2D");
    }
    int[] scales = node.ints("scales");
    graph.addLayer(node.name(), new Upsampling2D.Builder().size(scales).dataFormat(FORMAT).build(), x);
  }
}
