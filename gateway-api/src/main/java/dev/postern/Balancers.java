package dev.postern;

import dev.postern.LoadBalancer.Candidates;
import dev.postern.LoadBalancer.Endpoints;
import dev.postern.LoadBalancer.Picker;
import java.util.Locale;
import java.util.Set;

/** The balancers behind {@link LoadBalancer}'s factories. */
final class Balancers {
    /** A weighted schedule never gets longer than this; weights beyond it are scaled down. */
    private static final int MAX_SCHEDULE = 10_000;

    /** Draws before taking the next best: with half of the endpoints out, 1 of 256 picks is not by chance. */
    private static final int MAX_DRAWS = 8;

    /** What an endpoint is taken for that is working on its first request: slow. */
    private static final double UNKNOWN_NANOS = 60e9;

    private Balancers() {}

    enum Simple implements LoadBalancer {
        ROUND_ROBIN {
            @Override
            public Picker prepare(Endpoints endpoints) {
                int size = endpoints.size();
                return (ticket, candidates, request) -> {
                    // floorMod: tickets wrap to negative ones.
                    int turn = (int) Math.floorMod(ticket, (long) size);
                    return candidates.allows(turn) ? turn : draw(mix(ticket), size, candidates);
                };
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
                    int turn = (int) Math.floorMod(ticket, (long) schedule.length);
                    long bits = mix(ticket);
                    for (int i = 0; i < MAX_DRAWS; i++) {
                        int index = schedule[turn];
                        if (candidates.allows(index)) {
                            return index;
                        }
                        // Drawn from the schedule, so the others take over in proportion to their weights.
                        turn = bounded(bits, schedule.length);
                        bits = mix(bits);
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
                return (ticket, candidates, request) -> draw(mix(ticket), size, candidates);
            }
        },
        LEAST_REQUESTS {
            @Override
            public Picker prepare(Endpoints endpoints) {
                int size = endpoints.size();
                return (ticket, candidates, request) -> {
                    long bits = mix(ticket);
                    int first = draw(bits, size, candidates);
                    int second = another(first, bits, size, candidates);
                    if (first < 0 || second < 0) {
                        return Math.max(first, second);
                    }
                    return candidates.inFlight(second) < candidates.inFlight(first) ? second : first;
                };
            }
        },
        WEIGHTED_LEAST_REQUESTS {
            @Override
            public Picker prepare(Endpoints endpoints) {
                int size = endpoints.size();
                WeightedDraw draw = new WeightedDraw(endpoints);
                int[] weights = new int[size];
                for (int i = 0; i < size; i++) {
                    weights[i] = Math.max(1, endpoints.get(i).weight());
                }
                return (ticket, candidates, request) -> {
                    long bits = mix(ticket);
                    int first = draw.usable(bits, candidates);
                    int second = draw.usable(mix(~bits), candidates);
                    if (first < 0 || second < 0) {
                        return Math.max(first, second);
                    }
                    // Per weight; a tie stays with the first, which is drawn in proportion.
                    long a = (long) candidates.inFlight(first) * weights[second];
                    long b = (long) candidates.inFlight(second) * weights[first];
                    return b < a ? second : first;
                };
            }
        },
        PEAK_EWMA {
            @Override
            public Picker prepare(Endpoints endpoints) {
                int size = endpoints.size();
                return (ticket, candidates, request) -> {
                    long bits = mix(ticket);
                    int first = draw(bits, size, candidates);
                    int second = another(first, bits, size, candidates);
                    if (first < 0 || second < 0) {
                        return Math.max(first, second);
                    }
                    return expected(second, candidates) < expected(first, candidates) ? second : first;
                };
            }

            @Override
            public Set<Measure> measures() {
                return Set.of(Measure.LATENCY);
            }
        };

        /** How long a request is likely to take there. Nobody waits behind another for a first answer: that is a probe. */
        private static double expected(int index, Candidates candidates) {
            double latency = candidates.latencyNanos(index);
            int inFlight = candidates.inFlight(index);
            return latency > 0 ? latency * (inFlight + 1) : inFlight == 0 ? 0 : UNKNOWN_NANOS * (inFlight + 1);
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    /**
     * A usable endpoint by chance. Not the neighbour of one that is out: that one would take its whole share on top of its
     * own, and might be the next to fall.
     */
    static int draw(long random, int size, Candidates candidates) {
        long bits = random;
        int index = 0;
        for (int i = 0; i < MAX_DRAWS; i++) {
            index = bounded(bits, size);
            if (candidates.allows(index)) {
                return index;
            }
            bits = mix(bits);
        }
        return next(index, size, candidates);
    }

    /** A second choice beside the first, which was drawn by the same bits; -1 when there is none. */
    private static int another(int first, long bits, int size, Candidates candidates) {
        int second = draw(mix(~bits), size, candidates);
        // Drawn twice: its neighbour is the other choice, else every fifth pick of five would be no choice.
        return first == second && first >= 0 ? next((first + 1) % size, size, candidates) : second;
    }

    /** The first usable endpoint from {@code start} on, around the ring; -1 when there is none. */
    static int next(int start, int size, Candidates candidates) {
        for (int i = 0; i < size; i++) {
            int index = start + i < size ? start + i : start + i - size;
            if (candidates.allows(index)) {
                return index;
            }
        }
        return -1;
    }

    /** Maps 64 random bits to [0, bound) by a multiplication of the upper half (Lemire), without a division. */
    static int bounded(long bits, int bound) {
        return (int) (((bits >>> 32) * bound) >>> 32);
    }

    /** SplitMix64's finaliser (Steele, Lea, Flood 2014): neighbouring tickets give unrelated bits. */
    static long mix(long ticket) {
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
