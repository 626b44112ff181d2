package org.dlbench.dl4j;

import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling3D;
import org.deeplearning4j.nn.conf.layers.ZeroPadding3DLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping3D;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** Layers of volumes, NCDHW. Their mode of padding is not the network's if they do not say so. */
final class VolumeLayers implements SpatialLayers {
  private static final Convolution3D.DataFormat FORMAT = Convolution3D.DataFormat.NCDHW;

  @Override
  public Layer convolution(Window window, int[] pads, int[] dilations, Filters filters) {
    return new Convolution3D.Builder(window.kernel(), window.strides(), pads, dilations).convolutionMode(ConvolutionMode.Truncate)
        .nIn(filters.inward()).nOut(filters.outward()).hasBias(filters.biased()).dataFormat(FORMAT).build();
  }

  @Override
  public Layer deconvolution(Window window, Filters filters) {
    return new Deconvolution3D.Builder().kernelSize(window.kernel()).stride(window.strides()).convolutionMode(ConvolutionMode.Truncate)
        .nIn(filters.inward()).nOut(filters.outward()).hasBias(filters.biased()).dataFormat(FORMAT).build();
  }

  @Override
  public Layout deconvolutionWeight() {
    return Layout.DECONVOLUTION_3D;
  }

  @Override
  public Layer pool(PoolingType kind, Window window, int[] pads) {
    return new Subsampling3DLayer.Builder(kind, window.kernel(), window.strides(), pads).convolutionMode(ConvolutionMode.Truncate)
        .dataFormat(FORMAT).build();
  }

  @Override
  public Layer padding(int[] before, int[] after) {
    return new ZeroPadding3DLayer.Builder(before[0], after[0], before[1], after[1], before[2], after[2]).build();
  }

  @Override
  public Layer cropping(int[] before, int[] after) {
    return new Cropping3D.Builder(before[0], after[0], before[1], after[1], before[2], after[2]).build();
  }

  @Override
  public Layer upsampling(int[] scales) {
    return new Upsampling3D.Builder().size(scales).dataFormat(FORMAT).build();
  }

  @Override
  public Layer pixelLoss(ILossFunction loss) {
    return new Cnn3DLossLayer.Builder(FORMAT).lossFunction(loss).activation(Activation.SOFTMAX).build();
  }
}
