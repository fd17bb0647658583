package dev.postern.runtime.discovery;

import org.jspecify.annotations.Nullable;

/** A source has said something that cannot be used; the message goes on from the name of the source. */
final class BadAnswer extends RuntimeException {
    private static final long serialVersionUID = 1;

    BadAnswer(String message) {
        this(message, null);
    }

    BadAnswer(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
