package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryAfterTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1, 1000000000",
        "999999999, 999999999000000000",
        "1000000000, 9223372036854775807",
        "'Thu, 01 Jan 2026 00:00:02 GMT', 2000000000",
        "'Wed, 31 Dec 2025 23:59:59 GMT', 0",
        "'Fri, 01 Jan 2100 00:00:00 GMT', 9223372036854775807",
        "-1, -1",
        "1.5, -1",
        "soon, -1",
        "'1, 2', -1",
        "'', -1",
        "'Thu, 99 Jan 2026 00:00:02 GMT', -1",
    })
    void is_seconds_or_a_date_or_nothing(String value, long nanos) {
        assertThat(RetryAfter.nanos(value, NOW)).isEqualTo(nanos);
    }

    @Test
    void may_be_missing() {
        assertThat(RetryAfter.nanos(null, NOW)).isEqualTo(-1);
    }
}
