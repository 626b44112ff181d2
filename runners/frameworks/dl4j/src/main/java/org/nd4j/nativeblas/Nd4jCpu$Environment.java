package org.nd4j.nativeblas;

import org.nd4j.linalg.cpu.nativecpu.bindings.Nd4jCpu;

/**
 * DL4J 1.0.0-M2.1 asks a class of this name whether oneDNN may be used, and finds none, because
 * the class was renamed: without it every layer falls back to slow built-in kernels.
 */
public final class Nd4jCpu$Environment {
  private static final Nd4jCpu$Environment INSTANCE = new Nd4jCpu$Environment();

  private Nd4jCpu$Environment() {}

  public static Nd4jCpu$Environment getInstance() {
    return INSTANCE;
  }

  public boolean isUseMKLDNN() {
    return Nd4jCpu.Environment.getInstance().isUseONEDNN();
  }
}
