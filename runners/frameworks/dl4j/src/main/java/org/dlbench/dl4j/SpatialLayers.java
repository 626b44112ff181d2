package org.dlbench.dl4j;

import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** DL4J's layers with spatial axes: those of images and those of volumes are classes of their own. */
interface SpatialLayers {
  SpatialLayers IMAGES = new ImageLayers();
  SpatialLayers VOLUMES = new VolumeLayers();

  /** A window and how it moves, a number for each axis. */
  record Window(int[] kernel, int[] strides) {
    static Window of(Plan.Node node) {
      return new Window(node.ints("kernel_shape"), node.ints("strides"));
    }
  }

  /** The parameters of a convolution. */
  record Filters(int inward, int outward, boolean biased) {}

  static SpatialLayers of(int axes) {
    return axes == 3 ? VOLUMES : IMAGES;
  }

  /** Padded alike at both ends of an axis. */
  Layer convolution(Window window, int[] pads, int[] dilations, Filters filters);

  /** The whole output. */
  Layer deconvolution(Window window, Filters filters);

  /** How deconvolution holds its weight. */
  Layout deconvolutionWeight();

  /** Averages do not count the pads. */
  Layer pool(PoolingType kind, Window window, int[] pads);

  /** Zeros before and behind each axis. */
  Layer padding(int[] before, int[] after);

  Layer cropping(int[] before, int[] after);

  /** Repeats elements. */
  Layer upsampling(int[] scales);

  /** A softmax of each pixel and the loss, added up over the pixels. */
  Layer pixelLoss(ILossFunction loss);
}
