package dev.postern.security;

import dev.postern.CallLimits;
import dev.postern.Response;
import dev.postern.Services;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Fetches a key set once: status 200, at most 256 KiB, within 5 seconds, no redirects. The JSON is read on the gateway's
 * pool, as there may be much of it.
 */
final class JwksClient {
    static final CallLimits LIMITS = CallLimits.DEFAULT;

    private final Services services;
    private final JwksUrl url;

    JwksClient(Services services, JwksUrl url) {
        this.services = services;
        this.url = url;
    }

    /** Fails with whatever went wrong; never throws. */
    CompletionStage<List<JwtKey>> fetch() {
        try {
            return services.send(url.endpoint(), url.request(), LIMITS)
                    .thenCompose(JwksClient::content)
                    .thenCompose(json -> services.offload(() -> JwksReader.read(json)));
        } catch (RuntimeException refused) {
            return CompletableFuture.failedFuture(refused);
        }
    }

    private static CompletionStage<byte[]> content(Response response) {
        if (response.status() != 200) {
            response.body().discard();
            return CompletableFuture.failedFuture(new IOException("status " + response.status() + " (expected: 200)"));
        }
        return response.body().buffer(LIMITS.maxBytes()).thenApply(body -> body.toByteArray());
    }
}
