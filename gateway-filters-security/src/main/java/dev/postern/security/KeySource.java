package dev.postern.security;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Where the keys of one issuer come from. Safe on any thread; stages may complete on any. */
interface KeySource {
    /** The keys to judge a token by, as a rule at once; empty when there are none to be had. Never fails. */
    CompletableFuture<Optional<KeySet>> keys();

    /** The same after a token named a key that is not among them: perhaps fetched anew. */
    CompletableFuture<Optional<KeySet>> keysFor(String unknownId);

    /** When asking again may help. */
    Duration retryAfter();
}
