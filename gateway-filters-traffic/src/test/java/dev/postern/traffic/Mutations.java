package dev.postern.traffic;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Mutated inputs for a parser, the same for the same seed. {@code -Dpostern.fuzz=1000000} is the number for each target,
 * {@code -Dpostern.seed=…} the seed. Inputs of {@code src/test/resources/fuzz/TARGET.txt} come first, a line each, with
 * {@code \xHH} for bytes.
 */
final class Mutations {
    private static final long EXECUTIONS = Long.getLong("postern.fuzz", 3_000);
    private static final long SEED = Long.getLong("postern.seed", 1);
    private static final int LONGEST = 600;
    private static final String TELLING = "{}[]\":,.\\/%0-9eE+_=u \0\n";
    // What stands in files is read by people, now and then.
    private static final int LONGEST_KEPT = 160;
    private static final int MOST_LINES = 24;
    private static final System.Logger LOG = System.getLogger(Mutations.class.getName());

    /** Parses and checks; throws anything when something is wrong. */
    interface Target {
        /** Returns a number for what the parser did. */
        int run(byte[] input) throws Exception;
    }

    private static volatile Map<String, Target> collecting;

    private Mutations() {}

    /** Something that runs targets. */
    interface Runs {
        /** Runs them. */
        void run() throws Exception;
    }

    /** The targets that would be run, by name, for another fuzzer. */
    static Map<String, Target> collected(Runs runs) throws Exception {
        Map<String, Target> all = new TreeMap<>();
        collecting = all;
        try {
            runs.run();
        } finally {
            collecting = null;
        }
        return all;
    }

    /** The shortest input for each thing that the parser did and none before it did, from a folder with a file for each. */
    static void keep(String name, Target target, Path folder) throws IOException {
        List<String> lines = new ArrayList<>(kept(name));
        Set<Integer> kinds = new HashSet<>();
        for (String line : lines) {
            kinds.add(execute(name, target, bytes(line)));
        }
        List<byte[]> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path each : files.sorted().toList()) {
                found.add(Files.readAllBytes(each));
            }
        }
        found.sort(Comparator.comparingInt(input -> input.length));
        for (byte[] input : found) {
            boolean small = input.length > 0 && input.length <= LONGEST_KEPT && lines.size() < MOST_LINES;
            if (small && kinds.add(execute(name, target, input))) {
                lines.add(escaped(input));
            }
        }
        Files.createDirectories(file(name).getParent());
        Files.write(file(name), lines, StandardCharsets.US_ASCII);
    }

    private static Path file(String name) {
        return Path.of("src/test/resources/fuzz", name + ".txt");
    }

    private static List<String> kept(String name) throws IOException {
        return Files.exists(file(name)) ? Files.readAllLines(file(name), StandardCharsets.US_ASCII) : List.of();
    }

    private static byte[] bytes(String line) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < line.length(); i++) {
            if (line.startsWith("\\x", i)) {
                out.write(Integer.parseInt(line, i + 2, i + 4, 16));
                i += 3;
            } else {
                out.write(line.charAt(i));
            }
        }
        return out.toByteArray();
    }

    private static String escaped(byte[] input) {
        StringBuilder out = new StringBuilder();
        for (byte b : input) {
            out.append(b >= ' ' && b < 127 && b != '\\' ? "" + (char) b : String.format("\\x%02x", b & 255));
        }
        return out.toString();
    }

    static void run(String name, Target target, String... seeds) throws IOException {
        Map<String, Target> only = collecting;
        if (only != null) {
            only.put(name, target);
            return;
        }
        SplittableRandom random = new SplittableRandom(SEED * 31 + name.hashCode());
        List<byte[]> pool = new ArrayList<>();
        Set<Integer> kinds = new HashSet<>();
        long start = System.nanoTime();
        for (String seed : seeds) {
            pool.add(seed.getBytes(StandardCharsets.UTF_8));
            kinds.add(execute(name, target, pool.get(pool.size() - 1)));
        }
        for (String line : kept(name)) {
            pool.add(bytes(line));
            kinds.add(execute(name, target, pool.get(pool.size() - 1)));
        }
        for (long i = 0; i < EXECUTIONS; i++) {
            byte[] input = pool.get(random.nextInt(pool.size()));
            for (int n = 1 + random.nextInt(4); n > 0; n--) {
                input = mutated(input, pool, random);
            }
            int kind = execute(name, target, input);
            if (pool.size() < 500 && kinds.add(kind)) {
                pool.add(input);
            }
        }
        LOG.log(
                System.Logger.Level.INFO,
                "fuzz {0}: {1} executions with seed {2}, {3} kinds of outcome, {4} ms",
                name,
                Long.toString(EXECUTIONS),
                Long.toString(SEED),
                kinds.size(),
                (System.nanoTime() - start) / 1_000_000);
    }

    private static int execute(String name, Target target, byte[] input) {
        try {
            return target.run(input);
        } catch (Throwable broken) {
            throw new AssertionError(name + " breaks for " + Arrays.toString(input) + ": " + broken, broken);
        }
    }

    private static byte[] mutated(byte[] from, List<byte[]> pool, SplittableRandom random) {
        int at = random.nextInt(from.length + 1);
        int gone = Math.min(from.length - at, random.nextInt(3) == 0 ? random.nextInt(8) : random.nextInt(2));
        byte[] other = pool.get(random.nextInt(pool.size()));
        int begin = random.nextInt(other.length + 1);
        byte[] put = switch (random.nextInt(4)) {
            case 0 -> new byte[0];
            case 1 -> new byte[] {(byte) random.nextInt(256)};
            case 2 -> new byte[] {(byte) TELLING.charAt(random.nextInt(TELLING.length()))};
            default -> Arrays.copyOfRange(other, begin, Math.min(other.length, begin + random.nextInt(40)));
        };
        byte[] out = new byte[Math.min(LONGEST, from.length - gone + put.length)];
        byte[] all = new byte[from.length - gone + put.length];
        System.arraycopy(from, 0, all, 0, at);
        System.arraycopy(put, 0, all, at, put.length);
        System.arraycopy(from, at + gone, all, at + put.length, from.length - at - gone);
        System.arraycopy(all, 0, out, 0, out.length);
        return out;
    }
}
