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
public final class Split {
    private final List<Share> shares;
    private final @Nullable RequestKey key;

    private Split(List<Share> shares, @Nullable RequestKey key) {
        this.shares = shares;
        this.key = key;
    }

    /**
     * Begins a split.
     *
     * @param weight 0 to 1,000,000; its share is {@code weight / sum of weights}. All being 0 is a problem at build
     */
    public static Split to(String upstream, int weight) {
        return new Split(List.of(new Share(upstream, weight)), null);
    }

    /** Adds a share. */
    public Split and(String upstream, int weight) {
        List<Share> more = new ArrayList<>(shares);
        more.add(new Share(upstream, weight));
        return new Split(List.copyOf(more), key);
    }

    /** Keeps requests of one key together. */
    public Split stickyBy(RequestKey newKey) {
        return new Split(shares, Objects.requireNonNull(newKey, "newKey"));
    }

    /** The shares, in the order written. */
    public List<Share> shares() {
        return shares;
    }

    /** What keeps requests together, or null. */
    public @Nullable RequestKey key() {
        return key;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Split that && that.shares.equals(shares) && Objects.equals(that.key, key);
    }

    @Override
    public int hashCode() {
        return shares.hashCode();
    }

    @Override
    public String toString() {
        return shares + (key == null ? "" : " sticky by " + key);
    }

    /**
     * An upstream and its weight.
     *
     * @param upstream the name of the upstream
     * @param weight 0 to 1,000,000
     */
    public record Share(String upstream, int weight) {
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
