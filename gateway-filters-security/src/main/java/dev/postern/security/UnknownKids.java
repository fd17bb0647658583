package dev.postern.security;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.postern.TimeSource;
import java.time.Duration;

/**
 * Ids that a fetch did not find, so that a client with an old token does not cause one fetch after the other. At most
 * 1,024, each for a minute: longer, and a token that arrives a moment before its key is published would stay refused.
 */
final class UnknownKids {
    private static final int MOST = 1024;
    private static final Duration LIFETIME = Duration.ofMinutes(1);

    private final Cache<String, Boolean> ids;

    UnknownKids(TimeSource time) {
        ids = Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfterWrite(LIFETIME)
                .ticker(time::nanoTime)
                .executor(Runnable::run)
                .build();
    }

    boolean contains(String id) {
        return ids.getIfPresent(id) != null;
    }

    void add(String id) {
        ids.put(id, Boolean.TRUE);
    }

    /** After pending evictions. */
    long size() {
        ids.cleanUp();
        return ids.estimatedSize();
    }
}
