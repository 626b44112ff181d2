package org.dlbench.dl4j;

import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** A loss that DL4J lacks: it says the loss of each image and the gradient, and what else DL4J asks for follows from them. */
abstract class OwnLoss implements ILossFunction {
  private static final long serialVersionUID = 1;

  @Override
  public final double computeScore(INDArray labels, INDArray logits, IActivation identity, INDArray mask, boolean average) {
    double sum = computeScoreArray(labels, logits, identity, mask).sumNumber().doubleValue();
    return average ? sum / logits.size(0) : sum;
  }

  @Override
  public final Pair<Double, INDArray> computeGradientAndScore(
      INDArray labels, INDArray logits, IActivation identity, INDArray mask, boolean average) {
    return new Pair<>(computeScore(labels, logits, identity, mask, average), computeGradient(labels, logits, identity, mask));
  }

  @Override
  public final String name() {
    return getClass().getSimpleName();
  }
}
