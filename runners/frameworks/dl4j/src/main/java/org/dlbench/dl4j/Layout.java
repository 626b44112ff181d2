package org.dlbench.dl4j;

import org.nd4j.linalg.api.ndarray.INDArray;

/** How a layer holds a parameter that the plan has in ONNX's layout. */
enum Layout {
  PLAIN,
  /** [in, out] of the plan's [out, in]. */
  DENSE,
  /** [height, width, channels, multiplier] of the plan's [channels·multiplier, 1, height, width]. */
  DEPTHWISE,
  /** [depth, height, width, out, in] of the plan's [in, out, depth, height, width]. */
  DECONVOLUTION_3D;

  /** The plan's value in the shape and layout that a layer holds. */
  INDArray held(INDArray value, long[] shape) {
    return switch (this) {
      case PLAIN -> value.reshape(shape);
      case DENSE -> value.transpose();
      case DEPTHWISE -> value.reshape(shape[2], shape[3], shape[0], shape[1]).permute(2, 3, 0, 1);
      case DECONVOLUTION_3D -> value.permute(2, 3, 4, 1, 0);
    };
  }

  /** What a layer holds with its elements in the plan's order. */
  INDArray plain(INDArray held) {
    return switch (this) {
      case PLAIN -> held;
      case DENSE -> held.transpose();
      case DEPTHWISE -> held.permute(2, 3, 0, 1);
      case DECONVOLUTION_3D -> held.permute(4, 3, 0, 1, 2);
    };
  }
}
