package dev.postern;

import java.time.Instant;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who a caller was proven to be.
 *
 * @param name the stable name: the subject of a token, the owner of a key
 * @param scheme how it was proven: {@code jwt}, {@code api-key}
 * @param scopes what it may do
 * @param attributes what else is known, such as the claims of a token; values are immutable
 * @param expiresAt when the proof ends, or null when it does not. A request that was let in is served to its end; a
 *     WebSocket or event stream ends then (1008)
 */
public record Principal(
        String name,
        String scheme,
        Set<String> scopes,
        Map<String, Object> attributes,
        @Nullable Instant expiresAt) {
    /** Copies what it is given. */
    public Principal {
        scopes = Set.copyOf(scopes);
        attributes = Map.copyOf(attributes);
    }

    /** A proof that does not end. */
    public Principal(String name, String scheme, Set<String> scopes, Map<String, Object> attributes) {
        this(name, scheme, scopes, attributes, null);
    }

    /** The same principal, proven until then. */
    public Principal withExpiry(Instant newExpiry) {
        return new Principal(name, scheme, scopes, attributes, newExpiry);
    }

    /** Name and scheme only: attributes may hold personal data. */
    @Override
    public String toString() {
        return scheme + ':' + name;
    }
}
