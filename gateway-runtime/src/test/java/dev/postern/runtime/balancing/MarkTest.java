package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MarkTest {
    private static final long SECOND = 1_000_000_000L;

    @Test
    void back_off_doubles_from_one_second_to_sixty() {
        Mark mark = Mark.NEW;
        long[] seconds = {1, 2, 4, 8, 16, 32, 60, 60, 60};
        for (long expected : seconds) {
            mark = mark.refused(0, 0.5);
            assertThat(mark.remaining(0)).as("%s", mark).isEqualTo(expected * SECOND);
        }
        for (int i = 0; i < 100; i++) {
            mark = mark.refused(0, 0.5);
        }
        assertThat(mark.remaining(0)).as("%s", mark).isEqualTo(60 * SECOND);
    }

    @Test
    void it_is_spread_by_a_tenth_both_ways() {
        assertThat(Mark.NEW.refused(0, 0).remaining(0)).isEqualTo(SECOND * 9 / 10);
        assertThat(Mark.NEW.refused(0, 0.999_999).remaining(0)).isBetween(SECOND * 109 / 100, SECOND * 11 / 10);
    }

    @Test
    void it_holds_where_the_clock_wraps() {
        long now = Long.MAX_VALUE - 5;
        Mark mark = Mark.NEW.refused(now, 0.5);
        assertThat(mark.open(now + SECOND - 1)).isFalse();
        assertThat(mark.open(now + SECOND)).isTrue();
    }

    @Test
    void one_probe_at_a_time_and_success_clears() {
        Mark waiting = Mark.NEW.refused(0, 0.5);
        assertThat(waiting.open(SECOND - 1)).isFalse();
        assertThat(waiting.open(SECOND)).isTrue();
        Mark probed = waiting.probed();
        assertThat(probed.open(9 * SECOND)).isFalse();
        assertThat(probed.undecided()).isEqualTo(waiting);
        assertThat(probed.refused(9 * SECOND, 0.5).remaining(9 * SECOND)).isEqualTo(2 * SECOND);
        assertThat(probed.cleared().open(0)).isTrue();
        assertThat(probed.cleared().refused(0, 0.5).remaining(0)).isEqualTo(SECOND);
    }
}
