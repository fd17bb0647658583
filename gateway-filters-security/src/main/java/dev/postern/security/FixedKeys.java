package dev.postern.security;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Keys given to the builder. */
final class FixedKeys implements KeySource {
    private final Optional<KeySet> keys;

    FixedKeys(List<JwtKey> keys) {
        this.keys = Optional.of(new KeySet(keys));
    }

    @Override
    public CompletableFuture<Optional<KeySet>> keys() {
        return CompletableFuture.completedFuture(keys);
    }

    @Override
    public CompletableFuture<Optional<KeySet>> keysFor(String unknownId) {
        return keys();
    }

    @Override
    public Duration retryAfter() {
        return Duration.ZERO;
    }
}
