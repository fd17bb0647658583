package dev.postern.runtime.message;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** T099: what is too slow, and whose time it is. */
class BodyPaceTest {
    private static final long SECOND = 1_000_000_000;

    private final BodyPace pace = new BodyPace(1000, Duration.ofSeconds(10));

    @Test
    void a_body_that_has_not_begun_has_a_window_and_a_half() {
        pace.waits(0);
        assertThat(pace.leftNanos(15 * SECOND - 1)).isPositive();
        assertThat(pace.leftNanos(15 * SECOND)).isZero();
    }

    @Test
    void a_body_at_the_rate_goes_on_for_ever() {
        pace.waits(0);
        for (int second = 1; second <= 10_000; second++) {
            pace.received(1000, second * SECOND);
            assertThat(pace.leftNanos(second * SECOND)).as("%s s", second).isPositive();
        }
    }

    @Test
    void a_body_that_drips_beneath_the_rate_ends_soon() {
        pace.waits(0);
        int second = 1;
        for (; pace.leftNanos(second * SECOND) > 0; second++) {
            pace.received(100, second * SECOND);
        }
        assertThat(second).isBetween(15, 18);
    }

    @Test
    void what_came_fast_buys_one_window_and_no_more() {
        pace.waits(0);
        pace.received(1_000_000_000, 14 * SECOND);
        assertThat(pace.leftNanos(14 * SECOND)).isEqualTo(10 * SECOND);
    }

    @Test
    void time_in_which_nobody_waits_for_the_client_is_not_its_time() {
        pace.waits(0);
        pace.rests(SECOND);
        pace.rests(1000 * SECOND);
        pace.waits(2000 * SECOND);
        assertThat(pace.leftNanos(2001 * SECOND)).isEqualTo(13 * SECOND);
    }
}
