package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GcraTest {
    @Test
    void gives_the_burst_at_once_and_then_one_permit_an_interval() {
        Gcra gcra = new Gcra(new Limit(10, Duration.ofSeconds(1), 10));
        long level = 0;
        for (int i = 0; i < 10; i++) {
            assertThat(gcra.nanosUntil(level, 1)).as("permit %s", i).isZero();
            assertThat(gcra.remaining(level)).isEqualTo(10 - i);
            level = gcra.taken(level, 1);
        }
        assertThat(gcra.nanosUntil(level, 1)).isEqualTo(100_000_000);
        assertThat(gcra.nanosUntil(level, 10)).isEqualTo(1_000_000_000);
        assertThat(gcra.nanosUntil(gcra.drained(level, 99_999_999), 1)).isEqualTo(1);
        assertThat(gcra.nanosUntil(gcra.drained(level, 100_000_000), 1)).isZero();
        assertThat(gcra.drained(level, 1_000_000_000)).isZero();
        assertThat(gcra.drained(level, Long.MAX_VALUE)).isZero();
    }

    @Test
    void never_gives_more_than_the_burst() {
        Gcra gcra = new Gcra(new Limit(10, Duration.ofSeconds(1), 3));
        assertThat(gcra.nanosUntil(0, 3)).isZero();
        assertThat(gcra.nanosUntil(0, 4)).isEqualTo(Long.MAX_VALUE);
        assertThat(gcra.nanosUntil(0, Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE);
        assertThat(gcra.nanosUntilMore(0)).isZero();
        assertThat(gcra.nanosUntilMore(gcra.taken(0, 1))).isEqualTo(100_000_000);
    }

    @Test
    void does_not_drift_although_a_third_of_a_second_is_no_whole_number_of_nanoseconds() {
        Gcra gcra = new Gcra(new Limit(3, Duration.ofSeconds(1), 2));
        long level = gcra.taken(0, 2);
        long sum = 0;
        for (int i = 0; i < 30_000; i++) {
            long wait = gcra.nanosUntil(level, 1);
            sum += wait;
            level = gcra.taken(gcra.drained(level, wait), 1);
        }
        // Each wait is rounded up to a whole nanosecond; what was waited too long counts for the next.
        assertThat(sum).isEqualTo(10_000L * 1_000_000_000);
    }

    @ParameterizedTest
    @CsvSource({
        "1, PT0.001S, 1",
        "100, PT1S, 100",
        "100, PT1S, 7",
        "3, PT1S, 3",
        "7, PT60S, 20",
        "999983, PT1S, 999983",
        "1000000, PT24H, 1000000",
        "1000000000, PT1S, 5",
        "1, P366D, 1",
        "12345, PT1H, 100"
    })
    void decides_like_exact_fractions(long permits, Duration window, long burst) {
        Limit limit = new Limit(permits, window, burst);
        assertThat(limit.countable()).isTrue();
        Gcra gcra = new Gcra(limit);
        Reference reference = new Reference(limit);
        SplittableRandom random = new SplittableRandom(permits * 31 + burst);
        long pace = Math.max(1, window.toNanos() / permits);
        long level = 0;
        long now = 0;
        long requests = Math.min(20_000, Long.MAX_VALUE / 8 / pace);
        for (int i = 0; i < requests; i++) {
            long step = random.nextInt(10) == 0 ? random.nextLong(pace * 3 + 2) : random.nextLong(pace + 2);
            long cost = random.nextInt(5) == 0 ? random.nextLong(burst + 1) : 1;
            now += step;
            level = gcra.drained(level, step);
            long wait = gcra.nanosUntil(level, cost);
            assertThat(wait).as("request %s at %s for %s", i, now, cost).isEqualTo(reference.nanosUntil(now, cost));
            if (wait == 0) {
                level = gcra.taken(level, cost);
                reference.take(now, cost);
            }
            assertThat(gcra.remaining(level)).isEqualTo(reference.remaining(now));
        }
    }

    @Test
    void refuses_limits_that_63_bits_cannot_count() {
        assertThat(new Limit(999_983, Duration.ofDays(30), 999_983).countable()).isFalse();
        assertThat(new Limit(1_000_000, Duration.ofDays(30), 1_000_000).countable())
                .isTrue();
    }

    @Test
    void names_value_and_rule_when_an_argument_is_out_of_range() {
        assertThatThrownBy(() -> new Limit(0, Duration.ofSeconds(1), 1))
                .hasMessage("permits: 0 (expected: 1 to 999999999999999)");
        assertThatThrownBy(() -> new Limit(1, Duration.ofSeconds(1), 0)).hasMessageContaining("burst: 0");
        assertThatThrownBy(() -> new Limit(1, Duration.ZERO, 1))
                .hasMessage("window: PT0S (expected: 1 ms to 366 days)");
        assertThatThrownBy(() -> new Limit(1, Duration.ofDays(367), 1)).hasMessageContaining("window: PT8808H");
    }

    @ParameterizedTest
    @CsvSource({
        "PT0.5S, 500ms",
        "PT0.0015S, 1500000ns",
        "PT1S, 1s",
        "PT90S, 90s",
        "PT5M, 5m",
        "PT1H, 1h",
        "PT24H, 1d",
        "PT48H, 2d"
    })
    void calls_a_window_by_its_largest_whole_unit(Duration window, String name) {
        assertThat(new Limit(1, window, 1).windowName()).isEqualTo(name);
    }

    /** The textbook form: a theoretical arrival time, as a fraction of nanoseconds with the number of permits below the line. */
    private static final class Reference {
        private final BigInteger permits;
        private final BigInteger window;
        private final BigInteger burst;
        private BigInteger tat = BigInteger.ZERO;

        Reference(Limit limit) {
            permits = BigInteger.valueOf(limit.permits());
            window = BigInteger.valueOf(limit.window().toNanos());
            burst = BigInteger.valueOf(limit.burst());
        }

        /** Fractions of a nanosecond are rounded up. */
        long nanosUntil(long now, long cost) {
            BigInteger early = after(now, cost).subtract(at(now)).subtract(burst.multiply(window));
            return early.signum() <= 0
                    ? 0
                    : early.add(permits)
                            .subtract(BigInteger.ONE)
                            .divide(permits)
                            .longValueExact();
        }

        void take(long now, long cost) {
            tat = after(now, cost);
        }

        long remaining(long now) {
            BigInteger debt = tat.subtract(at(now)).max(BigInteger.ZERO);
            return burst.multiply(window).subtract(debt).divide(window).longValueExact();
        }

        private BigInteger after(long now, long cost) {
            return tat.max(at(now)).add(window.multiply(BigInteger.valueOf(cost)));
        }

        private BigInteger at(long now) {
            return BigInteger.valueOf(now).multiply(permits);
        }
    }
}
