package dev.postern.security;

import dev.postern.Principal;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides about everything in a token but its signature: type, issuer, audience, dates, subject, required claims (RFC
 * 7519 4.1, RFC 8725 3.8 to 3.12). Texts are compared exactly; a claim of the wrong JSON type never fits.
 */
final class ClaimRules {
    // The end of the year 9999: dates in milliseconds are beyond it.
    private static final long LAST_SECOND = 253_402_300_799L;

    // What access tokens call themselves; other types are for other purposes (RFC 8725 3.11).
    private static final Set<String> USUAL_TYPES = Set.of("jwt", "at+jwt");

    private final JwtOptions options;
    private final long skew;

    ClaimRules(JwtOptions options) {
        this.options = options;
        this.skew = options.clockSkew().toSeconds();
    }

    TokenFacts check(CompactToken token, Instant now) throws RefusedToken {
        require(options.keyHeadersIgnored() || !token.namesOwnKey(), Rejection.EMBEDDED_KEY);
        require(typeFits(token.type()), Rejection.TYPE);
        Map<String, Object> claims = token.claims();
        require(claims.get("iss") instanceof String issuer && issuer.equals(options.issuer()), Rejection.ISSUER);
        require(options.anyAudience() || audienceFits(claims.get("aud")), Rejection.AUDIENCE);
        for (Map.Entry<String, Object> wanted : options.claims().entrySet()) {
            require(fits(claims.get(wanted.getKey()), wanted.getValue()), Rejection.CLAIM);
        }
        return dated(claims, principal(claims), now.getEpochSecond());
    }

    private boolean typeFits(@Nullable String type) {
        String required = options.type();
        return required == null ? type == null || USUAL_TYPES.contains(type) : required.equals(type);
    }

    private boolean audienceFits(@Nullable Object audience) {
        if (audience instanceof List<?> several) {
            return several.stream().allMatch(String.class::isInstance)
                    && several.stream().anyMatch(options.audiences()::contains);
        }
        return audience instanceof String one && options.audiences().contains(one);
    }

    private static boolean fits(@Nullable Object claim, Object wanted) {
        return claim instanceof List<?> several ? several.contains(wanted) : wanted.equals(claim);
    }

    private TokenFacts dated(Map<String, Object> claims, Principal principal, long now) throws RefusedToken {
        Long expires = second(claims, "exp");
        Long notBefore = second(claims, "nbf");
        Long issued = second(claims, "iat");
        Duration maxAge = options.maxTokenAge();
        if (expires == null || (issued == null && maxAge != null)) {
            throw new RefusedToken(Rejection.DATES);
        }
        long from = Math.max(notBefore == null ? 0 : notBefore, issued == null ? 0 : issued) - skew;
        require(now < expires + skew, Rejection.EXPIRED);
        require(from <= now, Rejection.NOT_YET_VALID);
        long until = expires + skew;
        if (issued != null && maxAge != null) {
            long tooOld = issued + maxAge.toSeconds() + skew;
            require(now < tooOld, Rejection.TOO_OLD);
            until = Math.min(until, tooOld);
        }
        return new TokenFacts(principal.withExpiry(Instant.ofEpochSecond(until)), from, until);
    }

    private static @Nullable Long second(Map<String, Object> claims, String name) throws RefusedToken {
        Object value = claims.get(name);
        if (value == null) {
            return null;
        }
        if (!(value instanceof Long second) || second < 0 || second > LAST_SECOND) {
            throw new RefusedToken(Rejection.DATES);
        }
        return second;
    }

    private Principal principal(Map<String, Object> claims) throws RefusedToken {
        if (!(claims.get(options.principalClaim()) instanceof String name) || name.isBlank()) {
            throw new RefusedToken(Rejection.SUBJECT);
        }
        return new Principal(name, "jwt", scopes(claims), claims);
    }

    /** The scopes of the first of the scope claims that there is: a text with blanks between, or an array. */
    private Set<String> scopes(Map<String, Object> claims) throws RefusedToken {
        Object scopes = options.scopeClaims().stream()
                .map(claims::get)
                .filter(Objects::nonNull)
                .findFirst()
                .orElse("");
        if (scopes instanceof String text) {
            return Set.copyOf(
                    Arrays.asList(text.isBlank() ? new String[0] : text.strip().split(" +")));
        }
        if (scopes instanceof List<?> several && several.stream().allMatch(String.class::isInstance)) {
            return Set.copyOf(several.stream().map(String.class::cast).toList());
        }
        throw new RefusedToken(Rejection.CLAIM);
    }

    private static void require(boolean holds, Rejection otherwise) throws RefusedToken {
        if (!holds) {
            throw new RefusedToken(otherwise);
        }
    }
}
