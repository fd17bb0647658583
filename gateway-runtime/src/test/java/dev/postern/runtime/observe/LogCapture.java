package dev.postern.runtime.observe;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Collects what one logger of the JDK's default back end writes, formatted, until it is closed. */
public final class LogCapture implements AutoCloseable {
    private final Logger logger;
    private final Level before;
    private final List<String> messages = new ArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public synchronized void publish(LogRecord entry) {
            messages.add(entry.getLevel() + " " + new SimpleFormatter().formatMessage(entry));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    public LogCapture(String name, Level level) {
        logger = Logger.getLogger(name);
        before = logger.getLevel();
        logger.setLevel(level);
        logger.addHandler(handler);
    }

    public List<String> messages() {
        synchronized (handler) {
            return List.copyOf(messages);
        }
    }

    @Override
    public void close() {
        logger.removeHandler(handler);
        logger.setLevel(before);
    }
}
