package dev.postern.runtime.rig;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What the gateway, Vert.x and Netty log while tests run. */
final class Logs extends Handler {
    private static final Logs SHARED = new Logs();
    // Held here: the JDK forgets loggers that nobody holds.
    private static final List<Logger> LOGGERS =
            List.of(Logger.getLogger("dev.postern"), Logger.getLogger("io.vertx"), Logger.getLogger("io.netty"));

    private final List<Entry> entries = new CopyOnWriteArrayList<>();

    /** One line. */
    record Entry(String logger, Level level, String text) {
        @Override
        public String toString() {
            return level + " " + logger + ": " + text;
        }
    }

    static Logs shared() {
        for (Logger logger : LOGGERS) {
            if (!List.of(logger.getHandlers()).contains(SHARED)) {
                logger.addHandler(SHARED);
            }
        }
        return SHARED;
    }

    List<Entry> entries() {
        return entries;
    }

    void clear() {
        entries.clear();
    }

    @Override
    public void publish(LogRecord line) {
        StringWriter text = new StringWriter();
        text.append(new SimpleFormatter().formatMessage(line));
        if (line.getThrown() != null) {
            line.getThrown().printStackTrace(new PrintWriter(text.append('\n')));
        }
        entries.add(new Entry(String.valueOf(line.getLoggerName()), line.getLevel(), text.toString()));
    }

    @Override
    public void flush() {
        // Nothing is kept back.
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
