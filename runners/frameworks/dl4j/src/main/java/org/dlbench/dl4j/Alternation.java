package org.dlbench.dl4j;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;

/**
 * Blocks of the runner and of the bare loop in turn, in one process: they share what a fresh process
 * draws at its start. The Python library's alternation.py says more.
 */
final class Alternation {
  private static final String NO_COUNTERS = "Java has no call for the processor's counters";

  private Alternation() {}

  /** Runs throughput blocks in the order that is asked, like "rbbr"; sides are steps by their letter. */
  static JsonObject run(JsonObject params, Map<Character, IntConsumer> sides, Runnable settle, Runnable collect, Block.Time time,
      LongSupplier cpuTime) {
    String order = Json.text(params, "order");
    int iterations = Json.count(params, "iterations", null);
    int lead = Json.count(params, "lead", 0);
    if (order.chars().anyMatch(side -> !sides.containsKey((char) side))) {
      throw Fault.badRequest("order is '" + order + "', expected only r and b");
    }
    JsonArray blocks = new JsonArray();
    for (char side : order.toCharArray()) {
      collect.run();
      if (lead > 0) {
        block(lead, sides.get(side), settle, time);
      }
      long used = cpuTime.getAsLong();
      JsonObject block = block(iterations, sides.get(side), settle, time);
      block.addProperty("cpu_ns", cpuTime.getAsLong() - used);
      blocks.add(block);
    }
    JsonObject out = new JsonObject();
    out.add("blocks", blocks);
    out.addProperty("no_counters", NO_COUNTERS);
    return out;
  }

  private static JsonObject block(int iterations, IntConsumer step, Runnable settle, Block.Time time) {
    JsonObject asked = new JsonObject();
    asked.addProperty("scenario", "offline");
    asked.addProperty("iterations", iterations);
    JsonObject times = new JsonObject();
    Block.asked(asked, step, settle, time, times).run();
    return times;
  }
}
