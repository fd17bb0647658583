package dev.postern.security;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a {@link JwtAuth} was told, as one value: two filters with equal options are interchangeable. */
record JwtOptions(
        @Nullable String issuer,
        Set<String> audiences,
        boolean anyAudience,
        @Nullable String jwks,
        boolean cleartextJwks,
        Duration maxStale,
        List<JwtKey> keys,
        Set<JwtAlgorithm> algorithms,
        Set<String> scopes,
        List<String> scopeClaims,
        String principalClaim,
        Map<String, Object> claims,
        @Nullable String type,
        Duration clockSkew,
        @Nullable Duration maxTokenAge,
        boolean keyHeadersIgnored,
        boolean tokenRemoved,
        boolean alwaysOffLoop,
        int cachedTokens,
        String realm) {

    List<String> problems() {
        List<String> problems = new ArrayList<>();
        if (issuer == null) {
            problems.add("issuer is missing (expected: builder.issuer(\"https://…\"))");
        }
        if (audiences.isEmpty() && !anyAudience) {
            problems.add("audience is missing: tokens made for other services would be accepted"
                    + " (expected: builder.audience(\"…\"), or builder.withoutAudience())");
        }
        if (!audiences.isEmpty() && anyAudience) {
            problems.add("audience(…) and withoutAudience() contradict each other (expected: one of them)");
        }
        if ((jwks == null) == keys.isEmpty()) {
            problems.add((jwks == null ? "keys are missing" : "keys come from a URL and from the builder")
                    + " (expected: either builder.jwks(\"https://…\") or builder.key(…))");
        }
        if (jwks != null) {
            addUrlProblems(jwks, problems);
        }
        for (JwtKey key : keys) {
            addKeyProblems(key, problems);
        }
        return List.copyOf(problems);
    }

    private void addUrlProblems(String url, List<String> problems) {
        try {
            if (JwksUrl.parse(url).cleartext() && !cleartextJwks) {
                problems.add("jwks is fetched over cleartext http: whoever is on the way can forge tokens"
                        + " (expected: https, or builder.allowCleartextJwks())");
            }
        } catch (IllegalArgumentException malformed) {
            problems.add("jwks URL " + malformed.getMessage() + " (expected: builder.jwks(\"https://host/path\"))");
        }
        for (JwtAlgorithm algorithm : algorithms) {
            if (algorithm.family() == JwtAlgorithm.Family.HMAC) {
                problems.add("algorithm " + algorithm + " needs a secret, which a key set at a URL cannot hold"
                        + " (expected: builder.key(JwtKey.secret(…)))");
            }
        }
    }

    private void addKeyProblems(JwtKey key, List<String> problems) {
        String weakness = key.weakness();
        if (weakness != null) {
            problems.add(key + " " + weakness);
        }
        if (!algorithms.isEmpty() && algorithms.stream().noneMatch(one -> key.allows(one, algorithms))) {
            problems.add(key + " can do none of the algorithms " + algorithms + " (expected: one of its type)");
        }
    }
}
