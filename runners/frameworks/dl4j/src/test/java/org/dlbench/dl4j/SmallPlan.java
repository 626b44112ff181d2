package org.dlbench.dl4j;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;

/** Plans of one node or a few, with tensors drawn from a seed. */
final class SmallPlan {
  private static final String DOCUMENT = """
      {"schema_version": 1, "workload": "t", "mode": "train", "batch": %d, "slots": 1, "classes": %d, "precision": "fp32",
       "network": {"input": {"name": "x", "shape": %s}, "outputs": ["logits"], "parameters": [%s], "nodes": [%s]},
       "training": {"loss": "%s", "dice": {"smooth": 0.5, "batch": %b},
        "optimizer": {"name": "sgd", "nesterov": true, "weight_decay": 0, "learning_rate": 0.5, "momentum": 0.9}}}
      """;

  private final Path directory;
  private String loss = "softmax_cross_entropy";
  private boolean diceOfBatch;

  SmallPlan(Path directory) {
    this.directory = directory;
  }

  SmallPlan trainedBy(String loss, boolean diceOfBatch) {
    this.loss = loss;
    this.diceOfBatch = diceOfBatch;
    return this;
  }

  /** A node whose output has its name; attributes as they are in JSON, without braces. */
  static String node(String name, String op, String inputs, long[] shape, String attributes) {
    return """
        {"name": "%s", "op": "%s", "inputs": %s, "output": "%s", "shape": %s, "attributes": {%s}}"""
        .formatted(name, op, Json.strings(Arrays.asList(inputs.split(" "))), name, Arrays.toString(shape), attributes);
  }

  /** The plan whose last node is "logits" of this shape; running variances are positive. */
  Plan read(long[] input, long[] logits, Map<String, long[]> parameters, String... nodes) throws IOException {
    Random random = new Random(1);
    Map<String, Safetensors.Tensor> weights = new LinkedHashMap<>();
    parameters.forEach((name, shape) -> weights.put(name, drawn(random, shape)));
    Map<String, Safetensors.Tensor> batch = new LinkedHashMap<>();
    batch.put("input.0", drawn(random, input));
    batch.put("labels.0", labels(random, logits));
    String described = parameters.entrySet().stream()
        .map(p -> "{\"name\": \"%s\", \"shape\": %s, \"role\": \"trainable\"}".formatted(p.getKey(), Arrays.toString(p.getValue())))
        .collect(Collectors.joining(", "));
    String document = DOCUMENT.formatted(
        input[0], logits[1], Arrays.toString(input), described, String.join(", ", nodes), loss, diceOfBatch);
    Path plan = Files.writeString(directory.resolve("plan"), document);
    Safetensors.write(directory.resolve("weights"), weights);
    Safetensors.write(directory.resolve("batch"), batch);
    return Plan.read(plan, directory.resolve("weights"), directory.resolve("batch"));
  }

  private Safetensors.Tensor labels(Random random, long[] logits) {
    if (loss.equals(Losses.SIGMOID)) {
      float[] values = new float[(int) (logits[0] * logits[1])];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextInt(2);
      }
      return Safetensors.Tensor.of(logits, values);
    }
    long[] shape = new long[logits.length - 1];
    shape[0] = logits[0];
    System.arraycopy(logits, 2, shape, 1, shape.length - 1);
    ByteBuffer data = ByteBuffer.allocate((int) size(shape) * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    while (data.hasRemaining()) {
      data.putLong(random.nextInt((int) logits[1]));
    }
    return new Safetensors.Tensor("I64", shape, data.flip());
  }

  private static Safetensors.Tensor drawn(Random random, long[] shape) {
    float[] values = new float[(int) size(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() * 0.5f;
    }
    return Safetensors.Tensor.of(shape, values);
  }

  static long size(long[] shape) {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }
}
