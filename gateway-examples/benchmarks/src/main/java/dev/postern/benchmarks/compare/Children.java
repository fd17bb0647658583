package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Java programs that measure themselves and print what they saw, each in a process of its own. */
final class Children {
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();

    private Children() {}

    /** Runs a main class of this class path with system properties {@code name=value}; gives what it printed. */
    static String run(Class<?> main, String... properties) throws IOException, InterruptedException {
        return run(main.getName(), List.of(), properties);
    }

    /** Runs JMH with garbage and processor time; gives its table with comma-separated values. */
    static List<String> jmh(Path folder, List<String> arguments) throws IOException, InterruptedException {
        Path result = folder.resolve("jmh.csv");
        Files.deleteIfExists(result);
        List<String> all = new ArrayList<>(arguments);
        all.addAll(List.of("-prof", "gc", "-prof", "dev.postern.benchmarks.CpuTime"));
        all.addAll(List.of("-foe", "true", "-rf", "csv", "-rff", result.toString()));
        String printed = run("org.openjdk.jmh.Main", all, "jmh.ignoreLock=true");
        if (!Files.exists(result)) {
            throw new IOException("JMH said: " + printed.replace('\n', ' '));
        }
        return Files.readAllLines(result, StandardCharsets.UTF_8);
    }

    private static String run(String main, List<String> arguments, String... properties)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(JAVA, "-XX:+UseSerialGC", "-Xmx2g"));
        for (String property : properties) {
            command.add("-D" + property);
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(main + " ended with " + process.exitValue() + ": " + printed.replace('\n', ' '));
        }
        return printed;
    }
}
