package org.dlbench.dl4j;

/** A refusal or failure with one of the protocol's stable codes. */
final class Fault extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final int LONGEST = 400;

  final String code;

  private Fault(String code, String message) {
    super(message);
    this.code = code;
  }

  static Fault badRequest(String message) {
    return new Fault("bad_request", message);
  }

  static Fault unknownRequest(String name) {
    return new Fault("unknown_request", "unknown request '" + name + "'");
  }

  static Fault unsupported(String what) {
    return new Fault("unsupported", what);
  }

  static Fault deviceUnavailable(String why) {
    return new Fault("device_unavailable", why);
  }

  static Fault badInput(String what) {
    return new Fault("bad_input", what);
  }

  static Fault diskFull(String what) {
    return new Fault("disk_full", what);
  }

  /** The fault that anything thrown amounts to. */
  static Fault of(Throwable error) {
    if (error instanceof Fault fault) {
      return fault;
    }
    String text = error.toString();
    if (text.length() > LONGEST) { // the log has all of it
      text = text.substring(0, LONGEST / 2) + " … " + text.substring(text.length() - LONGEST / 2);
    }
    boolean memory = error instanceof OutOfMemoryError || text.contains("Cannot allocate");
    return new Fault(memory ? "out_of_memory" : "internal", text);
  }
}
