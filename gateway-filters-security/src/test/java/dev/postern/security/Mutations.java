package dev.postern.security;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Mutated inputs for a parser, the same for the same seed. {@code -Dpostern.fuzz=1000000} is the number for each target,
 * {@code -Dpostern.seed=…} the seed.
 */
final class Mutations {
    private static final long EXECUTIONS = Long.getLong("postern.fuzz", 3_000);
    private static final long SEED = Long.getLong("postern.seed", 1);
    private static final int LONGEST = 600;
    private static final String TELLING = "{}[]\":,.\\/%0-9eE+_=u \0\n";
    private static final System.Logger LOG = System.getLogger(Mutations.class.getName());

    /** Parses and checks; throws anything when something is wrong. */
    interface Target {
        /** Returns a number for what the parser did. */
        int run(byte[] input) throws Exception;
    }

    private Mutations() {}

    static void run(String name, Target target, String... seeds) {
        SplittableRandom random = new SplittableRandom(SEED * 31 + name.hashCode());
        List<byte[]> pool = new ArrayList<>();
        java.util.Set<Integer> kinds = new java.util.HashSet<>();
        for (String seed : seeds) {
            pool.add(seed.getBytes(StandardCharsets.UTF_8));
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
                "fuzz {0}: {1} executions with seed {2}, {3} kinds of outcome",
                name,
                Long.toString(EXECUTIONS),
                Long.toString(SEED),
                kinds.size());
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
