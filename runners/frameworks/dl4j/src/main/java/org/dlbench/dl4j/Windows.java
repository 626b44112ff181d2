package org.dlbench.dl4j;

import java.util.Arrays;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.PoolingType;

/** Writes the operators that slide a window over an image or a volume, and those that resize one. */
final class Windows {
  private final GraphWriter writer;

  Windows(GraphWriter writer) {
    this.writer = writer;
  }

  private static SpatialLayers layers(Plan.Node node) {
    return SpatialLayers.of(node.axes());
  }

  private static int[] before(int[] pads) {
    return Arrays.copyOf(pads, pads.length / 2);
  }

  private static int[] after(int[] pads) {
    return Arrays.copyOfRange(pads, pads.length / 2, pads.length);
  }

  private static boolean even(int[] pads) {
    return Arrays.equals(before(pads), after(pads));
  }

  private static boolean none(int[]... numbers) {
    return Arrays.stream(numbers).flatMapToInt(Arrays::stream).allMatch(n -> n == 0);
  }

  /** Zeros around it: all begins, then all ends. */
  private String padded(Plan.Node node, String x, int[] pads) {
    String name = node.name() + " padded";
    writer.layer(name, layers(node).padding(before(pads), after(pads)), x);
    return name;
  }

  /** The layer, and a crop of what it makes too much. */
  private String cropped(Plan.Node node, Layer layer, int[] before, int[] after, String x) {
    if (none(before, after)) {
      writer.layer(node.name(), layer, x);
      return node.name();
    }
    String whole = node.name() + " whole";
    writer.layer(whole, layer, x);
    writer.layer(node.name(), layers(node).cropping(before, after), whole);
    return whole;
  }

  void convolution(Plan.Node node, String x) {
    if (node.axes() == 3 && node.isDilated()) {
      throw Fault.unsupported("dilated Conv of volumes: Convolution3D fails in oneDNN");
    }
    int[] pads = node.ints("pads");
    int groups = node.integer("group");
    String source = even(pads) ? x : padded(node, x, pads);
    int[] own = even(pads) ? before(pads) : new int[node.axes()];
    if (groups > 1 && groups == writer.channels(node) && node.axes() == 2) {
      depthwise(node, source, own);
      return;
    }
    int inward = writer.channels(node) / groups;
    int outward = (int) node.shape()[1] / groups;
    SpatialLayers.Filters filters = new SpatialLayers.Filters(inward, outward, node.params().size() > 1);
    String[] parts = new String[groups];
    for (int g = 0; g < groups; g++) {
      String share = source;
      parts[g] = node.name();
      if (groups > 1) { // a layer for each group: DL4J's convolutions have none
        share = node.name() + " share " + g;
        parts[g] = node.name() + " group " + g;
        writer.take(share, source, g * inward, (g + 1) * inward, paddedShape(node));
      }
      writer.layer(parts[g], layers(node).convolution(SpatialLayers.Window.of(node), own, node.ints("dilations"), filters), share);
      writer.hold(node, 0, parts[g], "W");
      writer.hold(node, 1, parts[g], "b");
    }
    if (groups > 1) {
      writer.merge(node.name(), 1, node.shape(), parts);
    }
  }

  /** The input's shape, with its pads if they are uneven. */
  private long[] paddedShape(Plan.Node node) {
    long[] shape = writer.shapeOf(node).clone();
    int[] pads = node.ints("pads");
    for (int i = 0; i < node.axes() && !even(pads); i++) {
      shape[2 + i] += pads[i] + pads[node.axes() + i];
    }
    return shape;
  }

  private void depthwise(Plan.Node node, String x, int[] pads) {
    int channels = writer.channels(node);
    writer.layer(node.name(), new DepthwiseConvolution2D.Builder(node.ints("kernel_shape"), node.ints("strides"), pads)
        .depthMultiplier((int) node.shape()[1] / channels).dilation(node.ints("dilations")).nIn(channels).nOut((int) node.shape()[1])
        .hasBias(node.params().size() > 1).dataFormat(CNN2DFormat.NCHW).build(), x);
    writer.hold(node, 0, node.name(), "W", Layout.DEPTHWISE);
    writer.hold(node, 1, node.name(), "b");
  }

