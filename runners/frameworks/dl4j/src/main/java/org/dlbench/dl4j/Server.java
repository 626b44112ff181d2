package org.dlbench.dl4j;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.nd4j.linalg.factory.Nd4j;

/** The protocol: JSON lines in, one reply each, faults turned into error codes. */
final class Server {
  private static final int PROTOCOL = 1;
  private static final List<String> OPERATORS = List.of(
      "Conv", "ConvTranspose", "BatchNormalization", "Relu", "Clip", "Sigmoid", "Softmax", "MaxPool", "AveragePool",
      "GlobalAveragePool", "Add", "Mul", "Concat", "Flatten", "Gemm", "LRN", "Dropout", "Resize",
      "LeakyRelu", "PRelu", "HardSigmoid", "HardSwish", "Gelu", "LayerNormalization", "Reshape", "Transpose", "Slice",
      "Add.parameter", "Mul.parameter", "Gemm.nobias", "InstanceNormalization",
      "SoftmaxCrossEntropy.pixels", "DiceCrossEntropy", "SigmoidCrossEntropy",
      "Conv.3d", "ConvTranspose.3d", "BatchNormalization.3d", "InstanceNormalization.3d",
      "MaxPool.3d", "AveragePool.3d", "GlobalAveragePool.3d", "Resize.3d");

  private final Workbench bench;
  private final PrintStream replies;
  private boolean greeted;
  private Card card;
  private Plan plan;
  private Bare bare;

  Server(Workbench bench, PrintStream replies) {
    this.bench = bench;
    this.replies = replies;
  }

