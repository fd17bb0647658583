package dev.postern.security;

import dev.postern.Principal;
import java.time.Instant;

/**
 * What a token says about its bearer, in force once a signature stands for it.
 *
 * @param principal who
 * @param validFrom the first second of the epoch at which it may be used, clock skew included
 * @param validUntil the first second at which it may not be used any more, clock skew included
 */
record TokenFacts(Principal principal, long validFrom, long validUntil) {
    boolean validAt(Instant now) {
        long second = now.getEpochSecond();
        return validFrom <= second && second < validUntil;
    }
}
