package org.dlbench.dl4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** The loop that the runner is held against: graphs as DL4J's model zoo writes them. */
final class Bare implements Workbench {
  private static final Map<String, int[]> DEPTHS = Map.of(
      "resnet20", new int[] {3, 3, 3}, "resnet18", new int[] {2, 2, 2, 2}, "resnet34", new int[] {3, 4, 6, 3},
      "resnet50", new int[] {3, 4, 6, 3}, "resnet101", new int[] {3, 4, 23, 3}, "resnet152", new int[] {3, 8, 36, 3});

  private GraphBuilder builder;
  private int count;
  private boolean training;
  private ComputationGraph graph;
  private List<DataSet> batches;
  private INDArray output;

  @Override
  public String name() {
    return "bare";
  }

  @Override
  public void load(Plan plan) {
    String network = plan.workload.split("/")[0];
    training = plan.training;
    long[] shape = plan.inputShape;
    builder = new NeuralNetConfiguration.Builder()
        .updater(new Nesterovs(1e-3, 0.9)).weightInit(WeightInit.RELU).activation(Activation.IDENTITY)
        .convolutionMode(ConvolutionMode.Truncate).graphBuilder().addInputs("input")
        .setInputTypes(InputType.convolutional(shape[2], shape[3], shape[1], CNN2DFormat.NCHW));
    String last = network.equals("lenet") ? lenet() : resnet(network);
    builder.addLayer("output", new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
        .nOut(plan.classes).activation(Activation.SOFTMAX).build(), last).setOutputs("output");
    graph = new ComputationGraph(builder.build());
    graph.init();
    batches = new ArrayList<>();
    Random random = new Random(1);
    for (int slot = 0; slot < 2; slot++) {
      long[] labels = random.longs(plan.batch, 0, plan.classes).toArray();
      batches.add(new DataSet(Nd4j.randn(shape).castTo(org.nd4j.linalg.api.buffer.DataType.FLOAT), Losses.oneHot(labels, plan.batch, plan.classes)));
    }
  }

  private String next() {
    return "layer" + count++;
  }

  private String convolution(String x, int channels, int kernel, int stride, boolean relu) {
    String conv = next();
    builder.addLayer(conv, new ConvolutionLayer.Builder(kernel, kernel).stride(stride, stride)
        .padding(kernel / 2, kernel / 2).nOut(channels).hasBias(false).build(), x);
    String norm = next();
    builder.addLayer(norm, new BatchNormalization.Builder().eps(1e-5).decay(0.9).useLogStd(false).build(), conv);
    return relu ? activation(norm) : norm;
  }

  private String activation(String x) {
    String name = next();
    builder.addLayer(name, new ActivationLayer.Builder().activation(Activation.RELU).build(), x);
    return name;
  }

  private String resnet(String network) {
    boolean small = network.equals("resnet20");
    boolean bottleneck = DEPTHS.get(network).length == 4 && !network.equals("resnet18") && !network.equals("resnet34");
    int channels = small ? 16 : 64;
    int first = channels;
    String x = convolution("input", channels, small ? 3 : 7, small ? 1 : 2, true);
    if (!small) {
      String pool = next();
      builder.addLayer(pool, new SubsamplingLayer.Builder(PoolingType.MAX, new int[] {3, 3}, new int[] {2, 2}, new int[] {1, 1}).build(), x);
      x = pool;
    }
    int[] depths = DEPTHS.get(network);
    for (int stage = 0; stage < depths.length; stage++) {
      for (int i = 0; i < depths[stage]; i++) {
        int width = first << stage;
        int stride = stage > 0 && i == 0 ? 2 : 1;
        int out = bottleneck ? 4 * width : width;
        String y = convolution(x, width, bottleneck ? 1 : 3, bottleneck ? 1 : stride, true);
        if (bottleneck) {
          y = convolution(y, width, 3, stride, true);
        }
        y = convolution(y, out, bottleneck ? 1 : 3, 1, false);
        String shortcut = stride == 1 && channels == out ? x : convolution(x, out, 1, stride, false);
        String sum = next();
        builder.addVertex(sum, new ElementWiseVertex(ElementWiseVertex.Op.Add), y, shortcut);
        x = activation(sum);
        channels = out;
      }
    }
    String pool = next();
    builder.addLayer(pool, new GlobalPoolingLayer.Builder(PoolingType.AVG).build(), x);
    return pool;
  }

  private String lenet() {
    String x = "input";
    for (int channels : new int[] {6, 16}) {
      int pad = channels == 6 ? 2 : 0;
      String conv = next();
      builder.addLayer(conv, new ConvolutionLayer.Builder(5, 5).padding(pad, pad).nOut(channels).activation(Activation.RELU).build(), x);
      x = next();
      builder.addLayer(x, new SubsamplingLayer.Builder(PoolingType.MAX, new int[] {2, 2}, new int[] {2, 2}, new int[] {0, 0}).build(), conv);
    }
    for (int width : new int[] {120, 84}) {
      String dense = next();
      builder.addLayer(dense, new DenseLayer.Builder().nOut(width).activation(Activation.RELU).build(), x);
      x = dense;
    }
    return x;
  }

  @Override
  public void unload() {
    graph = null;
    batches = null;
  }

  @Override
  public void step(int slot) {
    if (training) {
      graph.fit(batches.get(slot));
    } else {
      output = graph.outputSingle(batches.get(slot).getFeatures());
    }
  }

  @Override
  public float[] last() {
    return training ? new float[] {(float) graph.score()} : output.dup('c').reshape(output.length()).toFloatVector();
  }

  @Override
  public void reset() {
    throw Fault.unsupported("verify: this is the bare loop");
  }

  @Override
  public Map<String, Safetensors.Tensor> outputs(int slot) {
    throw Fault.unsupported("verify: this is the bare loop");
  }

  @Override
  public Map<String, Safetensors.Tensor> gradients(int slot) {
    throw Fault.unsupported("verify: this is the bare loop");
  }

  @Override
  public Map<String, Safetensors.Tensor> state() {
    throw Fault.unsupported("verify: this is the bare loop");
  }

  @Override
  public Map<String, long[]> shapes() {
    return Map.of();
  }
}
