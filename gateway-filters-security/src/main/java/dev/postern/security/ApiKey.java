package dev.postern.security;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Whom an API key belongs to and what it may be used for; not the key itself. Immutable; each method gives a changed copy. */
public final class ApiKey {
    private final String owner;
    private final Set<String> scopes;
    private final Map<String, Object> attributes;

    private ApiKey(String owner, Set<String> scopes, Map<String, Object> attributes) {
        this.owner = owner;
        this.scopes = scopes;
        this.attributes = attributes;
    }

    /**
     * A key without scopes.
     *
     * @param owner the name of the principal; several keys may have one owner
     */
    public static ApiKey of(String owner) {
        if (owner.isBlank()) {
            throw new IllegalArgumentException("owner: \"" + owner + "\" (expected: not blank)");
        }
        return new ApiKey(owner, Set.of(), Map.of());
    }

    /** Adds scopes. */
    public ApiKey scopes(String... more) {
        Set<String> all = new LinkedHashSet<>(scopes);
        for (String scope : more) {
            all.add(Text.scope(scope));
        }
        return new ApiKey(owner, Set.copyOf(all), attributes);
    }

    /** Adds something else that filters and upstreams may want to know, such as a plan; an immutable value. */
    public ApiKey attribute(String name, Object value) {
        Map<String, Object> all = new HashMap<>(attributes);
        all.put(name, Objects.requireNonNull(value, "value"));
        return new ApiKey(owner, scopes, Map.copyOf(all));
    }

    /** The name of the principal. */
    public String owner() {
        return owner;
    }

    /** What the key may be used for. */
    public Set<String> scopes() {
        return scopes;
    }

    /** What else is known. */
    public Map<String, Object> attributes() {
        return attributes;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ApiKey that
                && that.owner.equals(owner)
                && that.scopes.equals(scopes)
                && that.attributes.equals(attributes);
    }

    @Override
    public int hashCode() {
        return Objects.hash(owner, scopes, attributes);
    }

    /** The owner only. */
    @Override
    public String toString() {
        return "ApiKey[" + owner + ']';
    }
}
