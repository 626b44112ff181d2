package org.dlbench.dl4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The protocol, and a network small enough to compute by hand. */
class ServerTest {
  private static final float[] IMAGE = {1, 2, 3, 4};
  private static final String PLAN = """
      {"schema_version": 1, "workload": "t", "mode": "%s", "batch": 1, "slots": 1, "classes": 2, "precision": "fp32",
       "network": {"input": {"name": "x", "shape": [1, 1, 2, 2]}, "outputs": ["logits"],
        "parameters": [{"name": "c.weight", "shape": [1, 1, 2, 2], "role": "trainable"},
                       {"name": "d.weight", "shape": [2, 1], "role": "trainable"},
                       {"name": "d.bias", "shape": [2], "role": "trainable"}],
        "nodes": [
         {"name": "c", "op": "Conv", "inputs": ["x", "c.weight"], "output": "c", "shape": [1, 1, 1, 1],
          "attributes": {"kernel_shape": [2, 2], "strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1], "group": 1}},
         {"name": "f", "op": "Flatten", "inputs": ["c"], "output": "f", "shape": [1, 1], "attributes": {"axis": 1}},
         {"name": "d", "op": "Gemm", "inputs": ["f", "d.weight", "d.bias"], "output": "logits", "shape": [1, 2],
          "attributes": {"alpha": 1.0, "beta": 1.0}}]},
       "training": {"loss": "softmax_cross_entropy", "optimizer": {"name": "sgd", "nesterov": true, "weight_decay": 0, "learning_rate": 0.5, "momentum": 0.9}}}
      """;

  @TempDir Path directory;

