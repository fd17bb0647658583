package dev.postern.security;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Finds API keys that are kept elsewhere. Safe on any thread. */
@FunctionalInterface
public interface ApiKeyLookup {
    /**
     * Finds a key by its digest: whoever keeps the keys needs only digests, too. Called on an event loop and must not
     * block; may complete on any thread.
     *
     * @param sha256 64 lower-case hexadecimal digits, of the UTF-8 bytes of the key
     * @return empty when there is no such key; a failure means that nobody knows, and is answered 503
     */
    CompletionStage<Optional<ApiKey>> find(String sha256);
}
