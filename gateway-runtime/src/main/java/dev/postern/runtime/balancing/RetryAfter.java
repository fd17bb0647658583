package dev.postern.runtime.balancing;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/** Reads {@code Retry-After} (RFC 9110 10.2.3): seconds, or a date. */
public final class RetryAfter {
    /** More digits are centuries. */
    private static final int MAX_DIGITS = 9;

    private RetryAfter() {}

    /**
     * What it asks to wait.
     *
     * @return nanoseconds, 0 or more; -1 when there is no such field or it is neither
     */
    public static long nanos(@Nullable String value, Instant now) {
        if (value == null || value.isEmpty()) {
            return -1;
        }
        boolean digits = value.chars().allMatch(c -> c >= '0' && c <= '9');
        if (digits) {
            return value.length() > MAX_DIGITS ? Long.MAX_VALUE : Integer.parseInt(value) * 1_000_000_000L;
        }
        try {
            Instant at = Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(value));
            Duration wait = Duration.between(now, at);
            return wait.isNegative() ? 0 : wait.compareTo(Duration.ofDays(365)) > 0 ? Long.MAX_VALUE : wait.toNanos();
        } catch (DateTimeException malformed) {
            return -1;
        }
    }
}