  /** What the server answers to lines. */
  private static List<JsonObject> converse(String... lines) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] input = String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
    new Server(new Runner(), new PrintStream(out, true, StandardCharsets.UTF_8)).serve(new ByteArrayInputStream(input));
    return out.toString(StandardCharsets.UTF_8).lines().map(l -> JsonParser.parseString(l).getAsJsonObject()).toList();
  }

  private static String code(JsonObject reply) {
    return reply.has("error") ? reply.getAsJsonObject("error").get("code").getAsString() : "";
  }

  @Test
  void faultsHaveCodesAndTheSessionGoesOn() throws IOException {
    List<JsonObject> replies = converse(
        "this is no JSON", "[]", "{\"id\": \"x\", \"request\": \"hello\"}", "{\"id\": 1, \"request\": \"dance\"}",
        "{\"id\": 2, \"request\": \"warmup\"}", "{\"id\": 3, \"request\": \"hello\", \"params\": {\"device\": \"gpu:0\"}}",
        "{\"id\": 4, \"request\": \"hello\", \"params\": {\"threads\": 1, \"a_later_field\": 1}}",
        "{\"id\": 5, \"request\": \"hello\"}", "{\"id\": 6, \"request\": \"load\", \"params\": {\"plan\": 7}}",
        "{\"id\": 7, \"request\": \"bye\"}", "{\"id\": 8, \"request\": \"bye\"}");
    List<String> codes = replies.stream().map(ServerTest::code).toList();
    assertEquals(
        List.of("bad_request", "bad_request", "bad_request", "unknown_request", "bad_request", "device_unavailable", "",
            "bad_request", "bad_request", ""), codes);
  }

  @Test
  void aNetworkComputedByHand() throws IOException {
    Map<String, Safetensors.Tensor> seen = verified(PLAN.formatted("train"));
    // 1·1 + 2·0 + 3·0 + 4·(-1) = -3; logits -3·(1, -1) + (0, 1)
    assertEquals(-3f, seen.get("output.logits").floats()[0]);
    assertEquals(4f, seen.get("output.logits").floats()[1]);
    double loss = Math.log(Math.exp(-3) + Math.exp(4)) + 3;
    assertEquals(loss, seen.get("loss").floats()[0], 1e-6);
    double p = Math.exp(4) / (Math.exp(-3) + Math.exp(4)); // of the wrong class
    assertEquals(p, seen.get("grad.0/d.bias").floats()[1], 1e-6);
    assertEquals(-3 * p, seen.get("grad.0/d.weight").floats()[1], 1e-5);
    double upstream = -p * 1 + p * -1;
    assertEquals(upstream * 4, seen.get("grad.0/c.weight").floats()[3], 1e-5);
    assertEquals(upstream * -1, seen.get("grad.input").floats()[3], 1e-5);
    // Nesterov's first step: v = g, p - rate·(g + 0.9·v)
    assertEquals(1 - 0.5 * 1.9 * p, seen.get("param.1/d.bias").floats()[1], 1e-5);
    assertEquals(loss, seen.get("trajectory").floats()[0], 1e-6);
  }

  @Test
  void inferenceWritesOutputsAlone() throws IOException {
    assertEquals(List.of("output.logits"), List.copyOf(verified(PLAN.formatted("infer")).keySet()));
  }

  @Test
  void anActivationLeavesWhatIsReadAgain() throws IOException {
    String nodes = """
        {"name": "s", "op": "Sigmoid", "inputs": ["c"], "output": "s", "shape": [1, 1, 1, 1]},
        {"name": "m", "op": "Mul", "inputs": ["c", "s"], "output": "m", "shape": [1, 1, 1, 1]},
        {"name": "f", "op": "Flatten", "inputs": ["m"]""";
    String swish = PLAN.replace("{\"name\": \"f\", \"op\": \"Flatten\", \"inputs\": [\"c\"]", nodes);
    double product = -3 / (1 + Math.exp(3));
    for (String mode : List.of("infer", "train")) {
      float[] logits = verified(swish.formatted(mode)).get("output.logits").floats();
      assertEquals(product, logits[0], 1e-6, mode);
      assertEquals(1 - product, logits[1], 1e-6, mode);
    }
  }

  @Test
  void anActivationLeavesWhatIsSeen() throws IOException {
    String nodes = """
        {"name": "r", "op": "Relu", "inputs": ["c"], "output": "r", "shape": [1, 1, 1, 1]},
        {"name": "f", "op": "Flatten", "inputs": ["r"]""";
    String seen = PLAN.replace("{\"name\": \"f\", \"op\": \"Flatten\", \"inputs\": [\"c\"]", nodes)
        .replace("[\"logits\"]", "[\"logits\", \"c\"]");
    assertEquals(-3f, verified(seen.formatted("infer")).get("output.c").floats()[0]);
  }

  @Test
  void anActivationLeavesTheInput() throws IOException {
    String nodes = """
        {"name": "s", "op": "Sigmoid", "inputs": ["x"], "output": "s", "shape": [1, 1, 2, 2]},
        {"name": "c", "op": "Conv", "inputs": ["s\"""";
    Path plan = plan(PLAN.replace("{\"name\": \"c\", \"op\": \"Conv\", \"inputs\": [\"x\"", nodes).formatted("infer"));
    Runner runner = new Runner();
    runner.load(Plan.read(plan, directory.resolve("weights"), directory.resolve("batch")));
    double want = 1 / (1 + Math.exp(-1)) - 1 / (1 + Math.exp(-4));
    for (int step = 0; step < 2; step++) {
      runner.step(0);
      assertEquals(want, runner.last()[0], 1e-6, "step " + step);
    }
    runner.unload();
  }

  @Test
  void aBrokenPlanIsNamed() throws IOException {
    Path plan = Files.writeString(directory.resolve("plan"), "{\"schema_version\": 99}");
    List<JsonObject> replies = converse("{\"id\": 1, \"request\": \"hello\"}", load(plan, plan, plan));
    assertEquals("bad_input", code(replies.get(1)));
    assertTrue(replies.get(1).toString().contains("schema_version 99"), replies.get(1).toString());
  }

  @Test
  void queriesByScheduleAndInGroups() throws IOException {
    Path plan = plan(PLAN.formatted("infer"));
    String measure = "{\"id\": %d, \"request\": \"measure\", \"params\": {\"iterations\": 4, %s}}";
    List<JsonObject> replies = converse(
        "{\"id\": 1, \"request\": \"hello\"}", load(plan, directory.resolve("weights"), directory.resolve("batch")),
        measure.formatted(3, "\"scenario\": \"multi-stream\", \"query_iterations\": 2"),
        measure.formatted(4, "\"scenario\": \"server\", \"arrival_ns\": [0, 0, 0, 200000000]"),
        measure.formatted(5, "\"scenario\": \"multi-stream\", \"query_iterations\": 3"),
        measure.formatted(6, "\"scenario\": \"server\", \"arrival_ns\": [0, 0, 0]"),
        measure.formatted(7, "\"scenario\": \"server\", \"arrival_ns\": [0, 2, 1, 3]"),
        measure.formatted(8, "\"scenario\": \"server\", \"arrival_ns\": [0, 1, 2, \"x\"]"),
        measure.formatted(9, "\"scenario\": \"dance\""),
        measure.formatted(10, "\"scenario\": \"sliding-window\", \"window\": {\"size\": [8, 8], \"overlap\": 0.5}"));
    assertEquals(2, result(replies.get(2)).getAsJsonArray("query_ns").size());
    JsonObject served = result(replies.get(3));
    long length = served.get("end_ns").getAsLong() - served.get("start_ns").getAsLong();
    assertTrue(length > 200_000_000, "the last query is issued at its time, not before: " + length);
    long[] latencies = Json.longs(served.get("query_ns"));
    assertTrue(latencies[0] < latencies[1] && latencies[1] < latencies[2], "queries at once wait for one another");
    for (long lag : Json.longs(served.get("lag_ns"))) {
      assertTrue(lag >= 0, "issued before it was due");
    }
    assertEquals(List.of("bad_request", "bad_request", "bad_request", "bad_request", "bad_request"),
        replies.subList(4, 9).stream().map(ServerTest::code).toList());
    assertEquals("unsupported", code(replies.get(9)));
  }

  private static JsonObject result(JsonObject reply) {
    assertEquals("", code(reply), reply.toString());
    return reply.getAsJsonObject("result");
  }

  private static String load(Path plan, Path weights, Path batch) {
    return "{\"id\": 2, \"request\": \"load\", \"params\": {\"plan\": \"%s\", \"weights\": \"%s\", \"batch\": \"%s\"}}"
        .formatted(plan, weights, batch);
  }

  private Map<String, Safetensors.Tensor> verified(String network) throws IOException {
    Path plan = plan(network);
    Path out = directory.resolve("out");
    String ask = "{\"id\": 3, \"request\": \"verify\", \"params\": {\"output\": \"%s\", \"gradients\": true, \"steps\": 2}}";
    List<JsonObject> replies = converse("{\"id\": 1, \"request\": \"hello\"}",
        load(plan, directory.resolve("weights"), directory.resolve("batch")), ask.formatted(out));
    assertEquals("", code(replies.get(1)), replies.get(1).toString());
    assertEquals("", code(replies.get(2)), replies.get(2).toString());
    return Safetensors.read(out);
  }

  /** The files of a plan with the small network's parameters; returns the plan's. */
  private Path plan(String network) throws IOException {
    Path plan = Files.writeString(directory.resolve("plan"), network);
    Path weights = directory.resolve("weights");
    Map<String, Safetensors.Tensor> tensors = new LinkedHashMap<>();
    tensors.put("c.weight", Safetensors.Tensor.of(new long[] {1, 1, 2, 2}, new float[] {1, 0, 0, -1}));
    tensors.put("d.weight", Safetensors.Tensor.of(new long[] {2, 1}, new float[] {1, -1}));
    tensors.put("d.bias", Safetensors.Tensor.of(new long[] {2}, new float[] {0, 1}));
    Safetensors.write(weights, tensors);
    Path batch = directory.resolve("batch");
    Safetensors.Tensor label = new Safetensors.Tensor("I64", new long[] {1}, java.nio.ByteBuffer.allocate(8));
    tensors.clear();
    tensors.put("input.0", Safetensors.Tensor.of(new long[] {1, 1, 2, 2}, IMAGE));
    tensors.put("labels.0", label);
    Safetensors.write(batch, tensors);
    return plan;
  }
}
