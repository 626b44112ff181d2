package org.dlbench.dl4j;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/** The <a href="https://github.com/huggingface/safetensors#format">safetensors</a> format. */
final class Safetensors {
  private Safetensors() {}

  /** A tensor of float32 or int64, little-endian, in C order. */
  record Tensor(String type, long[] shape, ByteBuffer data) {
    static Tensor of(long[] shape, float[] values) {
      ByteBuffer data = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      data.asFloatBuffer().put(values);
      return new Tensor("F32", shape, data);
    }

    float[] floats() {
      float[] out = new float[data.remaining() / Float.BYTES];
      data.asFloatBuffer().get(out);
      return out;
    }

    long[] longs() {
      long[] out = new long[data.remaining() / Long.BYTES];
      data.asLongBuffer().get(out);
      return out;
    }
  }

  static Map<String, Tensor> read(Path path) throws IOException {
    ByteBuffer all;
    try (FileChannel channel = FileChannel.open(path)) {
      all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()).order(ByteOrder.LITTLE_ENDIAN);
    } catch (NoSuchFileException missing) {
      throw Fault.badInput(path + ": there is no such file");
    }
    if (all.limit() < Long.BYTES) {
      throw Fault.badInput(path + ": " + all.limit() + " bytes are too few for a safetensors header");
    }
    long length = all.getLong();
    if (length < 0 || length > all.remaining()) {
      throw Fault.badInput(
          path + ": the header is said to have " + length + " bytes, the file has " + all.limit());
    }
    byte[] header = new byte[(int) length];
    all.get(header);
    ByteBuffer body = all.slice().order(ByteOrder.LITTLE_ENDIAN);
    Map<String, Tensor> out = new LinkedHashMap<>();
    try {
      JsonObject entries = JsonParser.parseString(new String(header, StandardCharsets.UTF_8)).getAsJsonObject();
      for (Map.Entry<String, JsonElement> entry : entries.entrySet()) {
        if (!entry.getKey().equals("__metadata__")) {
          out.put(entry.getKey(), tensor(path, entry.getKey(), entry.getValue().getAsJsonObject(), body));
        }
      }
    } catch (JsonParseException | IllegalStateException error) {
      throw Fault.badInput(path + ": the header is no JSON object of tensors: " + error.getMessage());
    }
    return out;
  }

  private static Tensor tensor(Path path, String name, JsonObject entry, ByteBuffer body) {
    String place = path + ": tensor '" + name + "'";
    if (!entry.has("dtype") || !entry.has("shape") || !entry.has("data_offsets")) {
      throw Fault.badInput(place + ": its header lacks dtype, shape or data_offsets");
    }
    String type = entry.get("dtype").getAsString();
    int width = switch (type) {
      case "F32" -> Float.BYTES;
      case "I64" -> Long.BYTES;
      default -> throw Fault.badInput(place + ": dtype " + type + ", expected F32 or I64");
    };
    long[] shape = entry.getAsJsonArray("shape").asList().stream().mapToLong(JsonElement::getAsLong).toArray();
    long begin = entry.getAsJsonArray("data_offsets").get(0).getAsLong();
    long end = entry.getAsJsonArray("data_offsets").get(1).getAsLong();
    if (begin < 0 || end < begin || end > body.limit()) {
      throw Fault.badInput(
          place + " has bytes " + begin + " to " + end + ", the data have " + body.limit() + ": truncated");
    }
    long size = width;
    for (long extent : shape) {
      size *= extent;
    }
    if (size != end - begin) {
      throw Fault.badInput(place + ": its shape needs " + size + " bytes, it has " + (end - begin));
    }
    return new Tensor(type, shape, body.slice((int) begin, (int) size).order(ByteOrder.LITTLE_ENDIAN));
  }

  /** Writes a file, whole or not at all. */
  static void write(Path path, Map<String, Tensor> tensors) throws IOException {
    JsonObject header = new JsonObject();
    long at = 0;
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      Tensor tensor = entry.getValue();
      long end = at + tensor.data.remaining();
      JsonObject one = new JsonObject();
      one.addProperty("dtype", tensor.type);
      one.add("shape", Json.array(tensor.shape));
      one.add("data_offsets", Json.array(new long[] {at, end}));
      header.add(entry.getKey(), one);
      at = end;
    }
    byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer start = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).flip();
    Path temporary = path.resolveSibling(path.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    try {
      try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.write(start);
        channel.write(ByteBuffer.wrap(text));
        for (Tensor tensor : tensors.values()) {
          for (ByteBuffer data = tensor.data.duplicate(); data.hasRemaining(); ) {
            channel.write(data);
          }
        }
        channel.force(true);
      }
      Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException error) {
      if (String.valueOf(error.getMessage()).contains("No space left")) {
        throw Fault.diskFull(path + ": " + error.getMessage());
      }
      throw error;
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
