package dev.postern;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Divides the exchanges of a route among upstreams by weight: a canary, a migration. With {@link #stickyBy} requests of
 * one key always go the same way as long as the weights stay; requests without the key, and all without stickiness, are
 * divided by chance.
 */
public sealed interface Split permits SplitValue {
    /**
     * Begins a split.
     *
     * @param weight 0 to 1,000,000; its share is {@code weight / sum of weights}. All being 0 is a problem at build
     */
    static Split to(String upstream, int weight) {
        return new SplitValue(List.of(new Share(upstream, weight)), null);
    }

    /** Adds a share. */
    default Split and(String upstream, int weight) {
        List<Share> more = new ArrayList<>(shares());
        more.add(new Share(upstream, weight));
        return new SplitValue(List.copyOf(more), key());
    }

    /** Keeps requests of one key together. */
    default Split stickyBy(RequestKey key) {
        return new SplitValue(shares(), Objects.requireNonNull(key, "key"));
    }

    /** The shares, in the order written. */
    List<Share> shares();

    /** What keeps requests together, or null. */
    @Nullable
    RequestKey key();

    /**
     * An upstream and its weight.
     *
     * @param upstream the name of the upstream
     * @param weight 0 to 1,000,000
     */
    record Share(String upstream, int weight) {
        /** Refuses weights out of range. */
        public Share {
            Objects.requireNonNull(upstream, "upstream");
            if (weight < 0 || weight > 1_000_000) {
                throw new IllegalArgumentException("weight: " + weight + " (expected: 0 to 1000000)");
            }
        }

        @Override
        public String toString() {
            return upstream + ':' + weight;
        }
    }
}
