package dev.postern.security;

import dev.postern.Services;
import dev.postern.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The key set at a URL: fetched when it is asked for, kept, renewed before anybody has to wait for it, and kept longer
 * when the issuer is down.
 *
 * <pre>
 *  fetched              4:30            5:00                               24 h
 *     |------ fresh ------|---- ageing ----|------------ stale -------------|---- too old
 *     |  used             | used; fetch    | wait for a fetch once; after   | 503; fetch
 *     |                   | beside         | it failed: used, fetch beside  | and wait
 * </pre>
 *
 * <p>There is no timer: what nobody uses is not fetched. One fetch runs at a time, and between the starts of two lie at
 * least 30 seconds, whatever asks for them; only as long as there never was a key set it is tried again after 1, 2, 4 …
 * seconds. A fetch that succeeds replaces the set as a whole: keys that are gone are revoked, also when none is left.
 *
 * <p>Fields are guarded by {@code this}, but {@code held} is read without. Nobody is called back under the lock, and
 * stages complete after the state is as they will find it: a callback may ask again (CVE-2025-64527 was about that).
 *
 * <p>One source serves every filter that names the URL and outlives config swaps.
 */
final class JwksSource {
    static final Duration LIFETIME = Duration.ofMinutes(5);
    static final Duration REFRESH_AFTER = LIFETIME.minusSeconds(30);
    static final Duration BETWEEN_FETCHES = Duration.ofSeconds(30);

    // Each waiting request holds memory, and an attacker may send many that have to wait: more get their answer at
    // once.
    static final int MAX_WAITING = 1024;

    // A fetch limits itself; this is for one that never comes back.
    private static final Duration GIVE_UP_AFTER = JwksClient.LIMITS.timeout().multipliedBy(2);

    private final TimeSource time;
    private final JwksClient client;
    private final IssuerWatch watch;
    private final UnknownKids unknown;

    private volatile @Nullable Held held;
    private @Nullable CompletableFuture<Void> flight;
    private long lastStart;
    private boolean everStarted;
    private int failures;
    private int waiting;

    /** A key set and the start of the fetch that brought it. */
    private record Held(KeySet keys, long since) {
        boolean youngerThan(Duration age, long now) {
            return now - since < age.toNanos();
        }
    }

    JwksSource(Services services, JwksUrl url) {
        time = services.time();
        client = new JwksClient(services, url);
        watch = new IssuerWatch(url);
        unknown = new UnknownKids(time);
    }

    /** These keys for one filter, which says for how long it believes them when they cannot be renewed. */
    KeySource usableFor(Duration maxStale) {
        return new KeySource() {
            @Override
            public CompletableFuture<Optional<KeySet>> keys() {
                return JwksSource.this.keys(maxStale);
            }

            @Override
            public CompletableFuture<Optional<KeySet>> keysFor(String unknownId) {
                return JwksSource.this.keysFor(unknownId, maxStale);
            }

            @Override
            public Duration retryAfter() {
                return pause();
            }
        };
    }

    private CompletableFuture<Optional<KeySet>> keys(Duration maxStale) {
        long now = time.nanoTime();
        Held seen = held;
        if (seen != null && seen.youngerThan(REFRESH_AFTER, now)) {
            return CompletableFuture.completedFuture(Optional.of(seen.keys()));
        }
        CompletableFuture<Void> started;
        CompletableFuture<Void> awaited = null;
        synchronized (this) {
            started = startIfDue(now);
            // Waiting is for those who have nothing to use, and for the first who find the set at its end.
            boolean usable = held != null && held.youngerThan(longer(maxStale), now);
            boolean atItsEnd = held != null && !held.youngerThan(LIFETIME, now) && failures == 0;
            if (flight != null && (!usable || atItsEnd) && waiting < MAX_WAITING) {
                waiting++;
                awaited = flight;
            }
        }
        return answer(started, awaited, maxStale);
    }

