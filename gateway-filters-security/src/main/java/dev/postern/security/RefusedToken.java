package dev.postern.security;

/** Ends the reading of a token. Without a stack: attackers choose how often it is thrown. */
final class RefusedToken extends Exception {
    private static final long serialVersionUID = 1;

    private final Rejection reason;

    RefusedToken(Rejection reason) {
        super(reason.code(), null, false, false);
        this.reason = reason;
    }

    Rejection reason() {
        return reason;
    }
}