  void deconvolution(Plan.Node node, String x) {
    if (node.integer("group") != 1) {
      throw Fault.unsupported("ConvTranspose in groups: Deconvolution2D and Deconvolution3D have none");
    }
    if (node.isDilated()) {
      throw Fault.unsupported("dilated ConvTranspose: Deconvolution2D does not spread its kernel");
    }
    SpatialLayers.Window window = SpatialLayers.Window.of(node);
    int[] before = before(node.ints("pads"));
    int[] after = new int[node.axes()];
    int[] beyond = new int[2 * node.axes()];
    for (int i = 0; i < after.length; i++) {
      int whole = ((int) writer.shapeOf(node)[2 + i] - 1) * window.strides()[i] + window.kernel()[i];
      after[i] = whole - before[i] - (int) node.shape()[2 + i];
      if (after[i] < 0) { // output_padding, which a zero behind the input makes
        beyond[after.length + i] = 1;
        after[i] += window.strides()[i];
      }
    }
    String source = none(beyond) ? x : padded(node, x, beyond);
    SpatialLayers.Filters filters = new SpatialLayers.Filters(writer.channels(node), (int) node.shape()[1], node.params().size() > 1);
    String whole = cropped(node, layers(node).deconvolution(window, filters), before, after, source);
    writer.hold(node, 0, whole, "W", layers(node).deconvolutionWeight());
    writer.hold(node, 1, whole, "b");
  }

  /**
   * Even pads that give all of the plan's windows, and how many windows too many before the first
   * and after the last one: pooling pads both sides alike, and a crop takes the rest away.
   */
  private void pool(Plan.Node node, String x, PoolingType kind) {
    int[] kernel = node.ints("kernel_shape");
    int[] strides = node.ints("strides");
    int[] pads = node.ints("pads");
    int[] own = new int[node.axes()];
    int[] before = new int[node.axes()];
    int[] after = new int[node.axes()];
    for (int i = 0; i < own.length; i++) {
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
    cropped(node, layers(node).pool(kind, SpatialLayers.Window.of(node), own), before, after, x);
  }

  private int windows(Plan.Node node, int axis, int pad) {
    int size = (int) writer.shapeOf(node)[2 + axis];
    return (size + 2 * pad - node.ints("kernel_shape")[axis]) / node.ints("strides")[axis] + 1;
  }

  void maxPool(Plan.Node node, String x) {
    if (node.isDilated()) {
      throw Fault.unsupported("MaxPool with dilations: SubsamplingLayer is not dilated under oneDNN");
    }
    pool(node, x, PoolingType.MAX);
  }

  /** Pads that count are zeros put there before: SubsamplingLayer's own gradient forgets them. */
  void averagePool(Plan.Node node, String x) {
    int[] pads = node.ints("pads");
    boolean counted = node.integer("count_include_pad") == 1 && !none(pads);
    if (!counted) {
      pool(node, x, PoolingType.AVG);
      return;
    }
    if (node.integer("ceil_mode") == 1) {
      throw Fault.unsupported("AveragePool with counted pads and ceil_mode: SubsamplingLayer counts all or none");
    }
    writer.layer(node.name(), layers(node).pool(PoolingType.AVG, SpatialLayers.Window.of(node), new int[node.axes()]), padded(node, x, pads));
  }

  /** Repeated elements are DL4J's; what is interpolated is a product with a matrix along each axis. */
  void resize(Plan.Node node, String x) {
    boolean nearest = node.string("mode").equals("nearest") && node.string("coordinate_transformation_mode").equals("asymmetric");
    if (nearest) {
      writer.layer(node.name(), layers(node).upsampling(node.ints("scales")), x);
    } else {
      writer.formula(node, x, Formulas.resize(node, writer.shapeOf(node)));
    }
  }
}
