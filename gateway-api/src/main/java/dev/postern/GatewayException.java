package dev.postern;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An exchange that could not be completed. Refusals such as 401 or 429 are responses, not this.
 *
 * <p>The message is for logs and names route, filter or endpoint; clients see only {@link #failure()}'s status and {@link
 * #reason()}.
 */
public final class GatewayException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Failure failure;
    private final String reason;

    /** A failure without a cause of its own. */
    public GatewayException(Failure failure, String message) {
        this(failure, failure.code(), message, null);
    }

    /** A failure that something else led to. */
    public GatewayException(Failure failure, String message, @Nullable Throwable cause) {
        this(failure, failure.code(), message, cause);
    }

    /**
     * A failure with a finer reason than {@link Failure#code()}.
     *
     * @param reason a stable dotted name such as {@code path.encoded_slash}; shown to clients
     */
    public GatewayException(Failure failure, String reason, String message, @Nullable Throwable cause) {
        // No stack when nothing threw: refusing requests is ordinary work and attackers choose how often it is done.
        super(message, cause, false, cause != null);
        this.failure = Objects.requireNonNull(failure, "failure");
        this.reason = Objects.requireNonNull(reason, "reason");
    }

    /**
     * The same failure with a message that begins with the place: {@code filter "audit": body of more than 1024 bytes}. For
     * filters that pass on what a body or a call failed with, whose messages cannot know for whom it was.
     *
     * @param place for logs; not shown to clients
     */
    public GatewayException in(String place) {
        return new GatewayException(failure, reason, place + ": " + getMessage(), getCause());
    }

    /** Place, party and status. */
    public Failure failure() {
        return failure;
    }

    /** The stable name that clients and logs see; {@code failure().code()} unless there is a finer one. */
    public String reason() {
        return reason;
    }
}
