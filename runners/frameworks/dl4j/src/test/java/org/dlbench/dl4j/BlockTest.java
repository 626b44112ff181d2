package org.dlbench.dl4j;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The timed loops call what those of the Python library call, in that order, and tell the same times. */
class BlockTest {
  private static final Path WANTED = Path.of("../../sdk/loops.json");

  /** The scripted world of sdk/python/tests/trace_loops.py: each call takes its time. */
  private static final class World {
    private final List<String> calls = new ArrayList<>();
    private long now = 1_000_000_000;

    long clock() {
      calls.add("clock");
      return now += 50_000;
    }

    void step(int index) {
      calls.add("step " + index);
      now += 300_000L * (1 + index);
    }

    void settle() {
      calls.add("wait");
      now += 20_000;
    }

    void sleep(long ns) {
      calls.add("sleep " + ns);
      now += ns + 60_000;
    }
  }

  @Test
  void theLoopsDoWhatIsWritten() throws IOException {
    JsonArray cases = JsonParser.parseString(Files.readString(WANTED)).getAsJsonArray();
    assertEquals(4, cases.size());
    for (JsonElement element : cases) {
      JsonObject wanted = element.getAsJsonObject();
      World world = new World();
      JsonObject times = new JsonObject();
      Block.Time time = new Block.Time(world::clock, world::sleep);
      Block.asked(wanted.getAsJsonObject("params"), world::step, world::settle, time, times).run();
      String scenario = wanted.getAsJsonObject("params").get("scenario").getAsString();
      List<String> calls = wanted.getAsJsonArray("calls").asList().stream().map(JsonElement::getAsString).toList();
      assertEquals(calls, world.calls, scenario);
      assertEquals(wanted.getAsJsonObject("times"), times, scenario);
    }
  }
}
