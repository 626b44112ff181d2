package org.dlbench.dl4j;

import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The cross-entropy of pixels, less the mean Dice of the classes without the first, the background. Labels and
 * logits are [image, class·pixel]. In ND4J's operations, because SameDiff cannot differentiate its own
 * logarithm of a softmax along an axis.
 */
final class DiceLoss extends OwnLoss {
  private static final long serialVersionUID = 1;

  private final int classes;
  private final int pixels;
  private final double smooth;
  private final boolean ofBatch;

  /** With a Dice of the batch, it is in the loss of each image: DL4J takes the mean of these. */
  DiceLoss(int classes, int pixels, double smooth, boolean ofBatch) {
    this.classes = classes;
    this.pixels = pixels;
    this.smooth = smooth;
    this.ofBatch = ofBatch;
  }

  private INDArray apart(INDArray rows) {
    return rows.reshape('c', rows.size(0), classes, pixels);
  }

  /** Of each class, [image, class, 1] or [1, class, 1]. */
  private INDArray total(INDArray x) {
    return ofBatch ? x.sum(true, 0, 2) : x.sum(true, 2);
  }

  /** Dice and its denominator, of each class. */
  private Pair<INDArray, INDArray> dice(INDArray share, INDArray wanted) {
    INDArray sizes = total(share).addi(total(wanted)).addi(smooth);
    return new Pair<>(total(share.mul(wanted)).muli(2).addi(smooth).divi(sizes), sizes);
  }

  /** What makes a sum over the classes the mean without the first: [1, class, 1]. */
  private INDArray foreground() {
    INDArray weights = Nd4j.valueArrayOf(new long[] {1, classes, 1}, 1.0 / (classes - 1));
    return weights.putScalar(0, 0, 0, 0.0);
  }

  @Override
  public INDArray computeScoreArray(INDArray labels, INDArray logits, IActivation identity, INDArray mask) {
    INDArray wanted = apart(labels);
    INDArray share = Nd4j.nn().softmax(apart(logits), 1);
    INDArray mean = dice(share, wanted).getFirst().mul(foreground()).sum(1);
    // A share is zero only if it is rounded to that: with no logarithm of its own, it is as wrong as the least one.
    INDArray entropy = Transforms.log(Transforms.max(share, Float.MIN_NORMAL, false), false).muli(wanted).sum(1, 2).divi(-pixels);
    return entropy.reshape(entropy.length(), 1).sub(mean);
  }

  /** Of the softmax s with the slope d above it: s·(d − Σ s·d). */
  @Override
  public INDArray computeGradient(INDArray labels, INDArray logits, IActivation identity, INDArray mask) {
    INDArray wanted = apart(labels);
    INDArray share = Nd4j.nn().softmax(apart(logits), 1);
    Pair<INDArray, INDArray> dice = dice(share, wanted);
    double images = ofBatch ? logits.size(0) : 1; // in each of whose losses it is
    INDArray each = foreground().div(dice.getSecond()).muli(images);
    INDArray slope = each.mul(dice.getFirst()).sub(wanted.mul(each.mul(2)));
    INDArray gradient = slope.sub(share.mul(slope).sum(true, 1)).muli(share);
    gradient.addi(share.sub(wanted).divi(pixels));
    return gradient.reshape('c', logits.shape());
  }
}
