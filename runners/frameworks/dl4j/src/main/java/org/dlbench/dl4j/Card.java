package org.dlbench.dl4j;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.nd4j.linalg.factory.Nd4j;

/** What ND4J computes on. It takes the CUDA backend if that loads, and falls back to the CPU without a word. */
record Card(boolean gpu, String name) {
  private static final String CUDA = "JCublasBackend";

  /** The device that was asked for, or a fault that says why it cannot be had. */
  static Card asked(String device) {
    String backend;
    int cards;
    try {
      backend = Nd4j.getBackend().getClass().getSimpleName();
      cards = backend.equals(CUDA) ? Nd4j.getAffinityManager().getNumberOfDevices() : 0;
    } catch (RuntimeException | LinkageError e) {
      throw Fault.deviceUnavailable("ND4J for " + device + " does not load: " + e);
    }
    return chosen(device, backend, cards, () -> Nd4j.getExecutioner().getEnvironmentInformation());
  }

  static Card chosen(String device, String backend, int cards, java.util.function.Supplier<Properties> information) {
    boolean cuda = backend.equals(CUDA);
    if (device.equals("cpu")) {
      if (cuda) {
        throw Fault.deviceUnavailable("this build of DL4J computes only on GPUs (" + backend + ")");
      }
      return new Card(false, "");
    }
    if (!cuda) {
      throw Fault.deviceUnavailable("ND4J computes on the CPU (" + backend + "): its CUDA backend is not there or does not load");
    }
    int number = device.contains(":") ? Integer.parseInt(device.substring(device.indexOf(':') + 1)) : 0;
    if (number != 0 || cards < 1) {
      throw Fault.deviceUnavailable("no GPU " + number + ": ND4J finds " + cards + ", and this runner takes the first");
    }
    return new Card(true, nameIn(information.get()));
  }

  private static String nameIn(Properties information) {
    Object all = information.get("cuda.devicesInformation");
    if (all instanceof List<?> list && !list.isEmpty() && list.get(0) instanceof Map<?, ?> first) {
      Object name = first.get("cuda.deviceName");
      return name == null ? "" : name.toString();
    }
    return "";
  }

  /** Waits until everything that was issued is done. On the CPU a step returns when it is. */
  void settle() {
    if (gpu) {
      Nd4j.getExecutioner().commit();
    }
  }
}
