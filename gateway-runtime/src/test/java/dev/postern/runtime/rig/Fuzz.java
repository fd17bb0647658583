package dev.postern.runtime.rig;

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
 * Throws mutated inputs at a parser. A seed repeats a run exactly. Inputs that made the parser do something new are kept and
 * mutated further: the poor man's coverage, for which a target says in a number what it did.
 *
 * <p>{@code -Dpostern.fuzz=3000000} is the number of executions of each target, {@code -Dpostern.seed=…} the seed. Inputs of
 * {@code src/test/resources/fuzz/TARGET.txt} come first, a line each, with {@code \xHH} for bytes: what once broke something
 * goes there.
 */
public final class Fuzz {
    /** A parser and what must hold of it. */
    public interface Target {
        /**
         * Parses and checks. Throws anything when something is wrong.
         *
         * @return a number for what the parser did: refused and why, or what it read
         */
        int run(byte[] input) throws Exception;
    }

    private static final long EXECUTIONS = Long.getLong("postern.fuzz", 3_000);
    private static final long SEED = Long.getLong("postern.seed", 1);
    private static final int LONGEST = 512;
    private static final int MOST_KEPT = 2_000;
    // What stands in files is read by people, now and then.
    private static final int LONGEST_KEPT = 160;
    private static final int MOST_LINES = 24;
    private static final String TELLING = " \t\r\n\0/\\.%;:,=?#&\"'{}[]()<>@+-_*09azAZ\u007f\u0080\u00ff";
    private static final System.Logger LOG = System.getLogger(Fuzz.class.getName());

    private static volatile Map<String, Target> collecting;

    private final SplittableRandom random;
    private final List<byte[]> pool = new ArrayList<>();
    private final List<byte[]> words = new ArrayList<>();
    private final byte[] work = new byte[LONGEST];
    private int length;

    private Fuzz(long seed) {
        random = new SplittableRandom(seed);
    }

    /** Something that runs targets. */
    public interface Runs {
        /** Runs them. */
        void run() throws Exception;
    }

    /** The targets that would be run, by name, for another fuzzer. */
    public static Map<String, Target> collected(Runs runs) throws Exception {
        Map<String, Target> all = new TreeMap<>();
        collecting = all;
        try {
            runs.run();
        } finally {
            collecting = null;
        }
        return all;
    }

    /**
     * Runs one target.
     *
     * @param seeds good inputs to begin with; what stands between blanks in them are the words that mutations insert
     */
    public static void run(String name, Target target, String... seeds) throws IOException {
        Map<String, Target> only = collecting;
        if (only != null) {
            only.put(name, target);
            return;
        }
        Fuzz fuzz = new Fuzz(SEED * 31 + name.hashCode());
        for (String seed : seeds) {
            byte[] bytes = bytes(seed);
            fuzz.pool.add(bytes);
            for (String word : seed.split("(?<=[ ,;:=/.?&])|(?=[ ,;:=/.?&])")) {
                fuzz.words.add(bytes(word));
            }
        }
        for (String line : kept(name)) {
            fuzz.pool.add(bytes(line));
        }
        fuzz.run(name, target);
    }

    private static Path file(String name) {
        return Path.of("src/test/resources/fuzz", name + ".txt");
    }

    private static List<String> kept(String name) throws IOException {
        return Files.exists(file(name)) ? Files.readAllLines(file(name), StandardCharsets.US_ASCII) : List.of();
    }

    /**
     * Adds to the inputs that come first what another fuzzer has found: the shortest for each thing that the parser did, and
     * that no input before did.
     *
     * @param folder with a file for each input
     */
    public static void keep(String name, Target target, Path folder) throws IOException {
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

    private void run(String name, Target target) {
        long start = System.nanoTime();
        Set<Integer> kinds = new HashSet<>();
        for (byte[] seed : List.copyOf(pool)) {
            kinds.add(execute(name, target, seed));
        }
        for (long i = 0; i < EXECUTIONS; i++) {
            byte[] input = mutated();
            int kind = execute(name, target, input);
            if (kinds.size() < MOST_KEPT && kinds.add(kind)) {
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
            throw new AssertionError(name + " breaks for \"" + escaped(input) + "\": " + broken, broken);
        }
    }

    private byte[] mutated() {
        byte[] from = pool.get(random.nextInt(pool.size()));
        length = Math.min(from.length, LONGEST);
        System.arraycopy(from, 0, work, 0, length);
        for (int n = 1 + random.nextInt(4); n > 0; n--) {
            mutate();
        }
        return Arrays.copyOf(work, length);
    }

    private void mutate() {
        int at = length == 0 ? 0 : random.nextInt(length);
        switch (random.nextInt(8)) {
            case 0 -> set(at, (byte) random.nextInt(256));
            case 1 -> set(at, (byte) (work[at] ^ 1 << random.nextInt(8)));
            case 2 -> set(at, (byte) TELLING.charAt(random.nextInt(TELLING.length())));
            case 3 -> {
                int count = Math.min(length - at, 1 + random.nextInt(8));
                System.arraycopy(work, at + count, work, at, length - at - count);
                length -= count;
            }
            case 4 -> insert(at, new byte[] {(byte) random.nextInt(256)});
            case 5 -> insert(at, words.get(random.nextInt(words.size())));
            case 6 -> {
                byte[] other = pool.get(random.nextInt(pool.size()));
                int begin = other.length == 0 ? 0 : random.nextInt(other.length);
                insert(at, Arrays.copyOfRange(other, begin, Math.min(other.length, begin + 32)));
            }
            default -> {
                byte[] part = Arrays.copyOfRange(work, at, Math.min(length, at + 1 + random.nextInt(16)));
                for (int n = 1 + random.nextInt(random.nextInt(20) == 0 ? 40 : 2); n > 0; n--) {
                    insert(at, part);
                }
            }
        }
    }

    private void set(int at, byte value) {
        if (length == 0) {
            length = 1;
        }
        work[at] = value;
    }

    private void insert(int at, byte[] part) {
        int count = Math.min(part.length, LONGEST - length);
        System.arraycopy(work, at, work, at + count, length - at);
        System.arraycopy(part, 0, work, at, count);
        length += count;
    }

    private static byte[] bytes(String text) {
        java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
        for (int i = 0; i < text.length(); i++) {
            if (text.startsWith("\\x", i)) {
                out.write(Integer.parseInt(text, i + 2, i + 4, 16));
                i += 3;
            } else {
                out.write(text.charAt(i));
            }
        }
        return out.toByteArray();
    }

    private static String escaped(byte[] input) {
        StringBuilder out = new StringBuilder();
        for (byte b : input) {
            if (b >= ' ' && b < 127 && b != '\\') {
                out.append((char) b);
            } else {
                out.append(String.format("\\x%02x", b & 255));
            }
        }
        return out.toString();
    }
}
