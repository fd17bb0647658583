package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LatenciesTest {
    private static final long SECOND = 1_000_000_000L;

    @Test
    void a_bucket_holds_what_it_says_and_is_a_sixteenth_wide() {
        for (long value = 0; value < 100_000; value++) {
            holds(value);
        }
        for (long value = 1; value > 0 && value < Long.MAX_VALUE / 16; value *= 3) {
            holds(value);
        }
        assertThat(Latencies.bucket(-5)).isZero();
        assertThat(Latencies.bucket(Long.MAX_VALUE)).isBetween(900, 959);
    }

    private static void holds(long value) {
        int bucket = Latencies.bucket(value);
        assertThat(value).isLessThanOrEqualTo(Latencies.top(bucket));
        assertThat((double) Latencies.top(bucket)).isLessThanOrEqualTo(value * (1 + 1 / 16.0));
        if (bucket > 0) {
            assertThat(value).isGreaterThan(Latencies.top(bucket - 1));
        }
    }

    @Test
    void percentiles_are_those_of_the_last_period_that_is_over() {
        Latencies latencies = new Latencies();
        for (int i = 1; i <= 99; i++) {
            latencies.observe(i * 1_000L, i);
        }
        latencies.observe(100_000, 5 * SECOND);
        assertThat(latencies.percentile(0.5)).isEqualTo(-1);
        latencies.observe(100_000, 5 * SECOND + 1);
        assertThat((double) latencies.percentile(0.5)).isCloseTo(51_000, within(3_300.0));
        assertThat((double) latencies.percentile(0.95)).isCloseTo(96_000, within(6_300.0));
        for (int i = 0; i < 200; i++) {
            latencies.observe(7_000, 6 * SECOND);
        }
        assertThat((double) latencies.percentile(0.5)).isCloseTo(51_000, within(3_300.0));
        latencies.observe(7_000, 11 * SECOND);
        assertThat((double) latencies.percentile(0.5)).isCloseTo(7_000, within(450.0));
    }

    @Test
    void a_period_of_few_answers_goes_on() {
        Latencies latencies = new Latencies();
        for (int i = 0; i < 99; i++) {
            latencies.observe(1_000, i * SECOND);
        }
        assertThat(latencies.percentile(0.9)).isEqualTo(-1);
        latencies.observe(1_000, 99 * SECOND);
        assertThat(latencies.percentile(0.9)).isPositive();
    }

    @Test
    void the_average_follows_a_rise_at_once_and_a_fall_slowly() {
        Latency latency = new Latency(20e6, 0);
        assertThat(latency.observed(400e6, 1).value()).isEqualTo(400e6);
        Latency fallen = latency.observed(400e6, 0).observed(20e6, 10 * SECOND);
        assertThat(fallen.value()).isCloseTo(400e6 / Math.E + 20e6 * (1 - 1 / Math.E), within(1.0));
        assertThat(latency.decayed(10 * SECOND)).isCloseTo(20e6 / Math.E, within(1.0));
        // A clock read by another thread a moment earlier.
        assertThat(latency.decayed(-5)).isEqualTo(20e6);
    }
}
