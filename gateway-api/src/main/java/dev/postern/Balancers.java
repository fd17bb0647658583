package dev.postern;

import dev.postern.LoadBalancer.Candidates;
import dev.postern.LoadBalancer.Endpoints;
import dev.postern.LoadBalancer.Picker;
import java.util.Locale;

/** The balancers behind {@link LoadBalancer}'s factories. */
final class Balancers {
    /** A weighted schedule never gets longer than this; weights beyond it are scaled down. */
    private static final int MAX_SCHEDULE = 10_000;

    private Balancers() {}

    enum Simple implements LoadBalancer {
        ROUND_ROBIN {
            @Override
            public Picker prepare(Endpoints endpoints) {
                int size = endpoints.size();
                // floorMod: tickets wrap to negative ones.
                return (ticket, candidates, request) ->
                        next((int) Math.floorMod(ticket, (long) size), size, candidates);
            }
        },
        WEIGHTED {
            @Override
            public Picker prepare(Endpoints endpoints) {
                int size = endpoints.size();
                int[] schedule = schedule(endpoints);
                if (schedule.length == 0) {
                    return (ticket, candidates, request) -> -1;
                }
                return (ticket, candidates, request) -> {
                    int at = (int) Math.floorMod(ticket, (long) schedule.length);
                    for (int i = 0; i < schedule.length && i < 2 * size; i++) {
                        int index = schedule[(at + i) % schedule.length];
                        if (candidates.allows(index)) {
                            return index;
                        }
                    }
                    for (int index = 0; index < size; index++) {
                        if (endpoints.get(index).weight() > 0 && candidates.allows(index)) {
                            return index;
                        }
                    }
                    return -1;
                };
            }
        },
        RANDOM {
            @Override
            public Picker prepare(Endpoints endpoints) {
                int size = endpoints.size();
                return (ticket, candidates, request) -> next(bounded(mix(ticket), size), size, candidates);
            }
        },
        LEAST_REQUESTS {
            @Override
            public Picker prepare(Endpoints endpoints) {
                int size = endpoints.size();
                return (ticket, candidates, request) -> {
                    long bits = mix(ticket);
                    int first = next(bounded(bits, size), size, candidates);
                    int second = next(bounded(mix(bits), size), size, candidates);
                    if (first == second && first >= 0) {
                        // Drawn twice: its neighbour is the other choice, else every fifth pick of five would be no
                        // choice.
                        second = next((first + 1) % size, size, candidates);
                    }
                    if (first < 0 || second < 0) {
                        return Math.max(first, second);
                    }
                    return candidates.inFlight(second) < candidates.inFlight(first) ? second : first;
                };
            }
        };

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    /** The first usable endpoint from {@code start} on, around the ring; -1 when there is none. */
    private static int next(int start, int size, Candidates candidates) {
        for (int i = 0; i < size; i++) {
            int index = start + i < size ? start + i : start + i - size;
            if (candidates.allows(index)) {
                return index;
            }
        }
        return -1;
    }

    /** Maps 64 random bits to [0, bound) by a multiplication of the upper half (Lemire), without a division. */
    private static int bounded(long bits, int bound) {
        return (int) (((bits >>> 32) * bound) >>> 32);
    }

    /** SplitMix64's finaliser (Steele, Lea, Flood 2014): neighbouring tickets give unrelated bits. */
    private static long mix(long ticket) {
        long z = ticket * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** Smooth weighted round robin (as in nginx) laid out once: each turn the largest credit goes first and pays the sum. */
    private static int[] schedule(Endpoints endpoints) {
        int size = endpoints.size();
        long sum = 0;
        int divisor = 0;
        for (int i = 0; i < size; i++) {
            sum += endpoints.get(i).weight();
            divisor = gcd(divisor, endpoints.get(i).weight());
        }
        if (sum == 0) {
            return new int[0];
        }
        double scale = Math.min(1.0 / divisor, (double) MAX_SCHEDULE / sum);
        long[] weights = new long[size];
        long[] credits = new long[size];
        int total = 0;
        for (int i = 0; i < size; i++) {
            int weight = endpoints.get(i).weight();
            weights[i] = weight == 0 ? 0 : Math.max(1, Math.round(weight * scale));
            total += (int) weights[i];
        }
        int[] schedule = new int[total];
        for (int turn = 0; turn < total; turn++) {
            int best = 0;
            for (int i = 0; i < size; i++) {
                credits[i] += weights[i];
                if (credits[i] > credits[best]) {
                    best = i;
                }
            }
            credits[best] -= total;
            schedule[turn] = best;
        }
        return schedule;
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
