package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryBudgetTest {
    private static final long SECOND = 1_000_000_000L;

    private final RetryBudget budget = new RetryBudget();

    @ParameterizedTest
    @CsvSource({
        // requests, share, per second, allowed
        "0, 0.2, 0, 0",
        "4, 0.2, 0, 0",
        "5, 0.2, 0, 1",
        "9, 0.2, 0, 1",
        "10, 0.2, 0, 2",
        "1000, 0.2, 0, 200",
        "0, 0.2, 10, 100",
        "1000, 0.2, 10, 300",
        "7, 1, 0, 7",
        "7, 0, 1, 10",
    })
    void the_share_of_the_requests_and_a_minimum_are_allowed(int requests, double share, int perSecond, int allowed) {
        for (int i = 0; i < requests; i++) {
            budget.request(0);
        }
        assertThat(takeAll(0, share, perSecond)).isEqualTo(allowed);
    }

    @Test
    void what_counts_are_the_last_ten_seconds() {
        for (int i = 0; i < 10; i++) {
            budget.request(0);
        }
        assertThat(takeAll(0, 0.2, 0)).isEqualTo(2);
        for (int i = 0; i < 10; i++) {
            budget.request(5 * SECOND);
        }
        assertThat(takeAll(5 * SECOND, 0.2, 0)).isEqualTo(2);
        // The last nanosecond in which the first requests and their retries count.
        assertThat(takeAll(10 * SECOND - 1, 0.2, 0)).isZero();
        // Now ten requests count, and the two retries made for them.
        assertThat(takeAll(10 * SECOND, 0.2, 0)).isZero();
        assertThat(takeAll(15 * SECOND - 1, 0.2, 0)).isZero();
        assertThat(takeAll(15 * SECOND, 0.2, 1)).isEqualTo(10);
        assertThat(takeAll(24 * SECOND, 0.2, 1)).isZero();
        assertThat(takeAll(25 * SECOND, 0.2, 1)).isEqualTo(10);
    }

    @Test
    void a_retry_that_was_not_made_is_given_back_unless_it_is_history() {
        long taken = budget.take(0, 0, 1);
        assertThat(takeAll(0, 0, 1)).isEqualTo(9);
        budget.refund(taken);
        assertThat(takeAll(SECOND, 0, 1)).isEqualTo(1);
        budget.refund(taken);
        budget.refund(taken);
        assertThat(takeAll(9 * SECOND, 0, 1)).isEqualTo(2);
        // Another slot has taken its place.
        assertThat(takeAll(10 * SECOND, 0, 1)).isEqualTo(7);
        budget.refund(taken);
        assertThat(takeAll(10 * SECOND, 0, 1)).isZero();
    }

    @Test
    void the_clock_may_be_negative_and_may_wrap() {
        for (long start : new long[] {-3 * SECOND, Long.MIN_VALUE, Long.MAX_VALUE - 5 * SECOND, -1}) {
            RetryBudget fresh = new RetryBudget();
            for (int i = 0; i < 20; i++) {
                fresh.request(start + i * SECOND / 4);
            }
            int allowed = 0;
            while (fresh.take(start + 5 * SECOND, 0.2, 0) >= 0) {
                allowed++;
            }
            // A clock that wraps after 292 years begins anew.
            assertThat(allowed).as("from %d", start).isIn(start > 0 ? new Object[] {0, 4} : new Object[] {4});
        }
    }

    @Test
    void a_thread_that_was_late_by_a_whole_round_does_not_erase_what_is_newer() {
        for (int i = 0; i < 10; i++) {
            budget.request(20 * SECOND);
        }
        budget.request(10 * SECOND);
        assertThat(takeAll(20 * SECOND, 0.2, 0)).isEqualTo(2);
    }

    @Test
    void four_threads_get_exactly_what_one_would() {
        AtomicInteger taken = new AtomicInteger();
        Threads.four(() -> {
            for (int i = 0; i < 10_000; i++) {
                budget.request(i % 10 * SECOND);
            }
        });
        Threads.four(() -> {
            while (budget.take(9 * SECOND, 0.2, 10) >= 0) {
                taken.incrementAndGet();
            }
        });
        assertThat(taken.get()).isEqualTo(8_100);
    }

    private int takeAll(long now, double share, int perSecond) {
        int taken = 0;
        while (budget.take(now, share, perSecond) >= 0) {
            taken++;
        }
        return taken;
    }
}
