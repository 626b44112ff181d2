package org.dlbench.dl4j;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** plan.json with its tensors: a network in ONNX's words, its weights and two batches. */
final class Plan {
  private static final int SCHEMA_VERSION = 1;

  String workload;
  boolean training;
  int batch;
  int slots;
  int classes;
  String input;
  long[] inputShape;
  List<String> outputs = new ArrayList<>();
  List<Node> nodes = new ArrayList<>();
  Map<String, String> roles = new LinkedHashMap<>();
  Map<String, float[]> weights = new LinkedHashMap<>();
  Map<String, long[]> shapes = new LinkedHashMap<>();
  List<float[]> inputs = new ArrayList<>();
  /** Of training: a class for each image or each pixel of it, or zeros and ones for each class. */
  List<Safetensors.Tensor> labels = new ArrayList<>();
  /** Empty in inference. */
  String loss = "";
  double diceSmooth;
  boolean diceOfBatch;
  double learningRate;
  double momentum;

  /** One operator; attributes have ONNX's names and meaning (opset 17). */
  record Node(
      String name, String op, List<String> data, List<String> params, String output, long[] shape, JsonObject attributes) {
    int[] ints(String attribute) {
      return Json.ints(attributes.get(attribute));
    }

    int integer(String attribute) {
      return attributes.get(attribute).getAsInt();
    }

    double number(String attribute) {
      return attributes.get(attribute).getAsDouble();
    }

    String string(String attribute) {
      return attributes.get(attribute).getAsString();
    }

    /** Spatial axes of the output: two of an image, three of a volume. */
    int axes() {
      return shape.length - 2;
    }

    boolean isDilated() {
      return Arrays.stream(ints("dilations")).anyMatch(d -> d != 1);
    }
  }

  boolean isTrainable(String parameter) {
    return roles.get(parameter).equals("trainable");
  }

  /** The shape of the first output: [N, classes], or a score of each class for every pixel. */
  long[] logits() {
    return shapeOf(outputs.get(0));
  }

  /** The NCHW or NCDHW shape of an activation. */
  long[] shapeOf(String name) {
    if (name.equals(input)) {
      return inputShape;
    }
    return nodes.stream().filter(n -> n.output.equals(name)).findFirst().orElseThrow().shape;
  }

  static Plan read(Path path, Path weights, Path batch) throws IOException {
    try {
      JsonObject raw = JsonParser.parseString(Files.readString(path)).getAsJsonObject();
      int version = raw.get("schema_version").getAsInt();
      if (version != SCHEMA_VERSION) {
        throw Fault.badInput(path + ": schema_version " + version + " is unknown");
      }
      return new Plan(raw, weights, batch);
    } catch (NoSuchFileException missing) {
      throw Fault.badInput(path + ": there is no such file");
    } catch (JsonParseException | IllegalStateException | NullPointerException | UnsupportedOperationException error) {
      throw Fault.badInput(path + ": " + error);
    }
  }

  private Plan(JsonObject raw, Path weightsPath, Path batchPath) throws IOException {
    JsonObject net = raw.getAsJsonObject("network");
    workload = raw.get("workload").getAsString();
    if (!raw.get("precision").getAsString().equals("fp32")) {
      throw Fault.unsupported("precision " + raw.get("precision").getAsString());
    }
    training = raw.get("mode").getAsString().equals("train");
    batch = raw.get("batch").getAsInt();
    slots = raw.get("slots").getAsInt();
    classes = raw.get("classes").getAsInt();
    input = net.getAsJsonObject("input").get("name").getAsString();
    inputShape = Json.longs(net.getAsJsonObject("input").get("shape"));
    net.getAsJsonArray("outputs").forEach(o -> outputs.add(o.getAsString()));
    Map<String, Safetensors.Tensor> stored = Safetensors.read(weightsPath);
    for (JsonElement element : net.getAsJsonArray("parameters")) {
      JsonObject p = element.getAsJsonObject();
      String name = p.get("name").getAsString();
      long[] shape = Json.longs(p.get("shape"));
      roles.put(name, p.get("role").getAsString());
      shapes.put(name, shape);
      weights.put(name, checked(stored, weightsPath, name, shape, "F32").floats());
    }
    net.getAsJsonArray("nodes").forEach(n -> nodes.add(node(n.getAsJsonObject())));
    if (training) {
      readTraining(raw.getAsJsonObject("training"));
    }
    stored = Safetensors.read(batchPath);
    for (int slot = 0; slot < slots; slot++) {
      inputs.add(checked(stored, batchPath, "input." + slot, inputShape, "F32").floats());
      labels.add(labels(stored, batchPath, "labels." + slot));
    }
  }

