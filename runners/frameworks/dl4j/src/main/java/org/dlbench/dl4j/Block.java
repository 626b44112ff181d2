package org.dlbench.dl4j;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * The timed loops, one a scenario: nothing but the framework's calls and the clock between them.
 * They do what those of the Python library do, call by call: a test holds both to
 * runners/sdk/loops.json. System.nanoTime is CLOCK_MONOTONIC on Linux.
 */
final class Block {
  /** A sleep ends late by tens of microseconds, so the last stretch before a scheduled time is spun. */
  private static final long SPIN_NS = 1_000_000;

  private final IntConsumer step;
  private final Runnable settle;
  private final Time time;
  private final int iterations;
  private final JsonObject times = new JsonObject();

  /** The machine's time, or a test's. */
  record Time(LongSupplier clock, LongConsumer sleep) {
    static final Time REAL = new Time(System::nanoTime, LockSupport::parkNanos);
  }

  private Block(IntConsumer step, Runnable settle, Time time, int iterations) {
    this.step = step;
    this.settle = settle;
    this.time = time;
    this.iterations = iterations;
  }

  /** Looks at everything that can be wrong with a request, and returns what to run. */
  static Runnable asked(JsonObject params, IntConsumer step, Runnable settle, Time time, JsonObject into) {
    Block block = new Block(step, settle, time, Json.count(params, "iterations", null));
    String scenario = params.has("scenario") ? params.get("scenario").getAsString() : "";
    Runnable loop = switch (scenario) {
      case "offline", "train" -> block::backToBack;
      case "single-stream" -> () -> block.inTurn(1, "iteration_ns");
      case "multi-stream" -> {
        int size = Json.count(params, "query_iterations", null);
        if (block.iterations % size != 0) {
          throw Fault.badRequest(block.iterations + " iterations are not whole queries of query_iterations " + size);
        }
        yield () -> block.inTurn(size, "query_ns");
      }
      case "server" -> {
        long[] arrivals = block.arrivals(params.get("arrival_ns"));
        yield () -> block.scheduled(arrivals);
      }
      case "sliding-window" -> throw Fault.unsupported("sliding-window: DL4J's adapter has fixed batches");
      default -> throw Fault.badRequest("unknown scenario '" + scenario + "'");
    };
    return () -> {
      loop.run();
      block.times.entrySet().forEach(e -> into.add(e.getKey(), e.getValue()));
    };
  }

  /** When each query is scheduled, in nanoseconds after the block's start. */
  private long[] arrivals(JsonElement given) {
    boolean whole = given != null && given.isJsonArray() && given.getAsJsonArray().size() == iterations;
    if (!whole || !isWhole(given.getAsJsonArray())) {
      throw Fault.badRequest("arrival_ns has to be a list of " + iterations + " integers, one an iteration");
    }
    long[] arrivals = Json.longs(given);
    for (int i = 0; i < arrivals.length; i++) {
      if (arrivals[i] < (i == 0 ? 0 : arrivals[i - 1])) {
        throw Fault.badRequest("arrival_ns runs backwards");
      }
    }
    return arrivals;
  }

  private static boolean isWhole(JsonArray values) {
    return values.asList().stream().allMatch(v -> v.toString().matches("-?\\d{1,18}"));
  }

  private void backToBack() {
    LongSupplier clock = time.clock;
    settle.run();
    long start = clock.getAsLong();
    for (int i = 0; i < iterations; i++) {
      step.accept(i);
    }
    settle.run();
    edges(start, clock.getAsLong());
  }

  /** Groups of that many iterations, with a time for each group. */
  private void inTurn(int size, String name) {
    LongSupplier clock = time.clock;
    long[] latencies = new long[iterations / size];
    settle.run();
    long start = clock.getAsLong();
    long before = start;
    for (int group = 0; group < latencies.length; group++) {
      for (int i = 0; i < size; i++) {
        step.accept(group * size + i);
      }
      settle.run();
      long now = clock.getAsLong();
      latencies[group] = now - before;
      before = now;
    }
    edges(start, before);
    times.add(name, Json.array(latencies));
  }

  /** Queries by a schedule: latency counts from the scheduled time, the lag is what this loop adds. */
  private void scheduled(long[] arrivals) {
    LongSupplier clock = time.clock;
    long[] latencies = new long[iterations];
    long[] lags = new long[iterations];
    settle.run();
    long start = clock.getAsLong();
    long free = start;
    for (int i = 0; i < iterations; i++) {
      long due = start + arrivals[i];
      if (due - free > SPIN_NS) {
        time.sleep.accept(due - free - SPIN_NS);
      }
      long issued = clock.getAsLong();
      while (issued < due) {
        Thread.onSpinWait();
        issued = clock.getAsLong();
      }
      step.accept(i);
      settle.run();
      lags[i] = issued - Math.max(due, free);
      free = clock.getAsLong();
      latencies[i] = free - due;
    }
    edges(start, free);
    times.add("query_ns", Json.array(latencies));
    times.add("lag_ns", Json.array(lags));
  }

  private void edges(long start, long end) {
    times.addProperty("start_ns", start);
    times.addProperty("end_ns", end);
  }
}
