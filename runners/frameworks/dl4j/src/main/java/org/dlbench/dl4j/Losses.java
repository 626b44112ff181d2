package org.dlbench.dl4j;

import java.util.Arrays;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/** The plan's losses as layers, and the labels as these take them. DL4J takes the mean over the batch, and adds up everything else. */
final class Losses {
  static final String DICE = "dice_cross_entropy";
  static final String SIGMOID = "sigmoid_cross_entropy";

  private Losses() {}

  static GraphBuilder add(Plan plan, GraphBuilder graph, String name, String logits) {
    long[] shape = plan.logits();
    int classes = (int) shape[1];
    int pixels = pixels(shape);
    if (plan.loss.equals(SIGMOID)) {
      return graph.addLayer(name, layer(new SigmoidLoss(), Activation.IDENTITY), logits);
    }
    if (plan.loss.equals(DICE)) {
      graph.addVertex(name + " rows", new ReshapeVertex(-1, classes * pixels), logits);
      return graph.addLayer(name, layer(new DiceLoss(classes, pixels, plan.diceSmooth, plan.diceOfBatch), Activation.IDENTITY), name + " rows");
    }
    if (shape.length == 2) {
      return graph.addLayer(name, layer(new LossMCXENT(0, null), Activation.SOFTMAX), logits);
    }
    INDArray share = Nd4j.valueArrayOf(new long[] {1, classes}, 1.0 / pixels);
    return graph.addLayer(name, SpatialLayers.of(shape.length - 2).pixelLoss(new LossMCXENT(0, share)), logits);
  }

  private static LossLayer layer(ILossFunction loss, Activation activation) {
    return new LossLayer.Builder(loss).activation(activation).build();
  }

  private static int pixels(long[] shape) {
    return (int) Arrays.stream(shape).skip(2).reduce(1, (a, b) -> a * b);
  }

  /** What the loss compares with the logits: zeros and ones in their shape. */
  static INDArray targets(Plan plan, int slot) {
    long[] shape = plan.logits();
    Safetensors.Tensor labels = plan.labels.get(slot);
    if (plan.loss.equals(SIGMOID)) {
      return Nd4j.create(labels.floats(), shape, 'c');
    }
    INDArray ones = oneHot(labels.longs(), shape);
    return plan.loss.equals(DICE) ? ones.reshape('c', shape[0], -1) : ones;
  }

  /** Labels of classes as zeros and ones, [image, class] or with the axes of the pixels behind. */
  static INDArray oneHot(long[] labels, long... shape) {
    int classes = (int) shape[1];
    int pixels = pixels(shape);
    float[] ones = new float[labels.length * classes];
    for (int i = 0; i < labels.length; i++) {
      int image = i / pixels;
      ones[(image * classes + (int) labels[i]) * pixels + i % pixels] = 1;
    }
    return Nd4j.create(ones, shape, 'c');
  }
}
