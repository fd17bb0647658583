package dev.postern.traffic;

import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The targets of {@link TemplateFuzzTest} for Jazzer, which need not be on the class path of the tests; {@code .ci/fuzz} calls it. {@code
 * postern.fuzz.target} names one of them; {@code ?} prints their names.
 */
public final class JazzerEntry {
    private static Mutations.Target target;

    private JazzerEntry() {}

    /** Called by Jazzer before the first input. */
    public static void fuzzerInitialize() throws Exception {
        TemplateFuzzTest tests = new TemplateFuzzTest();
        Map<String, Mutations.Target> targets = Mutations.collected(() -> {
            for (Method test : TemplateFuzzTest.class.getDeclaredMethods()) {
                if (test.isAnnotationPresent(Test.class)) {
                    test.setAccessible(true);
                    test.invoke(tests);
                }
            }
        });
        String name = System.getProperty("postern.fuzz.target", "");
        if (name.equals("?")) {
            System.out.println(String.join("\n", targets.keySet()));
            System.exit(0);
        }
        target = targets.get(name);
        if (target == null) {
            throw new IllegalArgumentException(
                    "postern.fuzz.target: " + name + " (expected: one of " + targets.keySet() + ")");
        }
    }

    /** Called by Jazzer for every input; whatever is thrown is a finding. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        target.run(input);
    }

    /** Keeps what Jazzer has found for the target of this folder, so that every build repeats it. */
    public static void main(String[] folder) throws Exception {
        fuzzerInitialize();
        Mutations.keep(System.getProperty("postern.fuzz.target"), target, Path.of(folder[0]));
    }
}
