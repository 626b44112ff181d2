package org.dlbench.dl4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Losses and their gradients, in double precision from what they are defined by. */
class LossesTest {
  private static final List<long[]> SHAPES = List.of(new long[] {2, 3, 4, 5}, new long[] {2, 3, 2, 3, 4});

  @TempDir Path directory;

  /** A plan whose logits are its input and a parameter of zeros: the gradient of the input is the loss's own. */
  private Plan plan(long[] shape, String loss, boolean ofBatch) throws IOException {
    long[] each = new long[shape.length - 1];
    Arrays.fill(each, 1);
    each[0] = shape[1];
    Plan plan = new SmallPlan(directory).trainedBy(loss, ofBatch).read(shape, shape, Map.of("b", each), SmallPlan.node("logits", "Add", "x b", shape, ""));
    Arrays.fill(plan.weights.get("b"), 0);
    return plan;
  }

  private interface Loss {
    double of(double[] logits);
  }

  private static void agree(Plan plan, Loss loss) {
    double[] logits = new double[plan.inputs.get(0).length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = plan.inputs.get(0)[i];
    }
    Runner runner = new Runner();
    runner.load(plan);
    Map<String, Safetensors.Tensor> found = runner.gradients(0);
    assertEquals(loss.of(logits), found.get("loss").floats()[0], 1e-6);
    for (int i = 0; i < logits.length; i++) {
      double kept = logits[i];
      logits[i] = kept + 1e-5;
      double above = loss.of(logits);
      logits[i] = kept - 1e-5;
      double slope = (above - loss.of(logits)) / 2e-5;
      logits[i] = kept;
      assertEquals(slope, found.get("input").floats()[i], 1e-6, "gradient " + i);
    }
    runner.step(0);
    assertEquals(loss.of(logits), runner.last()[0], 1e-6);
  }

  private static double[] softmax(double[] logits, int image, int pixel, int pixels) {
    double[] out = new double[3];
    double sum = 0;
    for (int c = 0; c < 3; c++) {
      out[c] = Math.exp(logits[(image * 3 + c) * pixels + pixel]);
      sum += out[c];
    }
    for (int c = 0; c < 3; c++) {
      out[c] /= sum;
    }
    return out;
  }

  private static double entropy(double[] logits, long[] labels) {
    int pixels = labels.length / 2;
    double sum = 0;
    for (int i = 0; i < labels.length; i++) {
      sum -= Math.log(softmax(logits, i / pixels, i % pixels, pixels)[(int) labels[i]]);
    }
    return sum / labels.length;
  }

  /** Of the classes 1 and 2. */
  private static double dice(double[] logits, long[] labels, int from, int to) {
    int pixels = labels.length / 2;
    double total = 0;
    for (int c = 1; c < 3; c++) {
      double common = 0;
      double sizes = 0;
      for (int i = from; i < to; i++) {
        double share = softmax(logits, i / pixels, i % pixels, pixels)[c];
        common += labels[i] == c ? share : 0;
        sizes += share + (labels[i] == c ? 1 : 0);
      }
      total += (2 * common + 0.5) / (sizes + 0.5) / 2;
    }
    return total;
  }

  @Test
  void crossEntropyOfPixels() throws IOException {
    for (long[] shape : SHAPES) {
      Plan plan = plan(shape, "softmax_cross_entropy", false);
      long[] labels = plan.labels.get(0).longs();
      agree(plan, logits -> entropy(logits, labels));
    }
  }

  @Test
  void diceOfEachImageOrOfTheBatch() throws IOException {
    for (long[] shape : SHAPES) {
      Plan each = plan(shape, Losses.DICE, false);
      long[] labels = each.labels.get(0).longs();
      int half = labels.length / 2;
      agree(each, logits -> entropy(logits, labels) - (dice(logits, labels, 0, half) + dice(logits, labels, half, 2 * half)) / 2);
      agree(plan(shape, Losses.DICE, true), logits -> entropy(logits, labels) - dice(logits, labels, 0, 2 * half));
    }
  }

  @Test
  void manyLabelsOfAnImage() throws IOException {
    Plan plan = plan(new long[] {2, 5}, Losses.SIGMOID, false);
    float[] labels = plan.labels.get(0).floats();
    plan.inputs.get(0)[3] = 60; // of which the sigmoid is 1 in single precision
    plan.inputs.get(0)[4] = -60;
    agree(plan, logits -> {
      double sum = 0;
      for (int i = 0; i < labels.length; i++) {
        sum += Math.max(logits[i], 0) - logits[i] * labels[i] + Math.log1p(Math.exp(-Math.abs(logits[i])));
      }
      return sum / labels.length;
    });
  }

  @Test
  void labelsThatAreNoneAreNamed() throws IOException {
    Plan plan = plan(SHAPES.get(0), "softmax_cross_entropy", false);
    Path batch = directory.resolve("batch");
    Map<String, Safetensors.Tensor> tensors = new java.util.LinkedHashMap<>(Safetensors.read(batch));
    tensors.put("labels.0", Safetensors.Tensor.of(new long[] {2, 4, 5}, new float[40]));
    Safetensors.write(batch, tensors);
    Fault fault = assertThrows(Fault.class, () -> Plan.read(directory.resolve("plan"), directory.resolve("weights"), batch));
    assertTrue(fault.getMessage().contains("'labels.0' is F32 [2, 4, 5], expected I64 [2, 4, 5]"), fault.getMessage());
    assertEquals("bad_input", fault.code);
    assertEquals("unsupported", assertThrows(Fault.class, () -> plan(SHAPES.get(0), "focal", false)).code);
  }
}
