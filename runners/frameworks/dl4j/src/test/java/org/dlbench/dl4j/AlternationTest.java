package org.dlbench.dl4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;

/** Blocks in the order that is asked, each begun without old garbage and after untimed iterations. */
class AlternationTest {
  private final List<String> calls = new ArrayList<>();
  private long now;

  private JsonObject run(String params) {
    Map<Character, IntConsumer> sides = Map.of('r', step("r", 10), 'b', step("b", 20));
    Block.Time time = new Block.Time(() -> now, ns -> { });
    return Alternation.run(JsonParser.parseString(params).getAsJsonObject(), sides, () -> calls.add("wait"), () -> calls.add("collect"), time,
        () -> 3 * now);
  }

  private IntConsumer step(String side, long length) {
    return i -> {
      calls.add(side + i);
      now += length;
    };
  }

  @Test
  void blocksAreInTheOrder() {
    JsonObject out = run("{\"order\": \"rb\", \"iterations\": 3, \"lead\": 1}");
    assertEquals(
        List.of("collect", "wait", "r0", "wait", "wait", "r0", "r1", "r2", "wait", "collect", "wait", "b0", "wait", "wait", "b0", "b1",
            "b2", "wait"), calls);
    assertEquals("[{\"start_ns\":10,\"end_ns\":40,\"cpu_ns\":90},{\"start_ns\":60,\"end_ns\":120,\"cpu_ns\":180}]", out.get("blocks").toString());
  }

  @Test
  void withoutALeadEachIterationIsTimed() {
    run("{\"order\": \"b\", \"iterations\": 1}");
    assertEquals(List.of("collect", "wait", "b0", "wait"), calls);
  }

  @Test
  void whatIsNoSideIsRefused() {
    for (String params : List.of("{\"order\": \"rx\", \"iterations\": 1}", "{\"order\": \"rb\", \"iterations\": 0}", "{\"iterations\": 1}")) {
      assertEquals("bad_request", assertThrows(Fault.class, () -> run(params)).code, params);
    }
    assertEquals(List.of(), calls);
  }
}
