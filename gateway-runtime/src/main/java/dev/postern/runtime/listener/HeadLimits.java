package dev.postern.runtime.listener;

/**
 * How much framing a client may send: sizes in bytes, counts in fields.
 *
 * <p>The decoder behind the guard must be at least as generous (request line and head), else it answers first and
 * with its own words.
 */
record HeadLimits(
        int requestLineBytes, int headBytes, int fields, int chunkExtensionBytes, int trailerBytes, int trailerFields) {

    /** The hardened profile. A head of 100 fields in 16 KiB retains little more heap than it had bytes on the wire. */
    static final HeadLimits DEFAULTS = new HeadLimits(8 * 1024, 16 * 1024, 100, 256, 4 * 1024, 16);

    HeadLimits {
        requirePositive("requestLineBytes", requestLineBytes);
        requirePositive("headBytes", headBytes);
        requirePositive("fields", fields);
        requirePositive("chunkExtensionBytes", chunkExtensionBytes);
        requirePositive("trailerBytes", trailerBytes);
        requirePositive("trailerFields", trailerFields);
        if (requestLineBytes > headBytes) {
            throw new IllegalArgumentException(
                    "requestLineBytes: " + requestLineBytes + " (expected: <= headBytes " + headBytes + ")");
        }
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: >= 1)");
        }
    }
}
