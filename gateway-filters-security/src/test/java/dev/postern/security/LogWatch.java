package dev.postern.security;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Collects what one logger is told. */
final class LogWatch extends Handler implements AutoCloseable {
    private final Logger logger;
    private final Level before;
    final List<String> lines = new ArrayList<>();

    private LogWatch(Class<?> type, Level level) {
        logger = Logger.getLogger(type.getName());
        before = logger.getLevel();
        logger.setLevel(level);
        logger.addHandler(this);
    }

    static LogWatch of(Class<?> type) {
        return new LogWatch(type, Level.ALL);
    }

    @Override
    public void publish(LogRecord line) {
        lines.add(
                line.getLevel() + " " + line.getMessage() + (line.getThrown() == null ? "" : " / " + line.getThrown()));
    }

    List<String> above(Level level) {
        return lines.stream()
                .filter(line -> Level.parse(line.split(" ")[0]).intValue() >= level.intValue())
                .toList();
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        logger.removeHandler(this);
        logger.setLevel(before);
    }
}