    private CompletableFuture<Optional<KeySet>> keysFor(String unknownId, Duration maxStale) {
        if (unknown.contains(unknownId)) {
            return CompletableFuture.completedFuture(usable(maxStale));
        }
        long now = time.nanoTime();
        CompletableFuture<Void> started;
        CompletableFuture<Void> awaited = null;
        synchronized (this) {
            started = startIfDue(now);
            if (flight != null && waiting < MAX_WAITING) {
                waiting++;
                awaited = flight;
            }
        }
        if (awaited == null) {
            return CompletableFuture.completedFuture(usable(maxStale));
        }
        return answer(started, awaited, maxStale).thenApply(keys -> {
            if (keys.isPresent() && !keys.get().knows(unknownId)) {
                unknown.add(unknownId);
            }
            return keys;
        });
    }

    private CompletableFuture<Optional<KeySet>> answer(
            @Nullable CompletableFuture<Void> started, @Nullable CompletableFuture<Void> awaited, Duration maxStale) {
        if (started != null) {
            fetch(started);
        }
        return awaited == null
                ? CompletableFuture.completedFuture(usable(maxStale))
                : awaited.thenApply(done -> usable(maxStale));
    }

    private Optional<KeySet> usable(Duration maxStale) {
        Held seen = held;
        if (seen == null) {
            return Optional.empty();
        }
        if (seen.youngerThan(longer(maxStale), time.nanoTime())) {
            return Optional.of(seen.keys());
        }
        watch.expired();
        return Optional.empty();
    }

    /** A set is used for its lifetime, also by those who want no stale ones. */
    private static Duration longer(Duration maxStale) {
        return maxStale.compareTo(LIFETIME) > 0 ? maxStale : LIFETIME;
    }

    /** The new flight, when one may begin now. The caller holds the lock, and starts the fetch when it has let go. */
    private @Nullable CompletableFuture<Void> startIfDue(long now) {
        if (flight != null || (everStarted && now - lastStart < between().toNanos())) {
            return null;
        }
        CompletableFuture<Void> begun = new CompletableFuture<>();
        flight = begun;
        lastStart = now;
        everStarted = true;
        return begun;
    }

    private Duration between() {
        boolean first = held == null && failures > 0 && failures <= 5;
        return first ? Duration.ofSeconds(1L << (failures - 1)) : BETWEEN_FETCHES;
    }

    private void fetch(CompletableFuture<Void> begun) {
        TimeSource.Timer giveUp = time.schedule(
                GIVE_UP_AFTER, () -> end(begun, null, new TimeoutException("no answer within " + GIVE_UP_AFTER)));
        client.fetch().whenComplete((keys, failed) -> {
            giveUp.cancel();
            end(begun, keys, failed);
        });
    }

    private void end(CompletableFuture<Void> begun, @Nullable List<JwtKey> keys, @Nullable Throwable failed) {
        Held before;
        KeySet now = keys == null ? null : new KeySet(keys);
        synchronized (this) {
            if (flight != begun) {
                return; // Given up before.
            }
            flight = null;
            waiting = 0;
            before = held;
            failures = now == null ? failures + 1 : 0;
            held = now == null ? before : new Held(now, lastStart);
        }
        if (now == null) {
            watch.failed(cause(failed), before != null);
        } else {
            watch.fetched(before == null ? null : before.keys().keys(), now.keys());
        }
        begun.complete(null);
    }

    private static Throwable cause(@Nullable Throwable failed) {
        if (failed == null) {
            return new IllegalStateException("the fetch completed without keys");
        }
        return failed instanceof CompletionException && failed.getCause() != null ? failed.getCause() : failed;
    }

    /** Until the next fetch may start, a second at least. */
    private synchronized Duration pause() {
        long left = between().toNanos() - (time.nanoTime() - lastStart);
        return Duration.ofSeconds(Math.max(1, (left + 999_999_999L) / 1_000_000_000L));
    }
}
