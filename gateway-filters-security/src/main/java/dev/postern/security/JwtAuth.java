package dev.postern.security;

import dev.postern.Checked;
import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Lets a request through when it carries a bearer token (RFC 6750) that one issuer has signed for this audience, and puts
 * its subject on the exchange as the {@link dev.postern.Principal}; others get 401, and 403 when only a scope is missing.
 *
 * {@snippet file="dev/postern/security/Snippets.java" region="jwt-smallest"}
 *
 * <p>The algorithm comes from the key, the key from the issuer, and everything in the token is read strictly (RFC 8725).
 * The answer is the same whatever was wrong; {@link #REJECTION} and the debug log tell the reason. When the issuer's keys
 * cannot be had the answer is 503: the token may be perfectly good. The token goes on to the upstream unless {@link
 * Builder#removeToken} says otherwise.
 *
 * <p>Not checked: whether a token was revoked before it expired, and whether the sender holds the key that a {@code cnf}
 * claim names. Tokens are read from {@code Authorization} only, never from the query or the body.
 *
 * <p>Keys are fetched by the gateway and shared by all filters that name the same URL. A filter with the same options in
 * the next config keeps its instance and its cache. Filters are equal when their options are.
 */
public final class JwtAuth implements Filter, Managed, Checked {
    /** Why a token was refused, such as {@code expired}: for access logs and metrics, not for clients. */
    public static final Exchange.Key<String> REJECTION = Exchange.Key.named("jwt rejection");

    private static final Logger LOGGER = System.getLogger(JwtAuth.class.getName());
    private static final String SCHEME = "Bearer";

    private final JwtOptions options;
    // Null until started; with keys from the builder there is one without a cache before, for tests of routes.
    private volatile @Nullable TokenVerifier verifier;
    private volatile @Nullable Services services;
    private volatile @Nullable TokenCache cache;

    private JwtAuth(JwtOptions options) {
        this.options = options;
        this.verifier = unstarted(options);
    }

    /** A builder; issuer, audience and keys must be given. */
    public static Builder builder() {
        return new Builder();
    }

    private static @Nullable TokenVerifier unstarted(JwtOptions options) {
        boolean usable = options.jwks() == null && options.problems().isEmpty();
        return usable ? new TokenVerifier(options, new FixedKeys(options.keys()), null) : null;
    }

    @Override
    public List<String> problems() {
        return options.problems();
    }

    @Override
    public List<StateSpec> state() {
        return options.jwks() == null || !problems().isEmpty()
                ? List.of()
                : List.of(spec(JwksUrl.parse(options.jwks())));
    }

    private static StateSpec spec(JwksUrl url) {
        return new StateSpec("jwks", url.name(), url);
    }

    /**
     * Fetches the key set, unless the config before had it. Succeeds also when the issuer is down, which the log then
     * tells: requests are answered 503 until it is back.
     */
    @Override
    public CompletionStage<Void> start(Services lent) {
        List<String> problems = problems();
        if (!problems.isEmpty()) {
            return CompletableFuture.failedFuture(new IllegalStateException(String.join("; ", problems)));
        }
        KeySource keys = keys(lent);
        TokenCache fresh = new TokenCache(options.cachedTokens(), lent.time());
        services = lent;
        cache = fresh;
        verifier = new TokenVerifier(options, keys, fresh);
        return keys.keys().thenApply(known -> null);
    }

    private KeySource keys(Services lent) {
        if (options.jwks() == null) {
            return new FixedKeys(options.keys());
        }
        JwksUrl url = JwksUrl.parse(options.jwks());
        return lent.state(spec(url), () -> new JwksSource(lent, url)).usableFor(options.maxStale());
    }

    @Override
    public void stop() {
        TokenCache last = cache;
        verifier = unstarted(options);
        services = null;
        cache = null;
        if (last != null) {
            last.clear();
        }
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        TokenVerifier current = verifier;
        if (current == null) {
            throw new IllegalStateException("JwtAuth is not started");
        }
        List<String> lines = request.headers().all("Authorization");
        if (lines.size() > 1) {
            return refuse(Rejection.DUPLICATE, chain);
        }
        String token = lines.isEmpty() ? null : token(lines.get(0));
        if (token == null) {
            return refuse(Rejection.MISSING, chain);
        }
        Exchange exchange = chain.exchange();
        Services lent = services;
        CompletableFuture<Verdict> verdict =
                current.verify(token, exchange.time().now(), lent == null ? exchange::offload : lent::offload);
        if (verdict.isDone() && !verdict.isCompletedExceptionally()) {
            return decide(verdict.join(), request, chain);
        }
        return verdict.thenComposeAsync(late -> decide(late, request, chain), exchange.executor());
    }

    /** What follows {@code Bearer}, or null when the credentials are of another scheme. */
    private static @Nullable String token(String authorization) {
        boolean bearer = authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                && (authorization.length() == SCHEME.length() || authorization.charAt(SCHEME.length()) == ' ');
        if (!bearer) {
            return null;
        }
        int start = SCHEME.length();
        while (start < authorization.length() && authorization.charAt(start) == ' ') {
            start++;
        }
        return authorization.substring(start);
    }

    private CompletionStage<Response> decide(Verdict verdict, Request request, Chain chain) {
        if (verdict instanceof Verdict.Accepted accepted) {
            return accept(accepted.token(), request, chain);
        }
        if (verdict instanceof Verdict.Refused refused) {
            return refuse(refused.reason(), chain);
        }
        Duration retryAfter = ((Verdict.Unavailable) verdict).retryAfter();
        note(Rejection.KEYS_UNAVAILABLE, chain.exchange());
        return chain.answer(Response.problem(503, "keys_unavailable", "Tokens cannot be checked at the moment.")
                .withHeader("Retry-After", Long.toString(retryAfter.toSeconds())));
    }

    private CompletionStage<Response> accept(VerifiedToken token, Request request, Chain chain) {
        chain.exchange().authenticate(token.facts().principal());
        if (!token.facts().principal().scopes().containsAll(options.scopes())) {
            note(Rejection.SCOPE, chain.exchange());
            String challenge = Text.challenge(
                    SCHEME,
                    options.realm(),
                    "error",
                    "insufficient_scope",
                    "scope",
                    String.join(" ", options.scopes()));
            return chain.answer(Response.problem(403, "insufficient_scope", "The token lacks a scope.")
                    .withHeader("WWW-Authenticate", challenge));
        }
        return chain.proceed(options.tokenRemoved() ? request.withoutHeader("Authorization") : request);
    }

    private CompletionStage<Response> refuse(Rejection reason, Chain chain) {
        note(reason, chain.exchange());
        // RFC 6750 3.1: no error code for those who did not try to authenticate.
        boolean missing = reason == Rejection.MISSING;
        String challenge = missing
                ? Text.challenge(SCHEME, options.realm())
                : Text.challenge(SCHEME, options.realm(), "error", "invalid_token");
        String code = missing ? "token_missing" : "token_invalid";
        return chain.answer(Response.problem(401, code, "A valid bearer token is required.")
                .withHeader("WWW-Authenticate", challenge));
    }

    private static void note(Rejection reason, Exchange exchange) {
        exchange.set(REJECTION, reason.code());
        LOGGER.log(Level.DEBUG, () -> "exchange " + exchange.id() + ": token refused: " + reason.code());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof JwtAuth that && that.options.equals(options);
    }

    @Override
    public int hashCode() {
        return options.hashCode();
    }

    @Override
    public String toString() {
        return "JwtAuth[" + options.issuer() + ']';
    }

    /** Collects the options; {@link #build} may be called more than once. What is missing or wrong is told by {@link #problems}. */
    public static final class Builder {
        private static final Duration MAX_SKEW = Duration.ofMinutes(5);
        private static final Duration MAX_STALE = Duration.ofDays(7);

        private @Nullable String issuer;
        private final Set<String> audiences = new LinkedHashSet<>();
        private boolean anyAudience;
        private @Nullable String jwks;
        private boolean cleartextJwks;
        private Duration maxStale = Duration.ofHours(24);
        private final List<JwtKey> keys = new ArrayList<>();
        private final Set<JwtAlgorithm> algorithms = EnumSet.noneOf(JwtAlgorithm.class);
        private final Set<String> scopes = new LinkedHashSet<>();
        private List<String> scopeClaims = List.of("scope", "scp");
        private String principalClaim = "sub";
        private final Map<String, Object> claims = new LinkedHashMap<>();
        private @Nullable String type;
        private Duration clockSkew = Duration.ofSeconds(60);
        private @Nullable Duration maxTokenAge;
        private boolean keyHeadersIgnored;
        private boolean tokenRemoved;
        private boolean alwaysOffLoop;
        private int cachedTokens = 10_000;
        private String realm = "api";

        private Builder() {}

        /** Who must have issued the token: equal to {@code iss}, character by character. Required. */
        public Builder issuer(String name) {
            issuer = text("issuer", name);
            return this;
        }

        /** For whom the token must be made: one of {@code aud}. Called again it adds another that will do. Required. */
        public Builder audience(String name) {
            audiences.add(text("audience", name));
            return this;
        }

        /** Takes tokens whoever they are made for: only for issuers that serve nobody else. */
        public Builder withoutAudience() {
            anyAudience = true;
            return this;
        }

        /**
         * Where the issuer publishes its keys (a JWK set): an https URL. Fetched with the first use, renewed every 5
         * minutes at most, no redirect followed.
         */
        public Builder jwks(String url) {
            jwks = Objects.requireNonNull(url, "url");
            return this;
        }

        /** Lets the key set come over http, where whoever is on the way can replace it: for tests and closed networks. */
        public Builder allowCleartextJwks() {
            cleartextJwks = true;
            return this;
        }

        /** How old a fetched key set may become while the issuer is down; 0 to 7 days, default 24 hours, then 503. */
        public Builder maxStale(Duration age) {
            maxStale = range("maxStale", age, Duration.ZERO, MAX_STALE);
            return this;
        }

        /** A key of the issuer, in the place of {@link #jwks}. Called again it adds another. */
        public Builder key(JwtKey key) {
            keys.add(Objects.requireNonNull(key, "key"));
            return this;
        }

        /** Keys of the issuer, in the place of {@link #jwks}. */
        public Builder keys(Collection<JwtKey> several) {
            several.forEach(this::key);
            return this;
        }

        /**
         * The only algorithms to accept, each for keys of its type. Default: the one that a key names, else the usual one
         * of its type, see {@link JwtKey}.
         */
        public Builder algorithms(JwtAlgorithm... only) {
            algorithms.addAll(List.of(only));
            return this;
        }

        /** Scopes that the token must have, all of them, else 403. Default: none. */
        public Builder scopes(String... required) {
            for (String scope : required) {
                scopes.add(Text.scope(scope));
            }
            return this;
        }

        /** The claim that lists the scopes. Default: {@code scope} or, without that, {@code scp}. */
        public Builder scopeClaim(String name) {
            scopeClaims = List.of(text("scopeClaim", name));
            return this;
        }

        /** The claim that names the principal; a token without it is refused. Default: {@code sub}. */
        public Builder principalClaim(String name) {
            principalClaim = text("principalClaim", name);
            return this;
        }

        /**
         * A claim that the token must have: equal to {@code value}, or a list that contains it.
         *
         * @param value a string, a boolean, an int or a long
         */
        public Builder claim(String name, Object value) {
            Object wanted = value instanceof Integer number ? Long.valueOf(number) : value;
            if (!(wanted instanceof String || wanted instanceof Boolean || wanted instanceof Long)) {
                throw new IllegalArgumentException("claim " + name + ": a "
                        + value.getClass().getSimpleName() + " (expected: string, boolean, int or long)");
            }
            claims.put(text("claim", name), wanted);
            return this;
        }

        /**
         * The only {@code typ} to accept, such as {@code at+jwt} for access tokens of RFC 9068. Default: {@code JWT}, {@code
         * at+jwt} or none.
         */
        public Builder requireType(String name) {
            type = CompactToken.typeOf(text("type", name));
            return this;
        }

        /** How far the clocks of issuer and gateway may be apart; 0 to 5 minutes in whole seconds, default 60 seconds. */
        public Builder clockSkew(Duration most) {
            clockSkew = range("clockSkew", most, Duration.ZERO, MAX_SKEW);
            return this;
        }

        /** Refuses tokens issued ({@code iat}) longer ago, whatever their expiry; a second or more. Default: no limit. */
        public Builder maxTokenAge(Duration most) {
            maxTokenAge = range("maxTokenAge", most, Duration.ofSeconds(1), Duration.ofDays(3650));
            return this;
        }

        /**
         * Accepts tokens whose header brings or points to a key ({@code jwk}, {@code jku}, {@code x5u}, {@code x5c}),
         * without ever looking at it. Default: such tokens are refused, as they are mostly made by attackers.
         */
        public Builder ignoreKeyHeaders() {
            keyHeadersIgnored = true;
            return this;
        }

        /** Does not show the token to the upstream. Default: it is passed on, as services usually check it again. */
        public Builder removeToken() {
            tokenRemoved = true;
            return this;
        }

        /**
         * Checks every signature on the gateway's pool. Default: HMAC, and RSA (not PSS) with 2048 bits, on the event loop,
         * where they take less time than the way to a pool and back would cost others.
         */
        public Builder alwaysOffLoop() {
            alwaysOffLoop = true;
            return this;
        }

        /** How many accepted tokens to remember until they expire; 0 to 1,000,000, default 10,000. */
        public Builder cachedTokens(int most) {
            if (most < 0 || most > 1_000_000) {
                throw new IllegalArgumentException("cachedTokens: " + most + " (expected: 0 to 1000000)");
            }
            cachedTokens = most;
            return this;
        }

        /** What the challenge calls this place. Default: {@code api}. */
        public Builder realm(String name) {
            realm = Text.realm(name);
            return this;
        }

        /** The filter. Never fails: see {@link JwtAuth#problems}. */
        public JwtAuth build() {
            return new JwtAuth(options());
        }

        JwtOptions options() {
            return new JwtOptions(
                    issuer,
                    Set.copyOf(audiences),
                    anyAudience,
                    jwks,
                    cleartextJwks,
                    maxStale,
                    List.copyOf(keys),
                    Set.copyOf(algorithms),
                    Collections.unmodifiableSet(new LinkedHashSet<>(scopes)),
                    scopeClaims,
                    principalClaim,
                    Map.copyOf(claims),
                    type,
                    clockSkew,
                    maxTokenAge,
                    keyHeadersIgnored,
                    tokenRemoved,
                    alwaysOffLoop,
                    cachedTokens,
                    realm);
        }

        private static String text(String what, String value) {
            if (value.isBlank()) {
                throw new IllegalArgumentException(what + ": \"" + value + "\" (expected: not blank)");
            }
            return value;
        }

        private static Duration range(String what, Duration value, Duration least, Duration most) {
            if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
                throw new IllegalArgumentException(what + ": " + value + " (expected: " + least + " to " + most + ")");
            }
            return value;
        }
    }
}
