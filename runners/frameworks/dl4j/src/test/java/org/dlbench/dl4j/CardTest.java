package org.dlbench.dl4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class CardTest {
  private static Properties information() {
    Properties all = new Properties();
    all.put("cuda.devicesInformation", List.of(Map.of("cuda.deviceName", "Tesla T4")));
    return all;
  }

  @Test
  void theFirstCardIsTaken() {
    Card card = Card.chosen("gpu:0", "JCublasBackend", 1, CardTest::information);
    assertTrue(card.gpu());
    assertEquals("Tesla T4", card.name());
    assertEquals("", Card.chosen("gpu", "JCublasBackend", 1, Properties::new).name());
  }

  @Test
  void theCpuIsTheCpu() {
    assertFalse(Card.chosen("cpu", "CpuBackend", 0, Properties::new).gpu());
  }

  @Test
  void anotherDeviceThanAskedIsRefused() {
    for (String[] wrong : new String[][] {{"gpu:0", "CpuBackend", "1", "CUDA backend is not there"}, {"gpu:0", "JCublasBackend", "0", "no GPU 0"},
        {"gpu:1", "JCublasBackend", "2", "takes the first"}, {"cpu", "JCublasBackend", "1", "only on GPUs"}}) {
      Fault fault = assertThrows(Fault.class, () -> Card.chosen(wrong[0], wrong[1], Integer.parseInt(wrong[2]), CardTest::information));
      assertTrue(fault.getMessage().contains(wrong[3]), fault.getMessage());
    }
  }
}
