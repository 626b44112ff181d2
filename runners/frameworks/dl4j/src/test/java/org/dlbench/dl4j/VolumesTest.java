package org.dlbench.dl4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Operators over three axes against loops that anyone can read, and their gradients against the loss itself. */
class VolumesTest {
  private static final long[] VOLUME = {2, 4, 5, 4, 3};
  private static final int[] ONE = {1, 1, 1};

  @TempDir Path directory;

  /** Walks over all indices below the extents. */
  private static List<int[]> places(int... extents) {
    List<int[]> all = new ArrayList<>(List.of(new int[0]));
    for (int extent : extents) {
      List<int[]> longer = new ArrayList<>();
      for (int[] before : all) {
        for (int i = 0; i < extent; i++) {
          int[] next = Arrays.copyOf(before, before.length + 1);
          next[before.length] = i;
          longer.add(next);
        }
      }
      all = longer;
    }
    return all;
  }

  /** The place of an element of a tensor, or -1 beyond its edges. */
  private static int at(long[] shape, int... index) {
    int place = 0;
    for (int i = 0; i < shape.length; i++) {
      if (index[i] < 0 || index[i] >= shape[i]) {
        return -1;
      }
      place = place * (int) shape[i] + index[i];
    }
    return place;
  }

  private static String ints(int... values) {
    return Arrays.toString(values);
  }

