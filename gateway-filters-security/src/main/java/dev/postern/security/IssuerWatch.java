package dev.postern.security;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Tells the operator about a key set: each change of its condition once. Safe on any thread. */
final class IssuerWatch {
    private static final Logger LOGGER = System.getLogger(JwtAuth.class.getName());

    private final JwksUrl url;
    private boolean down;
    private boolean gone;

    IssuerWatch(JwksUrl url) {
        this.url = url;
    }

    /** A fetch failed. */
    synchronized void failed(Throwable cause, boolean keysHeld) {
        if (!down) {
            down = true;
            String meanwhile =
                    keysHeld ? "the keys fetched before stay in use" : "tokens are answered 503 until it can";
            LOGGER.log(Level.WARNING, "key set " + url + " cannot be fetched; " + meanwhile, cause);
        }
    }

    /** The keys became too old to be used. */
    synchronized void expired() {
        if (!gone) {
            gone = true;
            LOGGER.log(Level.WARNING, "key set " + url + " is too old to be used; tokens are answered 503");
        }
    }

    /** A fetch succeeded. */
    synchronized void fetched(@Nullable Set<JwtKey> before, Set<JwtKey> now) {
        if (down) {
            LOGGER.log(Level.INFO, "key set " + url + " can be fetched again");
        }
        down = false;
        gone = false;
        if (now.isEmpty()) {
            LOGGER.log(Level.WARNING, "key set " + url + " has no key that can be used; every token is refused");
        }
        if (before != null && !before.equals(now)) {
            LOGGER.log(
                    Level.INFO,
                    "key set " + url + " changed: gone " + less(before, now) + ", new " + less(now, before));
        }
    }

    private static String less(Set<JwtKey> these, Set<JwtKey> those) {
        return these.stream()
                .filter(key -> !those.contains(key))
                .map(JwtKey::toString)
                .sorted()
                .collect(Collectors.joining(", ", "[", "]"));
    }
}
