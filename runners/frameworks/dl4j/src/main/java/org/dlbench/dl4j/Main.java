package org.dlbench.dl4j;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;

/** Starts the runner, or with the argument "bare" the loop that it is held against. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    System.setOut(System.err); // no print may break the stream of replies
    PrintStream replies = new PrintStream(new FileOutputStream(descriptor(3)), false, StandardCharsets.UTF_8);
    Workbench bench = arguments.length > 0 && arguments[0].equals("bare") ? new Bare() : new Runner();
    new Server(bench, replies).serve(System.in);
    System.exit(0);
  }

  /** The starting shell keeps standard output in descriptor 3 and points 1 at standard error. */
  private static FileDescriptor descriptor(int number) throws ReflectiveOperationException {
    Constructor<FileDescriptor> make = FileDescriptor.class.getDeclaredConstructor(int.class);
    make.setAccessible(true);
    return make.newInstance(number);
  }
}
