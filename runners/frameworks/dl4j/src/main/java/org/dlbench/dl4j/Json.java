package org.dlbench.dl4j;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

/** Short forms for JSON. */
final class Json {
  private Json() {}

  static JsonArray array(long[] values) {
    JsonArray out = new JsonArray();
    for (long value : values) {
      out.add(value);
    }
    return out;
  }

  static JsonArray strings(Iterable<String> values) {
    JsonArray out = new JsonArray();
    values.forEach(out::add);
    return out;
  }

  static int[] ints(JsonElement value) {
    return value.getAsJsonArray().asList().stream().mapToInt(JsonElement::getAsInt).toArray();
  }

  static long[] longs(JsonElement value) {
    return value.getAsJsonArray().asList().stream().mapToLong(JsonElement::getAsLong).toArray();
  }

  /** A count: positive, or at least zero if it has a default. */
  static int count(JsonObject params, String name, Integer otherwise) {
    JsonElement value = params.get(name);
    if (value == null && otherwise != null) {
      return otherwise;
    }
    int least = otherwise == null ? 1 : 0;
    if (value == null || !value.isJsonPrimitive() || !value.toString().matches("\\d{1,9}") || value.getAsInt() < least) {
      throw Fault.badRequest(name + " is " + value + ", expected an integer from " + least);
    }
    return value.getAsInt();
  }

  static String text(JsonObject params, String name) {
    JsonElement value = params.get(name);
    if (value == null || !value.isJsonPrimitive() || value.getAsString().isEmpty()) {
      throw Fault.badRequest(name + " is " + value + ", expected a path");
    }
    return value.getAsString();
  }
}
