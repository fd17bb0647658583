package dev.postern.security;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import dev.postern.TimeSource;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Remembers accepted tokens by digest until they expire, at most so many. Whoever takes one out checks its dates and its
 * key again: the wall clock may have been set back, the key withdrawn.
 */
final class TokenCache {
    // Nanoseconds must not overflow for tokens that are valid for centuries.
    private static final long LONGEST_SECONDS = TimeUnit.DAYS.toSeconds(365);

    private final Cache<Sha256, VerifiedToken> tokens;

    TokenCache(int maxTokens, TimeSource time) {
        tokens = Caffeine.newBuilder()
                .maximumSize(maxTokens)
                .ticker(time::nanoTime)
                // On the caller's thread: no pool that outlives the gateway, and tests see one order of events.
                .executor(Runnable::run)
                .expireAfter(Expiry.<Sha256, VerifiedToken>creating((digest, token) -> {
                    long left = token.facts().validUntil() - time.now().getEpochSecond();
                    return Duration.ofSeconds(Math.max(0, Math.min(left, LONGEST_SECONDS)));
                }))
                .build();
    }

    @Nullable
    VerifiedToken get(Sha256 digest) {
        return tokens.getIfPresent(digest);
    }

    void put(Sha256 digest, VerifiedToken token) {
        tokens.put(digest, token);
    }

    void remove(Sha256 digest) {
        tokens.invalidate(digest);
    }

    void clear() {
        tokens.invalidateAll();
    }

    /** After pending evictions. */
    long size() {
        tokens.cleanUp();
        return tokens.estimatedSize();
    }
}
