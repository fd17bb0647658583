package dev.postern.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.postern.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ManualTimeTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

    private final ManualTime time = ManualTime.create();
    private final List<String> ran = new ArrayList<>();

    private Runnable task(String name) {
        return () -> ran.add(name + "@" + Duration.ofNanos(time.nanoTime()));
    }

    @Test
    void time_stands_still_until_it_is_moved() {
        assertThat(time.now()).isEqualTo(Instant.parse("2026-01-01T00:00:00Z"));
        long start = time.nanoTime();

        time.advance(Duration.ofMillis(1500));

        assertThat(time.nanoTime() - start).isEqualTo(1_500_000_000L);
        assertThat(time.now()).isEqualTo(Instant.parse("2026-01-01T00:00:01.5Z"));
        assertThat(ManualTime.at(Instant.EPOCH).now()).isEqualTo(Instant.EPOCH);
    }

    @Test
    void tasks_run_at_their_times_in_their_order_ties_as_made() {
        time.schedule(SECOND.multipliedBy(2), task("late"));
        time.schedule(SECOND, task("first"));
        time.schedule(SECOND, task("second"));

        time.advance(SECOND.minusNanos(1));
        assertThat(ran).isEmpty();
        time.advance(Duration.ofHours(1));

        assertThat(ran).containsExactly("first@PT1S", "second@PT1S", "late@PT2S");
        assertThat(time.pending()).isZero();
    }

    @Test
    void a_task_made_by_a_task_runs_in_the_same_move_when_it_is_due() {
        time.schedule(SECOND, () -> {
            task("outer").run();
            time.schedule(SECOND, task("inner"));
            time.schedule(Duration.ofHours(1), task("never"));
        });

        time.advance(Duration.ofSeconds(3));

        assertThat(ran).containsExactly("outer@PT1S", "inner@PT2S");
        assertThat(time.nanoTime()).isEqualTo(Duration.ofSeconds(3).toNanos());
        assertThat(time.pending()).isEqualTo(1);
    }

    @Test
    void a_task_called_off_does_not_run_and_is_forgotten() {
        TimeSource.Timer timer = time.schedule(SECOND, task("a"));
        TimeSource.Timer late = time.schedule(Duration.ZERO, task("b"));
        timer.cancel();
        assertThat(time.pending()).isEqualTo(1);

        time.advance(SECOND);
        timer.cancel();
        late.cancel();

        assertThat(ran).containsExactly("b@PT0S");
    }

    @Test
    void a_task_that_throws_stops_time_where_it_is() {
        time.schedule(SECOND, () -> {
            throw new IllegalStateException("task");
        });
        time.schedule(Duration.ofSeconds(2), task("after"));

        assertThatIllegalStateException().isThrownBy(() -> time.advance(Duration.ofSeconds(5)));

        assertThat(time.nanoTime()).isEqualTo(SECOND.toNanos());
        time.advance(SECOND);
        assertThat(ran).containsExactly("after@PT2S");
    }

    // Exchange.remaining() is such a duration when there is no deadline.
    @Test
    void a_delay_longer_than_time_itself_is_waited_for_without_overflow() {
        time.advance(SECOND);
        time.schedule(FOREVER, task("never"));

        time.advance(Duration.ofDays(365 * 100));

        assertThat(ran).isEmpty();
        assertThat(time.pending()).isEqualTo(1);
        time.advance(FOREVER);
        assertThat(time.nanoTime()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void time_does_not_go_back() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> time.advance(Duration.ofMillis(-1)))
                .withMessage("by: PT-0.001S (expected: >= 0)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> time.schedule(SECOND.negated(), task("a")))
                .withMessage("delay: PT-1S (expected: >= 0)");
        assertThatNullPointerException().isThrownBy(() -> time.schedule(SECOND, null));
    }
}
