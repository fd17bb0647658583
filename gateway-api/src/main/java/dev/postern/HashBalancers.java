package dev.postern;

import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The balancers that keep a key on its endpoint. */
final class HashBalancers {
    /** Shares differ by about 1 / √128, nine per cent. */
    private static final int POINTS = 128;

    /** A megabyte; with more points than this each endpoint gets fewer. */
    private static final int MAX_POINTS = 1 << 17;

    /** Eight points are a cache line: a table of where to begin that is this much smaller stays in the cache. */
    private static final int LINE_BITS = 3;

    private HashBalancers() {}

    /**
     * A ring of 2^64 places.
     *
     * @param factor how many times its part of all requests an endpoint may be working on
     * @param elsewhere whether the next one is taken when the endpoint of the key may not be used
     */
    record Ring(RequestKey key, double factor, boolean elsewhere) implements LoadBalancer {
        @Override
        public Set<Measure> measures() {
            return factor == Double.POSITIVE_INFINITY ? Set.of() : Set.of(Measure.ALL_IN_FLIGHT);
        }

        @Override
        public Picker prepare(Endpoints endpoints) {
            return new RingPicker(endpoints, factor, elsewhere);
        }

        @Override
        public String toString() {
            String name =
                    !elsewhere ? "strict hash" : factor == Double.POSITIVE_INFINITY ? "ring hash" : "bounded hash";
            return name + " of " + key + (factor == Double.POSITIVE_INFINITY ? "" : " × " + factor);
        }
    }

    private static final class RingPicker implements LoadBalancer.Picker {
        private final int size;
        private final double factor;
        private final boolean elsewhere;
        /** Sorted; the lowest bits, which decide nothing, hold the index of the owner. */
        private final long[] points;

        private final int owner;
        /** Where to begin looking, by the upper bits of the hash: there are about eight points to look at. */
        private final int[] starts;

        private final int shift;
        private final double[] parts;

        RingPicker(LoadBalancer.Endpoints endpoints, double factor, boolean elsewhere) {
            size = endpoints.size();
            this.factor = factor;
            this.elsewhere = elsewhere;
            int smallest = Integer.MAX_VALUE;
            long sum = 0;
            for (int i = 0; i < size; i++) {
                int weight = endpoints.get(i).weight();
                sum += weight;
                smallest = weight > 0 ? Math.min(smallest, weight) : smallest;
            }
            double unit = Math.min((double) POINTS / smallest, (double) MAX_POINTS / Math.max(1, sum));
            parts = new double[size];
            int[] counts = new int[size];
            int total = 0;
            for (int i = 0; i < size; i++) {
                int weight = endpoints.get(i).weight();
                parts[i] = sum == 0 ? 0 : (double) weight / sum;
                counts[i] = weight == 0 ? 0 : (int) Math.max(1, Math.round(weight * unit));
                total += counts[i];
            }
            owner = Integer.highestOneBit(Math.max(1, size - 1)) * 2 - 1;
            points = new long[total];
            int filled = 0;
            for (int i = 0; i < size; i++) {
                long seed = hash(endpoints.get(i).uri());
                for (int point = 0; point < counts[i]; point++) {
                    points[filled++] = (Balancers.mix(seed + point) & ~(long) owner) | i;
                }
            }
            Arrays.sort(points);
            int bits = Math.max(1, 32 - Integer.numberOfLeadingZeros(Math.max(1, total - 1)) - LINE_BITS);
            shift = 64 - bits;
            starts = new int[1 << bits];
            int at = 0;
            for (int bucket = 0; bucket < starts.length; bucket++) {
                long low = Long.MIN_VALUE + ((long) bucket << shift);
                while (at < total && points[at] < low) {
                    at++;
                }
                starts[bucket] = at;
            }
        }

