package dev.postern.security;

import dev.postern.Checked;
import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Lets a request through when it carries a known API key, and puts the key's owner on the exchange as the {@link
 * Principal}; others get 401, and 403 when only a scope is missing.
 *
 * {@snippet file="dev/postern/security/Snippets.java" region="api-key-smallest"}
 *
 * <p>Keys are kept as SHA-256 digests only and found by digest, so neither memory nor timing gives one away. The answer
 * is the same whatever was wrong: missing, unknown, malformed, given twice. The upstream does not see the key unless
 * {@link Builder#forwardKey} says otherwise.
 *
 * <p>Digests protect keys that are random: make them of 128 random bits or more. Guessing is not slowed down here; put a
 * rate limit by client before this filter.
 *
 * <p>Filters are equal when their options are; lookups count as equal when they are the same object.
 */
public final class ApiKeyAuth implements Filter, Checked {
    /** Why a key was refused, such as {@code unknown}: for access logs and metrics, not for clients. */
    public static final Exchange.Key<String> REJECTION = Exchange.Key.named("api key rejection");

    private static final Logger LOGGER = System.getLogger(ApiKeyAuth.class.getName());
    private static final int MAX_LENGTH = 512;
    private static final int MIN_LENGTH = 16;

    private final ApiKeyOptions options;
    private final @Nullable ApiKeyDirectory directory;

    private ApiKeyAuth(ApiKeyOptions options) {
        this.options = options;
        ApiKeyLookup lookup = options.lookup();
        this.directory = lookup == null
                ? null
                : new ApiKeyDirectory(lookup, options.foundFor(), options.unknownFor(), options.lookupTimeout());
    }

    /** A builder; keys or a lookup must be given. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public List<String> problems() {
        return options.problems();
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        List<String> given = credentials(request);
        if (given.size() != 1) {
            return refuse(given.isEmpty() ? "missing" : "duplicate", chain);
        }
        String credential = given.get(0);
        if (!wellFormed(credential)) {
            return refuse("malformed", chain);
        }
        Sha256 digest = Sha256.of(credential);
        ApiKey key = options.keys().get(digest);
        if (key != null) {
            return accept(key, request, chain);
        }
        return directory == null ? refuse("unknown", chain) : lookUp(directory, digest, request, chain);
    }

    private List<String> credentials(Request request) {
        List<String> headers = request.headers().all(options.header());
        String parameter = options.queryParameter();
        if (parameter == null) {
            return headers;
        }
        List<String> all = new ArrayList<>(headers);
        all.addAll(request.queryParameters(parameter));
        return all;
    }

    private static boolean wellFormed(String credential) {
        boolean visible = !credential.isEmpty() && credential.length() <= MAX_LENGTH;
        for (int i = 0; visible && i < credential.length(); i++) {
            visible = credential.charAt(i) > ' ' && credential.charAt(i) <= '~';
        }
        return visible;
    }

    private CompletionStage<Response> lookUp(ApiKeyDirectory keys, Sha256 digest, Request request, Chain chain) {
        Exchange exchange = chain.exchange();
        CompletableFuture<ApiKeyDirectory.Answer> answer = keys.find(digest, exchange.time());
        return answer.isDone()
                ? decide(answer.join(), request, chain)
                : answer.thenComposeAsync(late -> decide(late, request, chain), exchange.executor());
    }

    private CompletionStage<Response> decide(ApiKeyDirectory.Answer answer, Request request, Chain chain) {
        if (!answer.known()) {
            note("unavailable", chain.exchange());
            return chain.answer(Response.problem(503, "api_keys_unavailable", "Keys cannot be checked at the moment.")
                    .withHeader("Retry-After", "1"));
        }
        ApiKey key = answer.key();
        return key == null ? refuse("unknown", chain) : accept(key, request, chain);
    }

    private CompletionStage<Response> accept(ApiKey key, Request request, Chain chain) {
        chain.exchange().authenticate(new Principal(key.owner(), "api-key", key.scopes(), key.attributes()));
        if (!key.scopes().containsAll(options.scopes())) {
            note("scope", chain.exchange());
            return chain.answer(Response.problem(403, "insufficient_scope", "The API key lacks a scope."));
        }
        return chain.proceed(options.keyForwarded() ? request : withoutKey(request));
    }

    private Request withoutKey(Request request) {
        Request bare = request.withoutHeader(options.header());
        String parameter = options.queryParameter();
        String query = bare.query();
        if (parameter == null || query == null || bare.queryParameter(parameter) == null) {
            return bare;
        }
        StringJoiner rest = new StringJoiner("&");
        for (String part : query.split("&", -1)) {
            // The request itself says what is called so: it decodes names, and one rule must read and remove the key.
            if (bare.withQuery(part).queryParameter(parameter) == null) {
                rest.add(part);
            }
        }
        return bare.withQuery(rest.length() == 0 ? null : rest.toString());
    }

    private CompletionStage<Response> refuse(String reason, Chain chain) {
        note(reason, chain.exchange());
        return chain.answer(Response.problem(401, "api_key_invalid", "A valid API key is required.")
                .withHeader("WWW-Authenticate", Text.challenge("ApiKey", options.realm())));
    }

    private static void note(String reason, Exchange exchange) {
        exchange.set(REJECTION, reason);
        LOGGER.log(Level.DEBUG, () -> "exchange " + exchange.id() + ": API key refused: " + reason);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ApiKeyAuth that && that.options.equals(options);
    }

    @Override
    public int hashCode() {
        return options.hashCode();
    }

    /** Where the key is read from; keys and digests are not shown. */
    @Override
    public String toString() {
        return "ApiKeyAuth[" + options.header() + ']';
    }

    /** Collects the options; {@link #build} may be called more than once. What is missing or wrong is told by {@link #problems}. */
    public static final class Builder {
        private static final Duration MAX_REMEMBERED = Duration.ofHours(1);

        private final Map<Sha256, ApiKey> keys = new HashMap<>();
        private final List<String> problems = new ArrayList<>();
        private @Nullable ApiKeyLookup lookup;
        private Duration foundFor = Duration.ofSeconds(60);
        private Duration unknownFor = Duration.ofSeconds(5);
        private Duration lookupTimeout = Duration.ofSeconds(2);
        private String header = "X-API-Key";
        private @Nullable String queryParameter;
        private final Set<String> scopes = new LinkedHashSet<>();
        private boolean keyForwarded;
        private String realm = "api";

        private Builder() {}

        /**
         * A key in clear text, digested at once and not kept: 16 to 512 visible ASCII characters. Read it from where
         * secrets are kept, not from source code.
         */
        public Builder key(String clearText, ApiKey owner) {
            if (!wellFormed(clearText) || clearText.length() < MIN_LENGTH) {
                problems.add("a key of " + owner.owner() + " is unfit, " + clearText.length()
                        + " characters (expected: 16 to 512 visible ASCII characters, random ones)");
            }
            return add(Sha256.of(clearText), owner);
        }

        /** A key as the SHA-256 digest of its characters, 64 hexadecimal digits: {@code printf %s KEY | sha256sum}. */
        public Builder digest(String sha256, ApiKey owner) {
            return add(Sha256.parse(sha256), owner);
        }

        private Builder add(Sha256 digest, ApiKey owner) {
            ApiKey other = keys.put(digest, owner);
            if (other != null && !other.equals(owner)) {
                problems.add("one key is given for " + other.owner() + " and for " + owner.owner()
                        + " (expected: a key of its own for each)");
            }
            return this;
        }

        /** Looks up keys that are not among those given here. Default: none. */
        public Builder lookup(ApiKeyLookup function) {
            lookup = Objects.requireNonNull(function, "function");
            return this;
        }

        /** How long a key that was looked up is believed: what revoking one takes. 0 to 1 hour, default 60 seconds. */
        public Builder foundFor(Duration time) {
            foundFor = range("foundFor", time, Duration.ZERO);
            return this;
        }

        /** How long a key that is unknown to the lookup stays so: what a new one takes. 0 to 1 hour, default 5 seconds. */
        public Builder unknownFor(Duration time) {
            unknownFor = range("unknownFor", time, Duration.ZERO);
            return this;
        }

        /** How long a lookup may take, then 503; 1 millisecond to 1 hour, default 2 seconds. */
        public Builder lookupTimeout(Duration time) {
            lookupTimeout = range("lookupTimeout", time, Duration.ofMillis(1));
            return this;
        }

        /** The header field that holds the key. Default: {@code X-API-Key}. */
        public Builder header(String name) {
            Request.get("/").withHeader(name, "");
            header = name;
            return this;
        }

        /**
         * Reads the key from this query parameter, too. Queries end up in logs, histories and referrers: only for clients
         * that cannot send a header. Default: none.
         */
        public Builder queryParameter(String name) {
            if (name.isEmpty()) {
                throw new IllegalArgumentException("queryParameter: \"\" (expected: a name)");
            }
            queryParameter = name;
            return this;
        }

        /** Scopes that the key must have, all of them, else 403. Default: none. */
        public Builder scopes(String... required) {
            for (String scope : required) {
                scopes.add(Text.scope(scope));
            }
            return this;
        }

        /** Shows the key to the upstream. Default: it is removed from the request. */
        public Builder forwardKey() {
            keyForwarded = true;
            return this;
        }

        /** What the challenge calls this place. Default: {@code api}. */
        public Builder realm(String name) {
            realm = Text.realm(name);
            return this;
        }

        /** The filter. Never fails: see {@link ApiKeyAuth#problems}. */
        public ApiKeyAuth build() {
            List<String> all = new ArrayList<>(problems);
            if (keys.isEmpty() && lookup == null) {
                all.add("keys are missing (expected: builder.key(…), builder.digest(…) or builder.lookup(…))");
            }
            return new ApiKeyAuth(new ApiKeyOptions(
                    Map.copyOf(keys),
                    lookup,
                    foundFor,
                    unknownFor,
                    lookupTimeout,
                    header,
                    queryParameter,
                    Collections.unmodifiableSet(new LinkedHashSet<>(scopes)),
                    keyForwarded,
                    realm,
                    List.copyOf(all)));
        }

        private static Duration range(String what, Duration value, Duration least) {
            if (value.compareTo(least) < 0 || value.compareTo(MAX_REMEMBERED) > 0) {
                throw new IllegalArgumentException(
                        what + ": " + value + " (expected: " + least + " to " + MAX_REMEMBERED + ")");
            }
            return value;
        }
    }
}
