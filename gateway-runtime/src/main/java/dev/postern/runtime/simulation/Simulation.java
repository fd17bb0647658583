package dev.postern.runtime.simulation;

import dev.postern.Endpoint;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.EndpointAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Runs the policies of an upstream (balancing, retries, hedging, outlier detection, health checks, slow start, panic) against
 * simulated endpoints in virtual time. The policies are the gateway's own code; clients, clock, chance and endpoints are not
 * real. One thread, no sockets: a minute takes milliseconds. The same seed gives the same trace, byte for byte.
 *
 * <p>{@link #check} runs many seeds and holds each run to your {@link Property properties} and to rules that hold always: no
 * attempt to an endpoint that has left, nor after the deadline; no more retries than the budget has, and no fewer; no permit
 * that is kept. A run that breaks one is made as small as possible and told with its trace.
 *
 * <p>What is not simulated: connection pools and their limits, bodies, filters. The policies log as they do in a gateway
 * ({@code dev.postern.health}); switch that off for thousands of runs.
 */
public final class Simulation {
    private static final int TRACE_LINES = 40;

    private final Upstream upstream;
    private final Map<String, Behaviour> behaviours;
    private final Behaviour usual;
    private final double requestsPerSecond;
    private final Duration duration;
    private final Duration deadline;
    private final double leaving;
    private final double writes;
    private final List<Happening> happenings;
    private final int chaos;
    private final List<Property> properties;

    private Simulation(Builder builder) {
        upstream = builder.upstream;
        behaviours = Map.copyOf(builder.behaviours);
        usual = builder.usual;
        requestsPerSecond = builder.requestsPerSecond;
        duration = builder.duration;
        deadline = builder.deadline;
        leaving = builder.leaving;
        writes = builder.writes;
        happenings = List.copyOf(builder.happenings);
        chaos = builder.chaos;
        properties = List.copyOf(builder.properties);
    }

    /**
     * Of an upstream with fixed endpoints.
     *
     * @throws IllegalArgumentException when it has none, or one without a valid address
     */
    public static Builder of(Upstream upstream) {
        if (upstream.endpoints().isEmpty()) {
            throw new IllegalArgumentException("upstream: " + upstream + " has no endpoints (expected: one or more)");
        }
        for (Endpoint endpoint : upstream.endpoints()) {
            String problem = EndpointAddress.problem(endpoint.uri());
            if (problem != null) {
                throw new IllegalArgumentException("endpoint: " + problem);
            }
        }
        return new Builder(upstream);
    }

    /** One run, with its whole trace. */
    public Report run(long seed) {
        return run(seed, happenings(seed), true);
    }

    /**
     * Runs this many seeds, from {@code first} on.
     *
     * @return how many requests were made in all
     * @throws AssertionError for the first run that breaks a rule or a property, made as small as possible
     */
    public long check(long first, int seeds) {
        long requests = 0;
        for (long seed = first; seed < first + seeds; seed++) {
            List<Happening> all = happenings(seed);
            Report report = run(seed, all, false);
            if (!complaints(report).isEmpty()) {
                throw new AssertionError(story(shrunk(seed, all)));
            }
            requests += report.exchanges().size();
        }
        return requests;
    }

    /** What this run breaks: rules that hold always, and the properties; empty when all is well. */
    public List<String> complaints(Report report) {
        List<String> complaints = new ArrayList<>(report.violations());
        for (Property property : properties) {
            String complaint = property.complaint(report);
            if (complaint != null) {
                complaints.add(property + ": " + complaint);
            }
        }
        return complaints;
    }

    /** What happens in the run of this seed: what was told, and chaos. */
    public List<Happening> happenings(long seed) {
        List<Happening> all = new ArrayList<>(happenings);
        SplittableRandom random = new SplittableRandom(~seed);
        List<Endpoint> endpoints = upstream.endpoints();
        for (int i = 0; i < chaos; i++) {
            String endpoint =
                    canonical(endpoints.get(random.nextInt(endpoints.size())).uri());
            // The last third of a run is calm, so that it can be seen to recover.
            long at = random.nextLong(duration.toNanos() * 2 / 3);
            long lasts = random.nextLong(1, Math.max(2, duration.toNanos() / 6));
            all.addAll(trouble(endpoint, Duration.ofNanos(at), Duration.ofNanos(at + lasts), random));
        }
        return all;
    }

    private List<Happening> trouble(String endpoint, Duration from, Duration to, SplittableRandom random) {
        Behaviour was = behaviour(endpoint);
        int kind = random.nextInt(8);
        Behaviour bad = switch (kind) {
            case 0 -> Behaviour.refusing();
            case 1 -> Behaviour.unreachable();
            case 2 -> Behaviour.silent();
            case 3 -> was.failing(1, 503);
            case 4 -> was.failing(random.nextDouble(), 500);
            case 5 -> was.failing(random.nextDouble(), 0);
            default -> Behaviour.answering(Duration.ofMillis(random.nextInt(100, 2_000)));
        };
        if (kind == 7) {
            return List.of(
                    new Happening(from, endpoint, Happening.Kind.LEAVES, null),
                    new Happening(to, endpoint, Happening.Kind.JOINS, was));
        }
        return List.of(
                new Happening(from, endpoint, Happening.Kind.BEHAVES, bad),
                new Happening(to, endpoint, Happening.Kind.BEHAVES, was));
    }

    /** Without each happening that it does not take to break something. */
    private Report shrunk(long seed, List<Happening> all) {
        List<Happening> needed = new ArrayList<>(all);
        for (int size = Math.max(1, needed.size() / 2); size >= 1; size /= 2) {
            for (int at = needed.size() - size; at >= 0; at -= size) {
                List<Happening> fewer = new ArrayList<>(needed);
                fewer.subList(at, at + size).clear();
                if (!complaints(run(seed, fewer, false)).isEmpty()) {
                    needed = fewer;
                }
            }
        }
        return run(seed, needed, true);
    }

    private String story(Report report) {
        StringBuilder story = new StringBuilder("seed " + report.seed() + " breaks:");
        complaints(report).forEach(complaint -> story.append("\n  ").append(complaint));
        story.append("\nwith:");
        report.happenings().forEach(happening -> story.append("\n  ").append(happening));
        story.append("\n").append(report).append("\nlast of the trace (nanoseconds, what, where, number):");
        List<String> lines = report.lines;
        lines.subList(Math.max(0, lines.size() - TRACE_LINES), lines.size())
                .forEach(line -> story.append("\n  ").append(line));
        return story.toString();
    }

    private Report run(long seed, List<Happening> all, boolean written) {
        return new World(this, seed, all, written).run();
    }

    /** As endpoints are called everywhere in a run. */
    static String canonical(String uri) {
        return EndpointAddress.of(uri).toString();
    }

    Upstream upstream() {
        return upstream;
    }

    Behaviour behaviour(String endpoint) {
        return behaviours.getOrDefault(endpoint, usual);
    }

    double requestsPerSecond() {
        return requestsPerSecond;
    }

    Duration duration() {
        return duration;
    }

    Duration deadline() {
        return deadline;
    }

    double leaving() {
        return leaving;
    }

    double writes() {
        return writes;
    }

    /** Collects what a run is like. */
    public static final class Builder {
        private final Upstream upstream;
        private final Map<String, Behaviour> behaviours = new HashMap<>();
        private final List<Happening> happenings = new ArrayList<>();
        private final List<Property> properties = new ArrayList<>();
        private Behaviour usual = Behaviour.answering(Duration.ofMillis(20));
        private double requestsPerSecond = 50;
        private Duration duration = Duration.ofMinutes(1);
        private Duration deadline = Duration.ofSeconds(5);
        private double leaving;
        private double writes;
        private int chaos;

        private Builder(Upstream upstream) {
            this.upstream = upstream;
        }

        /** How endpoints behave that nothing else is said of; the default answers in 20 ms. */
        public Builder behaviour(Behaviour behaviour) {
            usual = Objects.requireNonNull(behaviour, "behaviour");
            return this;
        }

        /** How one endpoint behaves. */
        public Builder behaviour(String endpoint, Behaviour behaviour) {
            behaviours.put(canonical(endpoint), Objects.requireNonNull(behaviour, "behaviour"));
            return this;
        }

        /** Requests a second on average, at times of their own (a Poisson process), more than 0; the default is 50. */
        public Builder requestsPerSecond(double rate) {
            if (!(rate > 0 && rate <= 1_000_000)) {
                throw new IllegalArgumentException("rate: " + rate + " (expected: more than 0, at most 1000000)");
            }
            requestsPerSecond = rate;
            return this;
        }

        /** How long requests come, more than zero; the default is a minute. */
        public Builder duration(Duration newDuration) {
            duration = positive("duration", newDuration);
            return this;
        }

        /** How long an exchange may take, more than zero; the default is 5 seconds. */
        public Builder deadline(Duration newDeadline) {
            deadline = positive("deadline", newDeadline);
            return this;
        }

        /** The part of the clients that leave at some moment before their deadline, if they have no answer then; 0 to 1. */
        public Builder leaving(double share) {
            leaving = share("share", share);
            return this;
        }

        /** The part of the requests that are {@code POST}, the others being {@code GET}; 0 to 1. */
        public Builder writes(double share) {
            writes = share("share", share);
            return this;
        }

        /** Lets an endpoint behave otherwise from a moment on. */
        public Builder behaves(Duration at, String endpoint, Behaviour behaviour) {
            happenings.add(new Happening(at, canonical(endpoint), Happening.Kind.BEHAVES, behaviour));
            return this;
        }

        /** Lets an endpoint join the list. */
        public Builder joins(Duration at, String endpoint, Behaviour behaviour) {
            happenings.add(new Happening(at, canonical(endpoint), Happening.Kind.JOINS, behaviour));
            return this;
        }

        /** Lets an endpoint leave the list; the last one stays. */
        public Builder leaves(Duration at, String endpoint) {
            happenings.add(new Happening(at, canonical(endpoint), Happening.Kind.LEAVES, null));
            return this;
        }

        /** So many troubles besides, by chance: refused connects, partitions, silence, failures, brown-outs, restarts. */
        public Builder chaos(int troubles) {
            if (troubles < 0) {
                throw new IllegalArgumentException("troubles: " + troubles + " (expected: >= 0)");
            }
            chaos = troubles;
            return this;
        }

        /** Holds every run to this too. */
        public Builder property(Property property) {
            properties.add(Objects.requireNonNull(property, "property"));
            return this;
        }

        /** The simulation. */
        public Simulation build() {
            return new Simulation(this);
        }

        private static Duration positive(String name, @Nullable Duration value) {
            if (value == null || value.isNegative() || value.isZero()) {
                throw new IllegalArgumentException(name + ": " + value + " (expected: more than zero)");
            }
            return value;
        }

        private static double share(String name, double value) {
            if (!(value >= 0 && value <= 1)) {
                throw new IllegalArgumentException(name + ": " + value + " (expected: 0 to 1)");
            }
            return value;
        }
    }
}
