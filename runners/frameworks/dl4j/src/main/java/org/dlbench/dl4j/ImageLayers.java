package org.dlbench.dl4j;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** Layers of images, NCHW. */
final class ImageLayers implements SpatialLayers {
  private static final CNN2DFormat FORMAT = CNN2DFormat.NCHW;

  @Override
  public Layer convolution(Window window, int[] pads, int[] dilations, Filters filters) {
    return new ConvolutionLayer.Builder(window.kernel(), window.strides(), pads).dilation(dilations)
        .nIn(filters.inward()).nOut(filters.outward()).hasBias(filters.biased()).dataFormat(FORMAT).build();
  }

  @Override
  public Layer deconvolution(Window window, Filters filters) {
    return new Deconvolution2D.Builder(window.kernel(), window.strides(), new int[] {0, 0})
        .nIn(filters.inward()).nOut(filters.outward()).hasBias(filters.biased()).dataFormat(FORMAT).build();
  }

  @Override
  public Layout deconvolutionWeight() {
    return Layout.PLAIN;
  }

  @Override
  public Layer pool(PoolingType kind, Window window, int[] pads) {
    return new SubsamplingLayer.Builder(kind, window.kernel(), window.strides(), pads)
        .avgPoolIncludePadInDivisor(false).dataFormat(FORMAT).build();
  }

  @Override
  public Layer padding(int[] before, int[] after) {
    return new ZeroPaddingLayer.Builder(before[0], after[0], before[1], after[1]).dataFormat(FORMAT).build();
  }

  @Override
  public Layer cropping(int[] before, int[] after) {
    return new Cropping2D.Builder(before[0], after[0], before[1], after[1]).dataFormat(FORMAT).build();
  }

  @Override
  public Layer upsampling(int[] scales) {
    return new Upsampling2D.Builder().size(scales).dataFormat(FORMAT).build();
  }

  @Override
  public Layer pixelLoss(ILossFunction loss) {
    return new CnnLossLayer.Builder(loss).format(FORMAT).activation(Activation.SOFTMAX).build();
  }
}