  private void readTraining(JsonObject how) {
    loss = how.get("loss").getAsString();
    switch (loss) {
      case "softmax_cross_entropy", Losses.SIGMOID -> { }
      case Losses.DICE -> {
        JsonObject dice = how.getAsJsonObject("dice");
        diceSmooth = dice.get("smooth").getAsDouble();
        diceOfBatch = dice.get("batch").getAsBoolean();
      }
      default -> throw Fault.unsupported("loss " + loss);
    }
    readOptimizer(how.getAsJsonObject("optimizer"));
  }

  /** A plan that only infers has labels too, which nothing reads: their type says which they are. */
  private Safetensors.Tensor labels(Map<String, Safetensors.Tensor> stored, Path path, String name) {
    long[] logits = logits();
    Safetensors.Tensor there = stored.get(name);
    if (loss.equals(Losses.SIGMOID) || (!training && there != null && there.type().equals("F32"))) {
      Safetensors.Tensor found = checked(stored, path, name, Arrays.copyOf(logits, 2), "F32");
      for (float value : found.floats()) {
        if (value != 0 && value != 1) {
          throw Fault.badInput(path + ": tensor '" + name + "' has " + value + ", expected 0 or 1");
        }
      }
      return found;
    }
    long[] shape = LongStream.range(0, logits.length).filter(axis -> axis != 1).map(axis -> logits[(int) axis]).toArray();
    Safetensors.Tensor found = checked(stored, path, name, shape, "I64");
    if (Arrays.stream(found.longs()).anyMatch(label -> label < 0 || label >= classes)) {
      throw Fault.badInput(path + ": tensor '" + name + "' leaves 0 to " + (classes - 1));
    }
    return found;
  }

  private void readOptimizer(JsonObject o) {
    boolean known = o.get("name").getAsString().equals("sgd") && o.get("nesterov").getAsBoolean();
    if (!known || o.get("weight_decay").getAsDouble() != 0) {
      throw Fault.unsupported("optimizer " + o);
    }
    learningRate = o.get("learning_rate").getAsDouble();
    momentum = o.get("momentum").getAsDouble();
  }

  private Node node(JsonObject raw) {
    List<String> data = new ArrayList<>();
    List<String> params = new ArrayList<>();
    raw.getAsJsonArray("inputs").forEach(i -> (roles.containsKey(i.getAsString()) ? params : data).add(i.getAsString()));
    JsonElement attributes = raw.get("attributes");
    return new Node(
        raw.get("name").getAsString(),
        raw.get("op").getAsString(),
        data,
        params,
        raw.get("output").getAsString(),
        Json.longs(raw.get("shape")),
        attributes == null || attributes.isJsonNull() ? new JsonObject() : attributes.getAsJsonObject());
  }

  private static Safetensors.Tensor checked(
      Map<String, Safetensors.Tensor> stored, Path path, String name, long[] shape, String type) {
    Safetensors.Tensor tensor = stored.get(name);
    if (tensor == null) {
      throw Fault.badInput(path + ": tensor '" + name + "' is missing");
    }
    if (!tensor.type().equals(type) || !Arrays.equals(tensor.shape(), shape)) {
      throw Fault.badInput(
          path + ": tensor '" + name + "' is " + tensor.type() + " " + Arrays.toString(tensor.shape())
              + ", expected " + type + " " + Arrays.toString(shape));
    }
    return tensor;
  }
}
