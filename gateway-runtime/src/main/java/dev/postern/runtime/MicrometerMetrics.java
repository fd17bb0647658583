package dev.postern.runtime;

import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.StateView;
import dev.postern.TimeSource;
import dev.postern.UpstreamState;
import dev.postern.runtime.observe.ConnectionMeters;
import dev.postern.runtime.observe.ExchangeMeters;
import dev.postern.runtime.observe.ListenerFigures;
import dev.postern.runtime.observe.RouteMeters;
import dev.postern.runtime.observe.StateGauges;
import dev.postern.runtime.observe.UpstreamGauges;
import dev.postern.runtime.routing.Routed;
import dev.postern.runtime.snapshot.Snapshot;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Counts and times exchanges, routes, upstreams and pools in a Micrometer registry; needs {@code
 * io.micrometer:micrometer-core} on the class or module path. The meters are listed in docs/concepts/observability.md.
 *
 * <p>Labels come from the configuration and from fixed sets only, so callers cannot make new time series. Meters of routes
 * and endpoints that are configured no longer are removed. Histograms and percentiles are the registry's business: add a
 * {@code MeterFilter} there.
 *
 * <p>Immutable; each method gives a changed copy. Two are equal when they write to the same registry with the same labels;
 * such two share their meters.
 */
public final class MicrometerMetrics implements ExchangeObserver, UpstreamGauges, StateGauges, ConnectionMeters {
    private final MeterRegistry registry;
    private final Tags tags;
    private final ExchangeMeters meters;

    private MicrometerMetrics(MeterRegistry registry, Tags tags) {
        this.registry = registry;
        this.tags = tags;
        meters = ExchangeMeters.in(registry, tags);
    }

    /** Meters in this registry, which stays the host's: it is never closed. */
    public static MicrometerMetrics to(MeterRegistry registry) {
        return new MicrometerMetrics(Objects.requireNonNull(registry, "registry"), Tags.empty());
    }

    /** A label on every meter, such as {@code gateway=edge} where several gateways share a registry. */
    public MicrometerMetrics tag(String name, String value) {
        if (name.isBlank() || value.isBlank()) {
            throw new IllegalArgumentException("tag: \"" + name + "\"=\"" + value + "\" (expected: not blank)");
        }
        return new MicrometerMetrics(registry, tags.and(name, value));
    }

    @Override
    public void started(Request request, Exchange exchange) {
        of(exchange).started();
    }

    @Override
    public void attemptEnded(Attempt attempt, Exchange exchange) {
        meters.attemptEnded(attempt);
    }

    @Override
    public void ended(Request request, Exchange exchange, Outcome outcome) {
        of(exchange).ended(request.method(), outcome);
    }

    /** The meters of its route: from where the last exchange of the route has left them, or by name. */
    private RouteMeters of(Exchange exchange) {
        Routed routed = exchange.get(Snapshot.ROUTED);
        Object memo = routed == null ? null : routed.memo();
        RouteMeters left = memo instanceof RouteMeters some ? some : null;
        if (left != null && meters.holds(left)) {
            return left;
        }
        RouteMeters found = meters.of(exchange.route().id());
        // The place is for one: another observer's stay there until they are gone.
        if (routed != null && (left == null || left.areRemoved())) {
            routed.memo(found);
        }
        return found;
    }

    /** For the runtime, which calls it when a gateway starts. */
    @Override
    public Watch watch(TimeSource time, Supplier<Set<String>> routes, Supplier<List<UpstreamState>> upstreams) {
        return meters.pools().watch(time, routes, upstreams);
    }

    /** For the runtime, which calls it about once a second. */
    @Override
    public void connections(String listener, ListenerFigures figures) {
        meters.listeners().connections(listener, figures);
    }

    /** For the runtime, which calls it when a listener is closed. */
    @Override
    public void closed(String listener) {
        meters.listeners().closed(listener);
    }

    /** For the runtime, which calls it when a gateway starts. */
    @Override
    public Watch watchStates(TimeSource time, Supplier<List<StateView>> states) {
        return meters.states().watchStates(time, states);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof MicrometerMetrics that && that.meters == meters;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(meters);
    }

    @Override
    public String toString() {
        return "MicrometerMetrics[" + registry.getClass().getSimpleName() + ", " + tags + ']';
    }
}
