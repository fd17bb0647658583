package dev.postern.security;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.postern.TimeSource;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * What a lookup found, remembered for a short time; one lookup for a key at a time and not too many in all. Keys that do
 * not exist are remembered apart from those that do: guessing must not push good keys out. Safe on any thread.
 */
final class ApiKeyDirectory {
    static final int MAX_REMEMBERED = 10_000;

    // Guesses reach the store behind the lookup: this is what they may cost it at once.
    static final int MAX_RUNNING = 256;

    private static final Logger LOGGER = System.getLogger(ApiKeyAuth.class.getName());

    private final ApiKeyLookup lookup;
    private final long foundNanos;
    private final long unknownNanos;
    private final Duration timeout;
    private final Cache<Sha256, Found> found = bounded();
    private final Cache<Sha256, Long> unknown = bounded();
    private final ConcurrentMap<Sha256, CompletableFuture<Answer>> running = new ConcurrentHashMap<>();
    private final AtomicBoolean down = new AtomicBoolean();

    /** A key and when to ask for it again. */
    private record Found(ApiKey key, long until) {}

    /** What became of a question. */
    record Answer(@Nullable ApiKey key, boolean known) {
        static final Answer UNKNOWN = new Answer(null, true);
        static final Answer UNAVAILABLE = new Answer(null, false);

        static Answer found(ApiKey key) {
            return new Answer(key, true);
        }
    }

    ApiKeyDirectory(ApiKeyLookup lookup, Duration foundFor, Duration unknownFor, Duration timeout) {
        this.lookup = lookup;
        this.foundNanos = foundFor.toNanos();
        this.unknownNanos = unknownFor.toNanos();
        this.timeout = timeout;
    }

    private static <V> Cache<Sha256, V> bounded() {
        return Caffeine.newBuilder()
                .maximumSize(MAX_REMEMBERED)
                .executor(Runnable::run)
                .build();
    }

    /** Never fails: the answer is {@code UNAVAILABLE} when the lookup fails, takes too long, or has too much to do. */
    CompletableFuture<Answer> find(Sha256 digest, TimeSource time) {
        long now = time.nanoTime();
        Found known = found.getIfPresent(digest);
        if (known != null && known.until() - now > 0) {
            return CompletableFuture.completedFuture(Answer.found(known.key()));
        }
        Long unknownUntil = unknown.getIfPresent(digest);
        if (unknownUntil != null && unknownUntil - now > 0) {
            return CompletableFuture.completedFuture(Answer.UNKNOWN);
        }
        return asked(digest, time);
    }

    private CompletableFuture<Answer> asked(Sha256 digest, TimeSource time) {
        // Not exact when several loops pass at once: one more for each of them does no harm.
        if (running.size() >= MAX_RUNNING && !running.containsKey(digest)) {
            return CompletableFuture.completedFuture(Answer.UNAVAILABLE);
        }
        CompletableFuture<Answer> mine = new CompletableFuture<>();
        CompletableFuture<Answer> first = running.putIfAbsent(digest, mine);
        if (first != null) {
            return first.copy();
        }
        TimeSource.Timer giveUp =
                time.schedule(timeout, () -> failed(digest, mine, new TimeoutException("no answer within " + timeout)));
        started(digest).whenComplete((key, failure) -> {
            giveUp.cancel();
            if (failure == null) {
                answered(digest, mine, key, time.nanoTime());
            } else {
                failed(digest, mine, failure);
            }
        });
        return mine.copy();
    }

    private CompletionStage<Answer> started(Sha256 digest) {
        try {
            // A null, as stage or as key, fails here like an exception.
            return lookup.find(digest.hex())
                    .thenApply(key -> key.map(Answer::found).orElse(Answer.UNKNOWN));
        } catch (RuntimeException failure) {
            return CompletableFuture.failedFuture(failure);
        }
    }

    private void failed(Sha256 digest, CompletableFuture<Answer> mine, Throwable failure) {
        if (!running.remove(digest, mine)) {
            return; // Given up before.
        }
        if (down.compareAndSet(false, true)) {
            LOGGER.log(Level.WARNING, "API keys cannot be looked up; requests are answered 503", failure);
        }
        mine.complete(Answer.UNAVAILABLE);
    }

    private void answered(Sha256 digest, CompletableFuture<Answer> mine, Answer answer, long now) {
        if (!running.remove(digest, mine)) {
            return; // Given up before.
        }
        if (down.compareAndSet(true, false)) {
            LOGGER.log(Level.INFO, "API keys can be looked up again");
        }
        ApiKey key = answer.key();
        if (key != null) {
            found.put(digest, new Found(key, now + foundNanos));
        } else {
            found.invalidate(digest);
            unknown.put(digest, now + unknownNanos);
        }
        mine.complete(answer);
    }

    /** After pending evictions. */
    long remembered() {
        found.cleanUp();
        unknown.cleanUp();
        return Math.max(found.estimatedSize(), unknown.estimatedSize());
    }
}