        @Override
        public int pick(long ticket, LoadBalancer.Candidates candidates, Request request) {
            if (points.length == 0) {
                return -1;
            }
            String value = candidates.key();
            if (value == null) {
                return Balancers.draw(Balancers.mix(ticket), size, candidates);
            }
            long place = hash(value);
            int at = starts[(int) ((place - Long.MIN_VALUE) >>> shift)];
            while (at < points.length && points[at] < place) {
                at++;
            }
            int first = (int) points[at == points.length ? 0 : at] & owner;
            if (!elsewhere) {
                return candidates.allows(first) ? first : -1;
            }
            double most = factor == Double.POSITIVE_INFINITY ? 0 : factor * (candidates.allInFlight() + 1);
            int usable = -1;
            // Around the ring once; the first look nearly always ends it.
            for (int i = 0; i < points.length; i++) {
                int index = (int) points[at + i < points.length ? at + i : at + i - points.length] & owner;
                if (candidates.allows(index)) {
                    if (most == 0 || candidates.inFlight(index) + 1 <= Math.ceil(most * parts[index])) {
                        return index;
                    }
                    usable = usable < 0 ? index : usable;
                }
            }
            return usable;
        }
    }

    /** The table of Maglev, weighted by giving each endpoint turns in proportion. */
    record Maglev(RequestKey key) implements LoadBalancer {
        /** A prime, Envoy's default: with 1,000 endpoints shares differ by about 2 per cent. */
        private static final int SIZE = 65_537;

        private static final int MAX_DRAWS = 8;

        @Override
        public Picker prepare(Endpoints endpoints) {
            int size = endpoints.size();
            Slots table = table(endpoints);
            if (table == null) {
                return (ticket, candidates, request) -> -1;
            }
            return (ticket, candidates, request) -> {
                String value = candidates.key();
                if (value == null) {
                    return Balancers.draw(Balancers.mix(ticket), size, candidates);
                }
                long bits = hash(value);
                for (int i = 0; i < MAX_DRAWS; i++) {
                    int index = table.get(Balancers.bounded(bits, SIZE));
                    if (candidates.allows(index)) {
                        return index;
                    }
                    // Another place for this key, as good as the first: the keys of one that is out are spread evenly.
                    bits = Balancers.mix(bits);
                }
                return Balancers.next(table.get(Balancers.bounded(bits, SIZE)), size, candidates);
            };
        }

        @Override
        public String toString() {
            return "maglev of " + key;
        }

        private static @Nullable Slots table(Endpoints endpoints) {
            int size = endpoints.size();
            int heaviest = 0;
            for (int i = 0; i < size; i++) {
                heaviest = Math.max(heaviest, endpoints.get(i).weight());
            }
            if (heaviest == 0) {
                return null;
            }
            // By address, so that the order of the list does not matter.
            Integer[] order = new Integer[size];
            Arrays.setAll(order, i -> i);
            Arrays.sort(
                    order,
                    (a, b) -> endpoints.get(a).uri().compareTo(endpoints.get(b).uri()));
            long[] next = new long[size];
            long[] skip = new long[size];
            double[] due = new double[size];
            for (int i = 0; i < size; i++) {
                long bits = hash(endpoints.get(i).uri());
                next[i] = Balancers.bounded(bits, SIZE);
                skip[i] = Balancers.bounded(Balancers.mix(bits), SIZE - 1) + 1L;
            }
            int[] table = new int[SIZE];
            Arrays.fill(table, -1);
            int filled = 0;
            while (true) {
                for (int each : order) {
                    due[each] += (double) endpoints.get(each).weight() / heaviest;
                    if (due[each] < 1) {
                        continue;
                    }
                    due[each] -= 1;
                    while (table[(int) next[each]] >= 0) {
                        next[each] = (next[each] + skip[each]) % SIZE;
                    }
                    table[(int) next[each]] = each;
                    if (++filled == SIZE) {
                        return new Slots(table, size);
                    }
                }
            }
        }
    }

    /** Who owns each place of a table; two bytes a place where that is enough, which half as many cache lines hold. */
    private static final class Slots {
        private final char[] narrow;
        private final int[] wide;

        Slots(int[] table, int endpoints) {
            boolean fits = endpoints <= Character.MAX_VALUE + 1;
            narrow = new char[fits ? table.length : 0];
            wide = fits ? new int[0] : table;
            for (int i = 0; i < narrow.length; i++) {
                narrow[i] = (char) table[i];
            }
        }

        int get(int place) {
            return narrow.length > 0 ? narrow[place] : wide[place];
        }
    }

    /** FNV-1a, 64 bits, then mixed: the same on every JVM and in every run, so all gateways agree. */
    static long hash(String text) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        }
        return Balancers.mix(hash);
    }
}
