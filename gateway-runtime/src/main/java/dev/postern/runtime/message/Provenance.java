package dev.postern.runtime.message;

import dev.postern.Exchange;
import org.jspecify.annotations.Nullable;

/**
 * What trusted proxies reported of a request's way here; put on the exchange only when one did.
 *
 * @param forwardedFor the value of {@code X-Forwarded-For} as received, or null
 * @param forwarded the value of {@code Forwarded} as received, or null
 * @param host the host the client addressed at the outermost proxy, or null
 */
public record Provenance(
        @Nullable String forwardedFor,
        @Nullable String forwarded,
        @Nullable String host) {
    /** Where the edge puts it. */
    public static final Exchange.Key<Provenance> KEY = Exchange.Key.named("provenance");
}