  /** Answers until bye or the end of the input. */
  void serve(InputStream input) throws IOException {
    BufferedReader requests = new BufferedReader(new InputStreamReader(input, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      if (!line.isBlank() && answer(line)) {
        return;
      }
    }
  }

  /** Answers one line; true says that it was the last one. */
  private boolean answer(String line) {
    JsonObject reply = new JsonObject();
    reply.addProperty("id", 0);
    boolean done = false;
    try {
      JsonObject request = parse(line);
      reply.add("id", request.get("id"));
      String name = request.get("request").getAsString();
      done = name.equals("bye");
      reply.add("result", handle(name, params(request)));
    } catch (Exception | OutOfMemoryError | LinkageError error) {
      error.printStackTrace();
      Fault fault = Fault.of(error);
      JsonObject told = new JsonObject();
      told.addProperty("code", fault.code);
      told.addProperty("message", fault.getMessage());
      reply.add("error", told);
    }
    replies.print(reply + "\n");
    replies.flush();
    return done;
  }

  private static JsonObject parse(String line) {
    JsonElement request;
    try {
      request = JsonParser.parseString(line);
    } catch (JsonParseException error) {
      throw Fault.badRequest("the request is not JSON: " + error.getMessage());
    }
    if (!request.isJsonObject() || !isInteger(request.getAsJsonObject().get("id"))) {
      throw Fault.badRequest("a request is an object with an integer id");
    }
    JsonElement name = request.getAsJsonObject().get("request");
    if (name == null || !name.isJsonPrimitive() || !name.getAsJsonPrimitive().isString()) {
      throw Fault.badRequest("a request names what it wants in the field request");
    }
    return request.getAsJsonObject();
  }

  private static boolean isInteger(JsonElement value) {
    return value != null && value.isJsonPrimitive() && value.toString().matches("-?\\d{1,18}");
  }

  private static JsonObject params(JsonObject request) {
    JsonElement params = request.get("params");
    if (params == null || params.isJsonNull()) {
      return new JsonObject();
    }
    if (!params.isJsonObject()) {
      throw Fault.badRequest("params is not an object");
    }
    return params.getAsJsonObject();
  }

  private JsonObject handle(String name, JsonObject params) throws IOException {
    return switch (name) {
      case "hello" -> hello(params);
      case "load" -> load(params);
      case "verify" -> verify(params);
      case "warmup" -> warmup(params);
      case "measure" -> measure(params);
      case "bare" -> bare(params);
      case "alternate" -> alternate(params);
      case "unload" -> unload();
      case "bye" -> new JsonObject();
      default -> throw Fault.unknownRequest(name);
    };
  }

  private JsonObject hello(JsonObject params) throws IOException {
    if (greeted) {
      throw Fault.badRequest("hello came before, and comes once");
    }
    int threads = Json.count(params, "threads", 0);
    String device = params.has("device") ? params.get("device").getAsString() : "cpu";
    long began = System.nanoTime();
    card = Card.asked(device);
    Nd4j.setDefaultDataTypes(org.nd4j.linalg.api.buffer.DataType.FLOAT, org.nd4j.linalg.api.buffer.DataType.FLOAT);
    if (threads > 0) {
      Nd4j.getEnvironment().setMaxThreads(threads);
      Nd4j.getEnvironment().setMaxMasterThreads(threads);
    }
    greeted = true;
    JsonObject out = new JsonObject();
    out.addProperty("protocol", PROTOCOL);
    out.addProperty("runner", bench.name());
    out.addProperty("framework", "DL4J");
    out.addProperty("framework_version", "1.0.0-M2.1");
    out.addProperty("adapter_digest", digest(source()));
    JsonObject build = new JsonObject();
    build.addProperty("backend", Nd4j.getBackend().getClass().getSimpleName());
    if (!card.gpu()) {
      build.addProperty("onednn", String.valueOf(org.nd4j.linalg.cpu.nativecpu.bindings.Nd4jCpu.Environment.getInstance().isUseONEDNN()));
    }
    build.addProperty("java", Runtime.version().toString());
    out.add("build", build);
    JsonObject seen = new JsonObject();
    seen.addProperty("kind", card.gpu() ? "gpu" : "cpu");
    seen.addProperty("name", card.name());
    out.add("device", seen);
    out.add("terms", terms());
    JsonObject can = new JsonObject();
    can.add("operators", Json.strings(OPERATORS));
    can.add("modes", Json.strings(List.of("infer", "train")));
    can.add("precisions", Json.strings(List.of("fp32")));
    JsonObject lacking = new JsonObject();
    for (String precision : List.of("bf16", "fp16")) {
      lacking.addProperty(precision, "DL4J has no mixed precision: parameters and activations share one type");
    }
    can.add("no_precision", lacking);
    can.addProperty("running_variance", "biased");
    out.add("capabilities", can);
    out.addProperty("import_s", (System.nanoTime() - began) / 1e9);
    out.addProperty("pid", ProcessHandle.current().pid());
    return out;
  }

  private JsonObject terms() throws IOException {
    JsonObject out = new JsonObject();
    out.addProperty("threads", Nd4j.getEnvironment().maxThreads());
    out.add("cpus", allowedProcessors());
    out.addProperty("layout", card.gpu() ? "NCHW" : "NCHW (blocked inside)");
    out.addProperty("execution", "ComputationGraph");
    out.addProperty("precision", "fp32");
    JsonObject switches = new JsonObject();
    if (card.gpu()) {
      switches.addProperty("tf32", "off (NVIDIA_TF32_OVERRIDE=" + System.getenv("NVIDIA_TF32_OVERRIDE") + ")");
    } else {
      switches.addProperty("onednn_helpers", "on");
    }
    switches.addProperty("workspaces", "enabled");
    out.add("switches", switches);
    return out;
  }

  /** sched_getaffinity, as /proc tells it. */
  private static JsonArray allowedProcessors() throws IOException {
    JsonArray out = new JsonArray();
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (!line.startsWith("Cpus_allowed_list:")) {
        continue;
      }
      for (String part : line.substring(line.indexOf(':') + 1).trim().split(",")) {
        String[] ends = part.split("-");
        int last = Integer.parseInt(ends[ends.length - 1]);
        for (int cpu = Integer.parseInt(ends[0]); cpu <= last; cpu++) {
          out.add(cpu);
        }
      }
    }
    return out;
  }

  private static byte[] source() throws IOException {
    CodeSource source = Server.class.getProtectionDomain().getCodeSource();
    Path path = Path.of(source.getLocation().getPath());
    return Files.isRegularFile(path) ? Files.readAllBytes(path) : new byte[0];
  }

  private JsonObject load(JsonObject params) throws IOException {
    opened();
    if (plan != null) {
      throw Fault.badRequest("load before unload of the former workload");
    }
    Plan read = read(params);
    long began = System.nanoTime();
    try {
      bench.load(read);
    } catch (RuntimeException error) {
      bench.unload();
      throw error;
    }
    plan = read;
    long parameters = plan.weights.entrySet().stream()
        .filter(e -> plan.isTrainable(e.getKey())).mapToLong(e -> e.getValue().length).sum();
    JsonObject out = new JsonObject();
    out.addProperty("load_s", (System.nanoTime() - began) / 1e9);
    out.addProperty("parameters", parameters);
    out.add("terms", terms());
    return out;
  }

