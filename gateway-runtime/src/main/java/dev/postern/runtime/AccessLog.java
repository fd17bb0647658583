package dev.postern.runtime;

import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Failure;
import dev.postern.Managed;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.Services;
import dev.postern.runtime.observe.AccessLine;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Writes one line of JSON for each exchange, when it has ended.
 *
 * <p>Neither headers nor queries are in it unless asked for, and credentials not even then. Values are escaped to visible
 * ASCII and cut to a length, so a caller can neither forge a line nor fill the disk with one. Lines go to the logger {@code
 * dev.postern.access} at {@code INFO}; while that is off, nothing is put together.
 *
 * <p>Immutable; each method gives a changed copy.
 */
public final class AccessLog implements ExchangeObserver, Managed {
    private static final System.Logger LOGGER = System.getLogger("dev.postern.access");
    private static final Consumer<String> TO_LOGGER = new ToLogger();

    private final AccessLine.Format format;
    private final double sample;
    private final @Nullable Duration slow;
    private final Consumer<String> sink;
    private final AccessLine line;
    // Written once by start, before the first exchange; volatile because loops are other threads.
    private volatile RandomGenerator random = () -> ThreadLocalRandom.current().nextLong();

    private volatile Supplier<Instant> clock = Instant::now;

    private AccessLog(AccessLine.Format format, double sample, @Nullable Duration slow, Consumer<String> sink) {
        this.format = format;
        this.sample = sample;
        this.slow = slow;
        this.sink = sink;
        line = new AccessLine(format);
    }

    /** Every exchange, without headers and queries, to the logger {@code dev.postern.access}. */
    public static AccessLog json() {
        return new AccessLog(new AccessLine.Format(List.of(), false, true, false), 1, null, TO_LOGGER);
    }

    /**
     * The share of successful exchanges to write, 0 to 1; the default is 1. Exchanges with a status of 400 or more, those
     * that broke, and slow ones are always written.
     */
    public AccessLog sample(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("share: " + share + " (expected: 0 to 1)");
        }
        return new AccessLog(format, share, slow, sink);
    }

    /** Always writes exchanges that took this long or longer, whatever the sample; by default none is slow. */
    public AccessLog slowerThan(Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("duration: " + duration + " (expected: >= 0)");
        }
        return new AccessLog(format, sample, duration, sink);
    }

    /**
     * Also writes these request headers, the first line of each; the default is none. Credentials ({@code Authorization},
     * {@code Cookie}, whatever is named or looks like a token …) are shown as {@code ***}, links without their query.
     */
    public AccessLog headers(String... names) {
        TreeSet<String> all = new TreeSet<>(format.headers());
        for (String name : names) {
            if (name.isBlank()) {
                throw new IllegalArgumentException("header name is blank");
            }
            all.add(name.toLowerCase(Locale.ROOT));
        }
        return with(new AccessLine.Format(
                List.copyOf(all), format.queryNames(), format.paths(), format.truncatedAddresses()));
    }

    /** Also writes the names of query parameters. Their values are never written. */
    public AccessLog queryNames() {
        return with(new AccessLine.Format(format.headers(), true, format.paths(), format.truncatedAddresses()));
    }

    /** Leaves paths out, where they hold what nobody should read, such as links to reset a password; the route remains. */
    public AccessLog withoutPaths() {
        return with(new AccessLine.Format(format.headers(), format.queryNames(), false, format.truncatedAddresses()));
    }

    /** Writes IPv4 addresses with 24 bits and IPv6 addresses with 48, so that lines tell networks apart but not people. */
    public AccessLog truncateAddresses() {
        return with(new AccessLine.Format(format.headers(), format.queryNames(), format.paths(), true));
    }

    /**
     * Where lines go instead of the logger, without line ends. Called on event loops, several at once: must be quick, must
     * not block. Two access logs are equal only with the same sink.
     */
    public AccessLog to(Consumer<String> newSink) {
        return new AccessLog(format, sample, slow, Objects.requireNonNull(newSink, "newSink"));
    }

    @Override
    public CompletionStage<Void> start(Services services) {
        random = services.random();
        clock = services.time()::now;
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public void ended(Request request, Exchange exchange, Outcome outcome) {
        if (isWanted(outcome) && (sink != TO_LOGGER || LOGGER.isLoggable(Level.INFO))) {
            sink.accept(line.of(request, exchange, outcome));
        }
    }

    @Override
    public void refused(Refused refused) {
        // Without an answer nobody asks for its id, and a flood needs no line for each of its connections.
        if (refused.requestId() != null && (sink != TO_LOGGER || LOGGER.isLoggable(Level.INFO))) {
            sink.accept(line.of(refused, clock.get()));
        }
    }

    private boolean isWanted(Outcome outcome) {
        Failure failure = outcome.failure();
        return sample >= 1
                || failure != null
                || outcome.status() >= 400
                || (slow != null && outcome.duration().compareTo(slow) >= 0)
                || (sample > 0 && random.nextDouble() < sample);
    }

    private AccessLog with(AccessLine.Format newFormat) {
        return new AccessLog(newFormat, sample, slow, sink);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof AccessLog that
                && that.format.equals(format)
                && that.sample == sample
                && Objects.equals(that.slow, slow)
                && that.sink == sink;
    }

    @Override
    public int hashCode() {
        return Objects.hash(format, sample, slow);
    }

    @Override
    public String toString() {
        return "AccessLog[" + format + ", sample " + sample + (slow == null ? "" : ", slower than " + slow) + ']';
    }

    private static final class ToLogger implements Consumer<String> {
        @Override
        public void accept(String line) {
            // T137: the line is a parameter, because libraries may take a message itself for a format.
            LOGGER.log(Level.INFO, "{0}", line);
        }
    }
}
