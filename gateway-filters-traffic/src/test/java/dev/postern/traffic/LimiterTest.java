package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class LimiterTest {
    private static final long[] NO_LEVELS = {};
    private static final SecretHash HASH = new SecretHash(1, 2);
    private static final long SECOND = 1_000_000_000L;

    @Test
    void counts_each_key_for_itself() {
        Limiter limiter = limiter(1_000_000, perSecond(2));
        assertThat(admitted(limiter, "a", 0, 5)).isEqualTo(2);
        assertThat(admitted(limiter, "b", 0, 5)).isEqualTo(2);
        assertThat(admitted(limiter, "a", SECOND / 2, 5)).isEqualTo(1);
        assertThat(admitted(limiter, "a", 10 * SECOND, 5)).isEqualTo(2);
    }

    @Test
    void takes_from_all_limits_or_from_none() {
        Limiter limiter = limiter(100, perSecond(2), new Limit(3, Duration.ofHours(1), 3));
        long key = limiter.key(0, "a");
        long[] levels = new long[2];
        Gcra hourly = new Gcra(new Limit(3, Duration.ofHours(1), 3));

        assertThat(admitted(limiter, "a", 0, 2)).isEqualTo(2);
        for (int i = 0; i < 100; i++) {
            Refusal refusal = limiter.take(key, 1, 0, levels);
            assertThat(refusal).isEqualTo(new Refusal(SECOND / 2, 0, 1));
        }
        assertThat(hourly.remaining(levels[1])).isEqualTo(1);
        assertThat(limiter.take(key, 1, SECOND, levels)).isNull();

        Refusal refusal = limiter.take(key, 1, SECOND, levels);
        assertThat(refusal).isNotNull();
        assertThat(refusal.violates(0)).isFalse();
        assertThat(refusal.violates(1)).isTrue();
        assertThat(refusal.slowest()).isEqualTo(1);
        assertThat(refusal.waitNanos()).isEqualTo(1200 * SECOND - SECOND);
    }

    @Test
    void a_clock_that_goes_back_stands_still() {
        Limiter limiter = new Limiter(List.of(perSecond(1)), 1, HASH, 1000 * SECOND);
        assertThat(admitted(limiter, "a", 1000 * SECOND, 1)).isEqualTo(1);
        assertThat(admitted(limiter, "a", 0, 1)).isZero();
        assertThat(admitted(limiter, "a", 1001 * SECOND - 1, 1)).isZero();
        assertThat(admitted(limiter, "a", 1001 * SECOND, 1)).isEqualTo(1);
    }

    @Test
    void nanoseconds_may_overflow() {
        Limiter limiter = new Limiter(List.of(perSecond(1)), 1, HASH, Long.MAX_VALUE);
        assertThat(admitted(limiter, "a", Long.MAX_VALUE, 2)).isEqualTo(1);
        assertThat(admitted(limiter, "a", Long.MIN_VALUE + SECOND - 2, 2)).isZero();
        assertThat(admitted(limiter, "a", Long.MIN_VALUE + SECOND - 1, 2)).isEqualTo(1);
    }

    @RepeatedTest(10)
    void four_loops_and_sixteen_clients_get_exactly_the_limit() throws InterruptedException {
        Limiter limiter = limiter(
                1_000_000, new Limit(5_000, Duration.ofHours(1), 5_000), new Limit(7_000, Duration.ofDays(1), 7_000));
        int clients = 16;
        AtomicLong[] given = new AtomicLong[clients];
        long[] keys = new long[clients];
        for (int i = 0; i < clients; i++) {
            given[i] = new AtomicLong();
            keys[i] = limiter.key(0, "client " + i);
        }
        long atOnce = 5_000;
        inFourThreads(thread -> {
            for (int i = 0; i < atOnce * clients / 2; i++) {
                int client = (i + thread) % clients;
                if (limiter.take(keys[client], 1, 0, NO_LEVELS) == null) {
                    given[client].incrementAndGet();
                }
            }
        });
        for (int i = 0; i < clients; i++) {
            assertThat(given[i].get()).as("client %s", i).isEqualTo(atOnce);
        }
    }

    @RepeatedTest(10)
    void four_loops_get_exactly_the_limit_of_one_bucket_while_time_goes_on() throws InterruptedException {
        Limiter limiter = limiter(1, new Limit(100, Duration.ofSeconds(1), 10));
        long key = limiter.key(0, "all");
        AtomicLong clock = new AtomicLong();
        AtomicLong given = new AtomicLong();
        // 20,000 requests a millisecond apart, each thread with a clock reading that others may overtake: 20 seconds of
        // 100.
        inFourThreads(thread -> {
            for (long now = clock.getAndAdd(1_000_000); now <= 20 * SECOND; now = clock.getAndAdd(1_000_000)) {
                if (limiter.take(key, 1, now, NO_LEVELS) == null) {
                    given.incrementAndGet();
                }
            }
        });
        assertThat(given.get()).isBetween(1L, 10 + 20 * 100L);
    }

    @Test
    void a_million_keys_are_counted_each_for_itself_within_64_MiB() {
        for (int limits = 1; limits <= 4; limits++) {
            Limiter limiter = limiter(1_000_000, limits(limits));
            long[] levels = new long[limits];
            Gcra gcra = new Gcra(limits(limits)[0]);
            long shared = 0;
            for (int i = 0; i < 1_000_000; i++) {
                Refusal refusal = limiter.take(limiter.key(0, "key " + i), 10, 0, levels);
                // A bucket of one's own is full before the first request.
                if (refusal != null || gcra.remaining(levels[0]) != 90) {
                    shared++;
                }
            }
            System.out.printf(
                    "%d limits: %,d bytes, %d of 10^6 keys shared a bucket%n", limits, limiter.bytes(), shared);
            assertThat(limiter.bytes()).as("%s limits", limits).isLessThanOrEqualTo(64L << 20);
            assertThat(shared).as("%s limits", limits).isLessThan(500);
        }
    }

    @Test
    void ten_million_keys_need_no_more_memory_than_a_million() {
        long before = usedHeap();
        Limiter limiter = limiter(1_000_000, perSecond(100));
        SplittableRandom random = new SplittableRandom(7);
        long given = 0;
        for (int i = 0; i < 10_000_000; i++) {
            // A million a second, all still owing when the last comes: the worst that can be done.
            if (limiter.take(random.nextLong(), 100, i / 1000, NO_LEVELS) == null) {
                given++;
            }
        }
        long grown = usedHeap() - before;
        System.out.printf(
                "10^7 keys: %,d bytes by arithmetic, %,d measured, %,d admitted%n", limiter.bytes(), grown, given);
        assertThat(limiter.bytes()).isLessThanOrEqualTo(64L << 20);
        assertThat(grown).isLessThanOrEqualTo(64L << 20);
        // Beyond its million and a half the table admits from the shared buckets only, 16,384 of them.
        assertThat(given).isBetween(1_000_000L, 1_500_000L);
    }

    @Test
    void memory_is_taken_as_keys_come() {
        Limiter limiter = limiter(1_000_000, perSecond(100));
        assertThat(limiter.bytes()).isLessThan(64 << 10);
        for (int i = 0; i < 1000; i++) {
            admitted(limiter, "key " + i, 0, 1);
        }
        assertThat(limiter.bytes()).isLessThan(128 << 10);
    }

    @Test
    void idle_keys_make_room() {
        Limiter limiter = limiter(64, perSecond(1));
        for (int round = 0; round < 1000; round++) {
            for (int i = 0; i < 50; i++) {
                long key = limiter.key(0, round + "/" + i);
                assertThat(limiter.take(key, 1, round * SECOND, NO_LEVELS))
                        .as("round %s key %s", round, i)
                        .isNull();
            }
        }
        assertThat(limiter.bytes()).isLessThan(4096);
    }

    @Test
    void keys_beyond_the_bound_share_buckets_and_are_not_let_through() {
        Limiter limiter = limiter(16, new Limit(10, Duration.ofHours(1), 10));
        long given = 0;
        for (int i = 0; i < 10_000; i++) {
            given += admitted(limiter, "key " + i, 0, 10);
        }
        // maxKeys is rounded up to whole sets: at most 7 sets of 8 places, and 64 shared buckets.
        assertThat(given).isBetween(16 * 10L, (7 * 8 + 64) * 10L);
    }

    @Test
    void no_key_ever_gets_more_than_its_limit_however_crowded_the_table_is() {
        for (int seed = 0; seed < 20; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Limit limit = new Limit(5, Duration.ofSeconds(20), 3);
            Limiter limiter = limiter(1 + random.nextInt(40), limit);
            Gcra gcra = new Gcra(limit);
            Map<Integer, long[]> exact = new HashMap<>();
            int keys = 50 + random.nextInt(500);
            long now = 0;
            long refusedWithoutNeed = 0;
            for (int i = 0; i < 50_000; i++) {
                now += random.nextLong(SECOND / 100);
                int client = random.nextInt(random.nextInt(5) == 0 ? keys : 20);
                long[] own = exact.computeIfAbsent(client, unused -> new long[2]);
                long level = gcra.drained(own[0], now - own[1]);
                boolean conforms = gcra.nanosUntil(level, 1) == 0;
                if (limiter.take(limiter.key(0, "key " + client), 1, now, NO_LEVELS) == null) {
                    assertThat(conforms)
                            .as("seed %s request %s key %s", seed, i, client)
                            .isTrue();
                    own[0] = gcra.taken(level, 1);
                    own[1] = now;
                } else if (conforms) {
                    refusedWithoutNeed++;
                }
            }
            assertThat(refusedWithoutNeed)
                    .as("seed %s: how crowded it was", seed)
                    .isPositive();
        }
    }

    @Test
    void a_table_large_enough_decides_exactly_like_a_map_of_buckets() {
        Limit second = new Limit(7, Duration.ofSeconds(1), 4);
        Limit minute = new Limit(31, Duration.ofMinutes(1), 31);
        Limiter limiter = limiter(10_000, second, minute);
        Gcra[] gcras = {new Gcra(second), new Gcra(minute)};
        Map<Integer, long[]> exact = new HashMap<>();
        SplittableRandom random = new SplittableRandom(42);
        long start = -5 * SECOND;
        long now = start;
        for (int i = 0; i < 200_000; i++) {
            now += random.nextLong(SECOND / 1000);
            int client = random.nextInt(300);
            long[] own = exact.computeIfAbsent(client, unused -> new long[] {0, 0, start});
            long first = gcras[0].drained(own[0], now - own[2]);
            long other = gcras[1].drained(own[1], now - own[2]);
            boolean conforms = gcras[0].nanosUntil(first, 1) == 0 && gcras[1].nanosUntil(other, 1) == 0;
            assertThat(limiter.take(limiter.key(0, "key " + client), 1, now, NO_LEVELS) == null)
                    .as("request %s of %s at %s", i, client, now)
                    .isEqualTo(conforms);
            if (conforms) {
                own[0] = gcras[0].taken(first, 1);
                own[1] = gcras[1].taken(other, 1);
                own[2] = now;
            }
        }
    }

    private static Limiter limiter(long maxKeys, Limit... limits) {
        return new Limiter(List.of(limits), maxKeys, HASH, -10 * SECOND);
    }

    private static Limit perSecond(long permits) {
        return new Limit(permits, Duration.ofSeconds(1), permits);
    }

    private static Limit[] limits(int count) {
        List<Limit> all = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            all.add(new Limit(100, Duration.ofHours(i), 100));
        }
        return all.toArray(Limit[]::new);
    }

    private static int admitted(Limiter limiter, String key, long nanos, int requests) {
        int admitted = 0;
        for (int i = 0; i < requests; i++) {
            if (limiter.take(limiter.key(0, key), 1, nanos, NO_LEVELS) == null) {
                admitted++;
            }
        }
        return admitted;
    }

    private static long usedHeap() {
        Runtime runtime = Runtime.getRuntime();
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return runtime.totalMemory() - runtime.freeMemory();
    }

    private interface Loop {
        void run(int thread);
    }

    private static void inFourThreads(Loop loop) throws InterruptedException {
        CountDownLatch ready = new CountDownLatch(4);
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int number = i;
            Thread thread = new Thread(() -> {
                ready.countDown();
                try {
                    ready.await();
                } catch (InterruptedException stopped) {
                    throw new IllegalStateException(stopped);
                }
                loop.run(number);
            });
            thread.setUncaughtExceptionHandler((unused, failure) -> {
                synchronized (failures) {
                    failures.add(failure);
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join(TimeUnit.SECONDS.toMillis(60));
            assertThat(thread.isAlive()).isFalse();
        }
        synchronized (failures) {
            assertThat(failures).isEmpty();
        }
    }
}