  private JsonObject verify(JsonObject params) throws IOException {
    loaded();
    String output = Json.text(params, "output");
    int steps = Json.count(params, "steps", 0);
    boolean gradients = params.has("gradients") && params.get("gradients").getAsBoolean();
    Safetensors.write(Path.of(output), new Verification(bench, plan).tensors(gradients, steps));
    JsonObject shapes = new JsonObject();
    bench.shapes().forEach((name, shape) -> shapes.add(name, Json.array(shape)));
    JsonObject out = new JsonObject();
    out.addProperty("output", output);
    out.add("shapes", shapes);
    return out;
  }

  private JsonObject warmup(JsonObject params) {
    loaded();
    int first = Json.count(params, "first_slot", 0);
    int iterations = Json.count(params, "iterations", null);
    JsonArray durations = new JsonArray();
    JsonArray losses = new JsonArray();
    for (int i = 0; i < iterations; i++) {
      long began = System.nanoTime();
      bench.step((first + i) % plan.slots);
      card.settle();
      durations.add(System.nanoTime() - began);
      if (plan.training && i < 3) {
        losses.add(scalar(bench.last()));
      }
    }
    JsonObject out = new JsonObject();
    out.add("iteration_ns", durations);
    out.add("losses", losses);
    return out;
  }

  private JsonObject measure(JsonObject params) throws IOException {
    loaded();
    int slot = Json.count(params, "first_slot", 0);
    int slots = plan.slots;
    JsonObject out = new JsonObject();
    Runnable block = Block.asked(params, i -> bench.step((slot + i) % slots), card::settle, Block.Time.REAL, out);
    System.gc();
    block.run();
    float[] output = bench.last();
    ByteBuffer bytes = ByteBuffer.allocate(output.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(output);
    out.addProperty("output_digest", digest(bytes.array()));
    if (plan.training) {
      out.add("loss", scalar(output));
    }
    if (params.has("output") && !params.get("output").getAsString().isEmpty()) {
      long[] shape = plan.training ? new long[] {1} : plan.shapeOf(plan.outputs.get(0));
      Safetensors.write(Path.of(params.get("output").getAsString()), Map.of("output", Safetensors.Tensor.of(shape, output)));
    }
    return out;
  }

  /** The plan's bare loop, beside the network or before there is one. */
  private JsonObject bare(JsonObject params) throws IOException {
    opened();
    if (bare != null) {
      throw Fault.badRequest("bare before unload of the former workload");
    }
    Plan read = read(params);
    long began = System.nanoTime();
    Bare loaded = new Bare();
    loaded.load(read);
    bare = loaded;
    JsonObject out = new JsonObject();
    out.addProperty("load_s", (System.nanoTime() - began) / 1e9);
    return out;
  }

  private JsonObject alternate(JsonObject params) {
    loaded();
    if (bare == null) {
      throw Fault.badRequest("bare has to come first");
    }
    Map<Character, IntConsumer> sides = Map.of('r', i -> bench.step(i % plan.slots), 'b', i -> bare.step(i % plan.slots));
    return Alternation.run(params, sides, card::settle, System::gc, Block.Time.REAL, Server::cpuTime);
  }

  /** Of all threads of this process, in nanoseconds. */
  private static long cpuTime() {
    return ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class).getProcessCpuTime();
  }

  private static Plan read(JsonObject params) throws IOException {
    return Plan.read(Path.of(Json.text(params, "plan")), Path.of(Json.text(params, "weights")), Path.of(Json.text(params, "batch")));
  }

  /** A loss for JSON, which has no NaN: a loss that is none is null. */
  private static JsonElement scalar(float[] values) {
    return Float.isFinite(values[0]) ? new com.google.gson.JsonPrimitive(values[0]) : JsonNull.INSTANCE;
  }

  private JsonObject unload() {
    plan = null;
    bare = null;
    bench.unload();
    System.gc();
    return new JsonObject();
  }

  private void opened() {
    if (!greeted) {
      throw Fault.badRequest("hello has to come first");
    }
  }

  private void loaded() {
    opened();
    if (plan == null) {
      throw Fault.badRequest("load has to come first");
    }
  }

  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
