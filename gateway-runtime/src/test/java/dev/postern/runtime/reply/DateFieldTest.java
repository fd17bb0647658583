package dev.postern.runtime.reply;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class DateFieldTest {
    @Test
    void dates_are_written_as_the_standard_wants_them() {
        assertThat(DateField.of(Instant.parse("1994-11-06T08:49:37Z"))).isEqualTo("Sun, 06 Nov 1994 08:49:37 GMT");
        assertThat(DateField.of(Instant.parse("1994-11-06T08:49:37.999Z"))).isEqualTo("Sun, 06 Nov 1994 08:49:37 GMT");
        assertThat(DateField.of(Instant.parse("1994-11-06T08:49:38Z"))).isEqualTo("Sun, 06 Nov 1994 08:49:38 GMT");
        // A clock that goes back, and another gateway's clock.
        assertThat(DateField.of(Instant.parse("2026-02-01T00:00:00Z"))).isEqualTo("Sun, 01 Feb 2026 00:00:00 GMT");
    }
}
