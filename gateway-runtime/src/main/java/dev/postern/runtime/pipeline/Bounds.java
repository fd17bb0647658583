package dev.postern.runtime.pipeline;

import dev.postern.Route;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What bounds the exchanges of a route. Routes with the same bounds share one: among many routes a route's own fields are not
 * in the processor's cache, and what they share is.
 *
 * @param timeoutNanos of {@link Route#timeout}; {@link Long#MAX_VALUE} without
 * @param idleNanos of {@link Route#idleTimeout}
 * @param maxDurationNanos of {@link Route#maxDuration}; {@link Long#MAX_VALUE} without
 * @param streaming of {@link Route#streaming}
 * @param maxRequestBytes of {@link Route#maxRequestBytes}
 */
public record Bounds(
        long timeoutNanos, long idleNanos, long maxDurationNanos, boolean streaming, long maxRequestBytes) {
    /** Those of a route. */
    public static Bounds of(Route route) {
        return new Bounds(
                nanos(route.timeout()),
                route.idleTimeout().toNanos(),
                nanos(route.maxDuration()),
                route.streaming(),
                route.maxRequestBytes());
    }

    private static long nanos(@Nullable Duration duration) {
        return duration == null ? Long.MAX_VALUE : duration.toNanos();
    }
}
