package dev.postern;

import java.time.Duration;
import java.util.concurrent.CompletionStage;

/** Asks by {@code GET}; any 2xx is well. */
record HttpHealthCheck(String path, Duration interval, Duration timeout) implements HealthCheck {
    /** A health page has no reason to be longer. */
    private static final int MAX_BYTES = 64 * 1024;

    @Override
    public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
        return services.send(endpoint, Request.get(path), new CallLimits(timeout, MAX_BYTES))
                .thenApply(response -> response.status() >= 200 && response.status() < 300);
    }
}
