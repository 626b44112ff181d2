package org.dlbench.dl4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {
  @TempDir Path directory;

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Path path = directory.resolve("x");
    float[] values = {1.5f, -2f, Float.MIN_VALUE, Float.NaN, 5, 6};
    Safetensors.write(path, Map.of("a", Safetensors.Tensor.of(new long[] {2, 3}, values)));
    Map<String, Safetensors.Tensor> read = Safetensors.read(path);
    assertArrayEquals(values, read.get("a").floats());
    assertArrayEquals(new long[] {2, 3}, read.get("a").shape());
    try (var files = Files.list(directory)) {
      assertEquals(1, files.count(), "a temporary file stayed behind");
    }
  }

  @Test
  void brokenFilesAreNamed() throws IOException {
    Path whole = directory.resolve("whole");
    Safetensors.write(whole, Map.of("a", Safetensors.Tensor.of(new long[] {4}, new float[4])));
    byte[] bytes = Files.readAllBytes(whole);
    for (int length : new int[] {0, 5, 20, bytes.length - 1}) {
      refused(Arrays.copyOf(bytes, length));
    }
    refused("\u0002\0\0\0\0\0\0\0[]".getBytes(StandardCharsets.ISO_8859_1));
    refused("\u0008\0\0\0\0\0\0\0{\"a\": 1}".getBytes(StandardCharsets.ISO_8859_1));
    assertEquals("bad_input", assertThrows(Fault.class, () -> Safetensors.read(directory.resolve("no"))).code);
  }

  private void refused(byte[] content) throws IOException {
    Path path = Files.write(directory.resolve("broken"), content);
    Fault fault = assertThrows(Fault.class, () -> Safetensors.read(path));
    assertEquals("bad_input", fault.code);
    assertTrue(fault.getMessage().contains(path.toString()), fault.getMessage());
  }
}
