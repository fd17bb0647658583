package dev.postern.runtime.reply;

import io.netty.handler.codec.DateFormatter;
import java.time.Instant;
import java.util.Date;

/**
 * The text of {@code Date} (RFC 9110 5.6.7; by Netty, since a formatter of {@code java.time} loads all there is to know of a
 * locale when the first answer is due), written out once a second for all loops. RFC 9110 6.6.1: an answer of our own
 * says when it was made, and one that came without is told the time when it goes on.
 */
public final class DateField {
    // An immutable value; a lost race formats twice. Shared by gateways with clocks of their own, so it has its second.
    private static volatile Second last = new Second(Long.MIN_VALUE, "");

    private DateField() {}

    /** {@code Sun, 06 Nov 1994 08:49:37 GMT}. */
    public static String of(Instant now) {
        Second known = last;
        if (known.epochSecond != now.getEpochSecond()) {
            known = new Second(now.getEpochSecond(), DateFormatter.format(Date.from(now)));
            last = known;
        }
        return known.text;
    }

    private record Second(long epochSecond, String text) {}
}
