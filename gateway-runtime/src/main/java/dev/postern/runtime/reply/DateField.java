package dev.postern.runtime.reply;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * The text of {@code Date} (RFC 9110 5.6.7), written out once a second for all loops. RFC 9110 6.6.1: an answer of our own
 * says when it was made, and one that came without is told the time when it goes on.
 */
public final class DateField {
    private static final DateTimeFormatter IMF_FIXDATE = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US)
            .withZone(ZoneOffset.UTC);

    // An immutable value; a lost race formats twice. Shared by gateways with clocks of their own, so it has its second.
    private static volatile Second last = new Second(Long.MIN_VALUE, "");

    private DateField() {}

    /** {@code Sun, 06 Nov 1994 08:49:37 GMT}. */
    public static String of(Instant now) {
        Second known = last;
        if (known.epochSecond != now.getEpochSecond()) {
            known = new Second(now.getEpochSecond(), IMF_FIXDATE.format(now));
            last = known;
        }
        return known.text;
    }

    private record Second(long epochSecond, String text) {}
}
