package org.dlbench.dl4j;

import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The mean over the classes of max(z, 0) − z·y + log(1 + exp(−|z|)). LossBinaryXENT takes the logarithm of
 * what the sigmoid has rounded to 0 or 1 already, or clips it.
 */
final class SigmoidLoss extends OwnLoss {
  private static final long serialVersionUID = 1;

  @Override
  public INDArray computeScoreArray(INDArray labels, INDArray logits, IActivation identity, INDArray mask) {
    INDArray losses = Transforms.softPlus(Transforms.abs(logits).negi(), false);
    losses.addi(Transforms.relu(logits)).subi(logits.mul(labels));
    return losses.mean(true, 1);
  }

  @Override
  public INDArray computeGradient(INDArray labels, INDArray logits, IActivation identity, INDArray mask) {
    return Transforms.sigmoid(logits).subi(labels).divi(logits.size(1));
  }
}
