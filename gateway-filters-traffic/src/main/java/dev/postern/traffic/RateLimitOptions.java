package dev.postern.traffic;

import dev.postern.RequestKey;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything a rate limit was told, with value equality.
 *
 * @param keys empty for one bucket for all
 * @param fallback what stands in for a missing key, or null
 * @param missing what becomes of requests without key
 * @param cost the name of the cost function, or null for 1
 */
record RateLimitOptions(
        String name,
        List<RequestKey> keys,
        @Nullable RequestKey fallback,
        Missing missing,
        List<Limit> limits,
        long maxKeys,
        @Nullable String cost,
        boolean currentFields,
        boolean legacyFields) {
    RateLimitOptions {
        keys = List.copyOf(keys);
        limits = List.copyOf(limits);
    }

    /** What becomes of requests without key. */
    enum Missing {
        SHARE,
        REFUSE,
        ADMIT
    }

    /** The part that buckets depend on: limits with the same one may share them, and changing the others keeps them. */
    record Buckets(List<RequestKey> keys, @Nullable RequestKey fallback, List<Limit> limits, long maxKeys) {}

    Buckets buckets() {
        return new Buckets(keys, fallback, limits, maxKeys);
    }
}
