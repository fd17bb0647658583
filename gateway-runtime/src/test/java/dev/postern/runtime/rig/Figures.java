package dev.postern.runtime.rig;

import java.util.Locale;

/** What a run has seen, for the page of records: lines of the logger {@code dev.postern.records}. */
public final class Figures {
    private static final System.Logger LOG = System.getLogger("dev.postern.records");

    private Figures() {}

    /** Writes a line, as {@link String#format} does. */
    public static void seen(String format, Object... values) {
        LOG.log(System.Logger.Level.INFO, String.format(Locale.ROOT, format, values));
    }
}
