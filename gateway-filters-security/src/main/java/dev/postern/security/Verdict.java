package dev.postern.security;

import java.time.Duration;

/** What is to be done with a request that carries a token. */
sealed interface Verdict {
    /** The token is good. */
    record Accepted(VerifiedToken token) implements Verdict {}

    /** The token is not. */
    record Refused(Rejection reason) implements Verdict {}

    /** Nobody can tell: there are no keys. */
    record Unavailable(Duration retryAfter) implements Verdict {}
}
