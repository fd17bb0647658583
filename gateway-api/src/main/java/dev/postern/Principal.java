package dev.postern;

import java.util.Map;
import java.util.Set;

/**
 * Who a caller was proven to be.
 *
 * @param name the stable name: the subject of a token, the owner of a key
 * @param scheme how it was proven: {@code jwt}, {@code api-key}
 * @param scopes what it may do
 * @param attributes what else is known, such as the claims of a token; values are immutable
 */
public record Principal(String name, String scheme, Set<String> scopes, Map<String, Object> attributes) {
    /** Copies what it is given. */
    public Principal {
        scopes = Set.copyOf(scopes);
        attributes = Map.copyOf(attributes);
    }

    /** Name and scheme only: attributes may hold personal data. */
    @Override
    public String toString() {
        return scheme + ':' + name;
    }
}
