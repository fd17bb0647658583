package dev.postern.security;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The code that docs/filters shows: {@link DocsTest} compares. */
final class Snippets {
    private Snippets() {}

    static JwtAuth jwtSmallest() {
        // @start region="jwt-smallest"
        JwtAuth jwt = JwtAuth.builder()
                .issuer("https://login.example.com")
                .audience("https://api.example.com")
                .jwks("https://login.example.com/.well-known/jwks.json")
                .build();
        // @end
        return jwt;
    }

    static JwtAuth jwtScopes() {
        // @start region="jwt-scopes"
        JwtAuth orders = JwtAuth.builder()
                .issuer("https://login.example.com")
                .audience("https://api.example.com")
                .jwks("https://login.example.com/.well-known/jwks.json")
                .requireType("at+jwt")
                .scopes("orders:read", "orders:write")
                .claim("tenant", "acme")
                .maxTokenAge(Duration.ofHours(1))
                .removeToken()
                .build();
        // @end
        return orders;
    }

    static JwtAuth jwtSecret(byte[] secret) {
        // @start region="jwt-secret"
        JwtAuth internal = JwtAuth.builder()
                .issuer("billing")
                .audience("orders")
                .key(JwtKey.secret(secret).withId("2026-01").withAlgorithm(JwtAlgorithm.HS256))
                .build();
        // @end
        return internal;
    }

    static ApiKeyAuth apiKeySmallest() {
        // @start region="api-key-smallest"
        ApiKeyAuth keys = ApiKeyAuth.builder()
                .digest("a84a3d7c18a28b0f7dc71a7a6c8f4b2aa7a8f3d3e2f5d1b0a9c8e7f6d5c4b3a2", ApiKey.of("orders-team"))
                .build();
        // @end
        return keys;
    }

    static ApiKeyAuth apiKeyScopes() {
        // @start region="api-key-scopes"
        ApiKey mobile = ApiKey.of("mobile-app").scopes("orders:read").attribute("plan", "gold");
        ApiKeyAuth keys = ApiKeyAuth.builder()
                .digest("0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0", mobile)
                .scopes("orders:read")
                .build();
        // @end
        return keys;
    }

    static ApiKeyAuth apiKeyLookup(KeyTable table) {
        // @start region="api-key-lookup"
        ApiKeyAuth keys = ApiKeyAuth.builder()
                .lookup(sha256 -> table.ownerOf(sha256).thenApply(owner -> owner.map(ApiKey::of)))
                .foundFor(Duration.ofSeconds(30))
                .build();
        // @end
        return keys;
    }

    /** A table of the host application, read without blocking. */
    static final class KeyTable {
        private final Map<String, String> owners = new HashMap<>();

        KeyTable with(String sha256, String owner) {
            owners.put(sha256, owner);
            return this;
        }

        CompletionStage<Optional<String>> ownerOf(String sha256) {
            return CompletableFuture.completedFuture(Optional.ofNullable(owners.get(sha256)));
        }
    }
}
