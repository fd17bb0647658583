package dev.postern.runtime.simulation;

import dev.postern.Failure;
import dev.postern.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happened in one run, for {@link Property properties} and for people. Times are nanoseconds since it began. */
public final class Report {
    private final Upstream upstream;
    private final long seed;
    private final Duration duration;
    private final List<Happening> happenings;
    // Filled while the run lasts.
    final List<Attempt> attempts = new ArrayList<>();
    final List<Exchange> exchanges = new ArrayList<>();
    final List<Standing> standings = new ArrayList<>();
    final List<String> violations = new ArrayList<>();
    final List<String> lines = new ArrayList<>();
    private final boolean written;
    private long fingerprint = 1;

    Report(Upstream upstream, long seed, Duration duration, List<Happening> happenings, boolean written) {
        this.upstream = upstream;
        this.seed = seed;
        this.duration = duration;
        this.happenings = happenings;
        this.written = written;
    }

    /** Why an attempt was made. */
    public enum Kind {
        /** The first of its exchange. */
        FIRST,
        /** Again after one that failed. */
        RETRY,
        /** Beside one that was slow. */
        HEDGE
    }

    /** One attempt. */
    public static final class Attempt {
        private final int exchange;
        private final Kind kind;
        private final String endpoint;
        private final long begun;
        private long ended = -1;
        private int status;
        private @Nullable Failure failure;

        Attempt(int exchange, Kind kind, String endpoint, long begun) {
            this.exchange = exchange;
            this.kind = kind;
            this.endpoint = endpoint;
            this.begun = begun;
        }

        void end(long at, int newStatus, @Nullable Failure newFailure) {
            ended = at;
            status = newStatus;
            failure = newFailure;
        }

        /** The number of its exchange, from 0. */
        public int exchange() {
            return exchange;
        }

        /** Why it was made. */
        public Kind kind() {
            return kind;
        }

        /** Where to. */
        public String endpoint() {
            return endpoint;
        }

        /** When it began. */
        public long begun() {
            return begun;
        }

        /** When it ended. */
        public long ended() {
            return ended;
        }

        /** The status of its response head, or 0. */
        public int status() {
            return status;
        }

        /** Why there was none, or null; {@link Failure#CLIENT_GONE} when it was cut. */
        public @Nullable Failure failure() {
            return failure;
        }
    }

    /**
     * What a client saw.
     *
     * @param begun when it asked
     * @param ended when it had the head, or an error, or left
     * @param status of the response, or 0
     * @param left whether it left first
     */
    public record Exchange(long begun, long ended, int status, boolean left) {
        /** Whether there was an answer below 500. */
        public boolean served() {
            return status > 0 && status < 500;
        }
    }

    /**
     * From this moment on, until the next: the endpoints on the list that neither checks nor answers speak against, and
     * those that have just come (back).
     *
     * @param at when
     * @param members on the list, with a weight
     * @param healthy of these
     * @param returned of the healthy, those that were not before
     */
    public record Standing(long at, List<String> members, List<String> healthy, List<String> returned) {}

    /** The upstream, with its policies. */
    public Upstream upstream() {
        return upstream;
    }

    /** The seed. */
    public long seed() {
        return seed;
    }

    /** How long requests came. */
    public Duration duration() {
        return duration;
    }

    /** What was made to happen. */
    public List<Happening> happenings() {
        return happenings;
    }

    /** All attempts, in the order in which they began. */
    public List<Attempt> attempts() {
        return Collections.unmodifiableList(attempts);
    }

    /** All exchanges, in the order in which they ended. */
    public List<Exchange> exchanges() {
        return Collections.unmodifiableList(exchanges);
    }

    /** How the endpoints stood, in the order of time. */
    public List<Standing> standings() {
        return Collections.unmodifiableList(standings);
    }

    /** What broke a rule that holds for every run; empty when all is well. */
    public List<String> violations() {
        return Collections.unmodifiableList(violations);
    }

    /** Attempts for each request. */
    public double amplification() {
        return exchanges.isEmpty() ? 0 : (double) attempts.size() / exchanges.size();
    }

    /** The part of the clients that stayed and were served; 1 when nobody stayed. */
    public double served() {
        long stayed = exchanges.stream().filter(exchange -> !exchange.left()).count();
        return stayed == 0
                ? 1
                : (double) exchanges.stream().filter(Exchange::served).count() / stayed;
    }

    /**
     * How long this part of those who were served waited at most.
     *
     * @param percentile 0 to 1
     */
    public Duration latency(double percentile) {
        long[] waits = exchanges.stream()
                .filter(Exchange::served)
                .mapToLong(exchange -> exchange.ended() - exchange.begun())
                .sorted()
                .toArray();
        if (waits.length == 0) {
            return Duration.ZERO;
        }
        int rank = (int) Math.ceil(percentile * waits.length) - 1;
        return Duration.ofNanos(waits[Math.min(waits.length - 1, Math.max(0, rank))]);
    }

    /** A number that differs for runs that differ. */
    public long fingerprint() {
        return fingerprint;
    }

    /** Every event of the run, one a line; empty for runs of {@link Simulation#check}, which keep only the fingerprint. */
    public String trace() {
        return String.join("\n", lines);
    }

    void event(long at, String what, @Nullable Object who, long number) {
        fingerprint = (fingerprint ^ at) * 0x100000001b3L;
        fingerprint = (fingerprint ^ what.hashCode()) * 0x100000001b3L;
        fingerprint = (fingerprint ^ number) * 0x100000001b3L;
        if (who != null) {
            fingerprint = (fingerprint ^ who.toString().hashCode()) * 0x100000001b3L;
        }
        if (written) {
            lines.add(at + " " + what + (who == null ? "" : " " + who) + " " + number);
        }
    }

    void violation(long at, String what) {
        // The first says it; thousands would not say more.
        if (violations.size() < 20) {
            violations.add("at " + Duration.ofNanos(at) + ": " + what);
        }
    }

    @Override
    public String toString() {
        long[] counts = new long[Kind.values().length];
        attempts.forEach(attempt -> counts[attempt.kind().ordinal()]++);
        return "seed " + seed + ": " + exchanges.size() + " requests, " + Arrays.toString(counts)
                + " first attempts, retries, hedges; served " + served() + ", p50 " + latency(0.5) + ", p99 "
                + latency(0.99);
    }
}