  private static Map<String, long[]> parameters(Object... pairs) {
    Map<String, long[]> out = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      out.put((String) pairs[i], (long[]) pairs[i + 1]);
    }
    return out;
  }

  /** The logits, after the gradients have been held against what the loss does along a direction. */
  private static float[] computed(Plan plan) {
    Runner runner = new Runner();
    runner.load(plan);
    float[] logits = runner.outputs(0).get("logits").floats();
    Map<String, Safetensors.Tensor> gradients = runner.gradients(0);
    Map<String, float[]> tensors = new LinkedHashMap<>(plan.weights);
    tensors.put("input", plan.inputs.get(0));
    Random random = new Random(7);
    for (Map.Entry<String, float[]> entry : tensors.entrySet()) {
      float[] gradient = gradients.get(entry.getKey()).floats();
      double expected = 0;
      float[] direction = new float[gradient.length];
      for (int i = 0; i < direction.length; i++) {
        direction[i] = (float) random.nextGaussian();
        expected += gradient[i] * direction[i];
      }
      double slope = (loss(plan, entry.getValue(), direction, 0.004f) - loss(plan, entry.getValue(), direction, -0.004f)) / 0.008;
      assertEquals(slope, expected, 2e-3 * Math.max(0.1, Math.abs(slope)), plan.nodes + ": gradient of " + entry.getKey());
    }
    return logits;
  }

  private static double loss(Plan plan, float[] tensor, float[] direction, float step) {
    float[] kept = tensor.clone();
    for (int i = 0; i < tensor.length; i++) {
      tensor[i] += step * direction[i];
    }
    Runner runner = new Runner();
    runner.load(plan);
    double loss = runner.gradients(0).get("loss").floats()[0];
    System.arraycopy(kept, 0, tensor, 0, kept.length);
    return loss;
  }

  private void convolution(int[] strides, int[] pads, int groups) throws IOException {
    int[] kernel = {3, 2, 3};
    long[] out = {2, 6, 0, 0, 0};
    for (int i = 0; i < 3; i++) {
      out[2 + i] = (VOLUME[2 + i] + pads[i] + pads[3 + i] - kernel[i]) / strides[i] + 1;
    }
    long[] shape = {6, 4 / groups, 3, 2, 3};
    Plan plan = new SmallPlan(directory).read(VOLUME, out, parameters("w", shape, "b", new long[] {6}), SmallPlan.node("logits", "Conv", "x w b", out,
        "\"kernel_shape\": %s, \"strides\": %s, \"pads\": %s, \"dilations\": %s, \"group\": %d".formatted(ints(kernel), ints(strides), ints(pads), ints(ONE), groups)));
    float[] x = plan.inputs.get(0);
    float[] w = plan.weights.get("w");
    float[] want = new float[(int) SmallPlan.size(out)];
    for (int[] o : places(2, 6, (int) out[2], (int) out[3], (int) out[4])) {
      double sum = plan.weights.get("b")[o[1]];
      int first = o[1] / (6 / groups) * (4 / groups);
      for (int[] k : places(4 / groups, 3, 2, 3)) {
        int from = at(VOLUME, o[0], first + k[0], o[2] * strides[0] + k[1] - pads[0], o[3] * strides[1] + k[2] - pads[1], o[4] * strides[2] + k[3] - pads[2]);
        sum += from < 0 ? 0 : x[from] * w[at(shape, o[1], k[0], k[1], k[2], k[3])];
      }
      want[at(out, o)] = (float) sum;
    }
    assertArrayEquals(want, computed(plan), 1e-5f);
  }

  @Test
  void convolutions() throws IOException {
    convolution(ONE, new int[] {1, 0, 1, 1, 0, 1}, 1);
    convolution(new int[] {2, 1, 1}, new int[] {1, 1, 0, 0, 0, 2}, 1);
    convolution(ONE, new int[] {0, 0, 1, 0, 1, 1}, 2);
  }

  @Test
  void transposedConvolutions() throws IOException {
    int[][] cases = {{2, 2, 2, 0, 0, 0, 0, 0, 0, 0}, {3, 2, 3, 1, 0, 1, 1, 0, 0, 1}}; // kernel, pads, output_padding of all axes
    for (int[] c : cases) {
      int[] kernel = {c[0], c[1], c[2]};
      int[] pads = {c[3], c[4], c[5], c[6], c[7], c[8]};
      long[] out = {2, 3, 0, 0, 0};
      for (int i = 0; i < 3; i++) {
        out[2 + i] = 2 * (VOLUME[2 + i] - 1) + kernel[i] - pads[i] - pads[3 + i] + c[9];
      }
      long[] shape = {4, 3, kernel[0], kernel[1], kernel[2]};
      Plan plan = new SmallPlan(directory).read(VOLUME, out, parameters("w", shape, "b", new long[] {3}), SmallPlan.node("logits", "ConvTranspose", "x w b", out,
          "\"kernel_shape\": %s, \"strides\": [2, 2, 2], \"pads\": %s, \"dilations\": [1, 1, 1], \"group\": 1, \"output_padding\": %s"
              .formatted(ints(kernel), ints(pads), ints(c[9], c[9], c[9]))));
      float[] want = new float[(int) SmallPlan.size(out)];
      for (int[] o : places(2, 3, (int) out[2], (int) out[3], (int) out[4])) {
        want[at(out, o)] = plan.weights.get("b")[o[1]];
      }
      for (int[] i : places(2, 4, 5, 4, 3)) {
        for (int[] k : places(3, kernel[0], kernel[1], kernel[2])) {
          int to = at(out, i[0], k[0], 2 * i[2] + k[1] - pads[0], 2 * i[3] + k[2] - pads[1], 2 * i[4] + k[3] - pads[2]);
          if (to >= 0) {
            want[to] += plan.inputs.get(0)[at(VOLUME, i)] * plan.weights.get("w")[at(shape, i[1], k[0], k[1], k[2], k[3])];
          }
        }
      }
      assertArrayEquals(want, computed(plan), 1e-5f, ints(c));
    }
  }

  private void pool(String op, int[] pads, boolean counted) throws IOException {
    long[] out = {2, 4, 0, 0, 0};
    for (int i = 0; i < 3; i++) {
      out[2 + i] = (VOLUME[2 + i] + pads[i] + pads[3 + i] - 2) / 2 + 1;
    }
    String more = op.equals("MaxPool") ? "\"dilations\": [1, 1, 1]" : "\"count_include_pad\": " + (counted ? 1 : 0);
    Plan plan = new SmallPlan(directory).read(VOLUME, out, parameters(), SmallPlan.node("logits", op, "x", out,
        "\"kernel_shape\": [2, 2, 2], \"strides\": [2, 2, 2], \"pads\": %s, \"ceil_mode\": 0, %s".formatted(ints(pads), more)));
    apart(plan.inputs.get(0));
    float[] want = new float[(int) SmallPlan.size(out)];
    for (int[] o : places(2, 4, (int) out[2], (int) out[3], (int) out[4])) {
      double most = Double.NEGATIVE_INFINITY;
      double sum = 0;
      int seen = 0;
      for (int[] k : places(2, 2, 2)) {
        int from = at(VOLUME, o[0], o[1], 2 * o[2] + k[0] - pads[0], 2 * o[3] + k[1] - pads[1], 2 * o[4] + k[2] - pads[2]);
        if (from >= 0) {
          most = Math.max(most, plan.inputs.get(0)[from]);
          sum += plan.inputs.get(0)[from];
          seen++;
        }
      }
      want[at(out, o)] = (float) (op.equals("MaxPool") ? most : sum / (counted ? 8 : seen));
    }
    assertArrayEquals(want, computed(plan), 1e-6f);
  }

  /** The same order, but nowhere so close that a small step changes what the greatest is. */
  private static void apart(float[] values) {
    float[] sorted = values.clone();
    Arrays.sort(sorted);
    for (int i = 0; i < values.length; i++) {
      values[i] = (Arrays.binarySearch(sorted, values[i]) - values.length / 2f) * 0.05f;
    }
  }

  @Test
  void pools() throws IOException {
    pool("MaxPool", new int[6], false);
    pool("MaxPool", new int[] {1, 0, 1, 0, 0, 1}, false);
    pool("AveragePool", new int[6], false);
    pool("AveragePool", new int[] {1, 0, 1, 1, 0, 1}, false);
    pool("AveragePool", new int[] {1, 0, 1, 1, 0, 1}, true);
  }

  /** The middles of new elements, between those of the old ones. */
  @Test
  void trilinearResize() throws IOException {
    long[] out = {2, 4, 10, 12, 3};
    int[] scales = {2, 3, 1};
    Plan plan = new SmallPlan(directory).read(VOLUME, out, parameters(), SmallPlan.node("logits", "Resize", "x", out,
        "\"mode\": \"linear\", \"scales\": [2, 3, 1], \"coordinate_transformation_mode\": \"half_pixel\", \"nearest_mode\": \"floor\""));
    float[] want = new float[(int) SmallPlan.size(out)];
    for (int[] o : places(2, 4, 10, 12, 3)) {
      double sum = 0;
      for (int[] corner : places(2, 2, 2)) {
        double share = 1;
        int[] from = {o[0], o[1], 0, 0, 0};
        for (int i = 0; i < 3; i++) {
          double place = (o[2 + i] + 0.5) / scales[i] - 0.5;
          int low = (int) Math.floor(place);
          share *= corner[i] == 1 ? place - low : 1 - (place - low);
          from[2 + i] = Math.max(0, Math.min((int) VOLUME[2 + i] - 1, low + corner[i]));
        }
        sum += share * plan.inputs.get(0)[at(VOLUME, from)];
      }
      want[at(out, o)] = (float) sum;
    }
    assertArrayEquals(want, computed(plan), 1e-6f);
  }

  @Test
  void repeatedElements() throws IOException {
    long[] out = {2, 4, 10, 12, 3};
    Plan plan = new SmallPlan(directory).read(VOLUME, out, parameters(), SmallPlan.node("logits", "Resize", "x", out,
        "\"mode\": \"nearest\", \"scales\": [2, 3, 1], \"coordinate_transformation_mode\": \"asymmetric\", \"nearest_mode\": \"floor\""));
    float[] want = new float[(int) SmallPlan.size(out)];
    for (int[] o : places(2, 4, 10, 12, 3)) {
      want[at(out, o)] = plan.inputs.get(0)[at(VOLUME, o[0], o[1], o[2] / 2, o[3] / 3, o[4])];
    }
    assertArrayEquals(want, computed(plan), 0);
  }

  @Test
  void instanceNorms() throws IOException {
    for (long[] shape : List.of(VOLUME, new long[] {3, 4, 5, 6})) {
      Plan plan = new SmallPlan(directory).read(shape, shape, parameters("w", new long[] {4}, "b", new long[] {4}),
          SmallPlan.node("logits", "InstanceNormalization", "x w b", shape, "\"epsilon\": 0.01"));
      int images = (int) shape[0];
      int pixels = (int) SmallPlan.size(shape) / images / 4;
      float[] x = plan.inputs.get(0);
      float[] want = new float[x.length];
      for (int[] c : places(images, 4)) {
        int first = (c[0] * 4 + c[1]) * pixels;
        double mean = 0;
        double squares = 0;
        for (int i = first; i < first + pixels; i++) {
          mean += x[i] / (double) pixels;
          squares += x[i] * (double) x[i] / pixels;
        }
        double slope = plan.weights.get("w")[c[1]] / Math.sqrt(squares - mean * mean + 0.01);
        for (int i = first; i < first + pixels; i++) {
          want[i] = (float) ((x[i] - mean) * slope + plan.weights.get("b")[c[1]]);
        }
      }
      assertArrayEquals(want, computed(plan), 1e-5f);
    }
  }

  @Test
  void softmaxAlongTheChannels() throws IOException {
    Plan plan = new SmallPlan(directory).read(VOLUME, VOLUME, parameters(), SmallPlan.node("logits", "Softmax", "x", VOLUME, "\"axis\": 1"));
    float[] x = plan.inputs.get(0);
    float[] want = new float[x.length];
    for (int[] o : places(2, 4, 5, 4, 3)) {
      double sum = 0;
      for (int c = 0; c < 4; c++) {
        sum += Math.exp(x[at(VOLUME, o[0], c, o[2], o[3], o[4])]);
      }
      want[at(VOLUME, o)] = (float) (Math.exp(x[at(VOLUME, o)]) / sum);
    }
    assertArrayEquals(want, computed(plan), 1e-6f);
  }

  /** What has no class of its own for volumes in DL4J: merged and cut channels, and the mean over all of a volume. */
  @Test
  void channelsAndMeans() throws IOException {
    long[] wide = {2, 7, 5, 4, 3};
    long[] out = {2, 7, 1, 1, 1};
    String cut = SmallPlan.node("cut", "Slice", "x", new long[] {2, 3, 5, 4, 3}, "\"axis\": 1, \"start\": 1, \"end\": 4");
    String both = SmallPlan.node("both", "Concat", "x cut", wide, "\"axis\": 1");
    Plan plan = new SmallPlan(directory).read(VOLUME, new long[] {2, 7}, parameters(), cut, both,
        SmallPlan.node("means", "GlobalAveragePool", "both", out, ""), SmallPlan.node("logits", "Flatten", "means", new long[] {2, 7}, "\"axis\": 1"));
    float[] want = new float[14];
    for (int[] c : places(2, 7)) {
      double sum = 0;
      for (int[] p : places(5, 4, 3)) {
        sum += plan.inputs.get(0)[at(VOLUME, c[0], c[1] < 4 ? c[1] : c[1] - 3, p[0], p[1], p[2])];
      }
      want[at(new long[] {2, 7}, c)] = (float) (sum / 60);
    }
    assertArrayEquals(want, computed(plan), 1e-6f);
    assertTrue(plan.logits().length == 2);
  }
}
