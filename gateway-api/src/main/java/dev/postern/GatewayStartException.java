package dev.postern;

import org.jspecify.annotations.Nullable;

/** A gateway or a new configuration could not be started; what had been started was stopped again. */
public final class GatewayStartException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Says what could not be started, and the cure. */
    public GatewayStartException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
