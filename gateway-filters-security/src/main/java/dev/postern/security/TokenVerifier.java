package dev.postern.security;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Says whether a token is good: what costs least is asked first, and a signature is checked once for each token.
 *
 * <p>Claims are looked at before the signature: a token that was once good costs an attacker nothing to send and us no
 * verification. Nothing of it leaves this class before the signature stands.
 *
 * <p>Signatures that take long, which is all but HMAC and RSA with 2048 bits, are checked by the workers; identical tokens
 * that arrive meanwhile wait for the same check. Safe on any thread.
 */
final class TokenVerifier {
    private final JwtOptions options;
    private final ClaimRules rules;
    private final KeySource keys;
    private final @Nullable TokenCache cache;
    private final ConcurrentMap<Sha256, CompletableFuture<Verdict>> running = new ConcurrentHashMap<>();

    /** Where checks go that take long. */
    interface Workers extends Function<Callable<Verdict>, CompletionStage<Verdict>> {}

    TokenVerifier(JwtOptions options, KeySource keys, @Nullable TokenCache cache) {
        this.options = options;
        this.rules = new ClaimRules(options);
        this.keys = keys;
        this.cache = cache;
    }

    /** Fails only when the workers do. */
    CompletableFuture<Verdict> verify(String token, Instant now, Workers workers) {
        // 1. Too long: not even digested.
        if (token.length() > CompactToken.MAX_LENGTH) {
            return refused(Rejection.TOO_LONG);
        }
        // 2. Seen before: its dates and its key may have changed, its signature has not.
        Sha256 digest = Sha256.of(token);
        VerifiedToken known = cache == null ? null : cache.get(digest);
        if (known != null) {
            return whenKeysAreThere((set, waited) ->
                    seen(known, set, now) ? done(new Verdict.Accepted(known)) : forgotten(token, digest, now, workers));
        }
        return unseen(token, digest, now, workers);
    }

    private static boolean seen(VerifiedToken known, KeySet set, Instant now) {
        return known.facts().validAt(now) && set.holds(known.key());
    }

    private CompletableFuture<Verdict> forgotten(String token, Sha256 digest, Instant now, Workers workers) {
        if (cache != null) {
            cache.remove(digest);
        }
        return unseen(token, digest, now, workers);
    }

    private CompletableFuture<Verdict> unseen(String token, Sha256 digest, Instant now, Workers workers) {
        // 3. What the token says, true or not.
        CompactToken parsed;
        TokenFacts facts;
        try {
            parsed = CompactToken.parse(token);
            facts = rules.check(parsed, now);
        } catch (RefusedToken no) {
            return refused(no.reason());
        }
        Check check = new Check(digest, parsed, facts, workers);
        return whenKeysAreThere((set, waited) -> judged(check, set, waited));
    }

    /** One token on its way to a verdict. */
    private record Check(Sha256 digest, CompactToken token, TokenFacts facts, Workers workers) {}

    private CompletableFuture<Verdict> judged(Check check, KeySet set, boolean waited) {
        // 4. The keys that the issuer has for it.
        List<JwtKey> candidates = candidates(check, set);
        if (!candidates.isEmpty()) {
            return signed(check, candidates, waited);
        }
        String id = check.token().keyId();
        if (id == null || set.knows(id)) {
            return refused(Rejection.UNKNOWN_KEY);
        }
        // 5. A key we have not heard of: there may be a new one.
        CompletableFuture<Optional<KeySet>> renewed = keys.keysFor(id);
        boolean waits = waited || !renewed.isDone();
        return renewed.thenCompose(found -> {
            List<JwtKey> others = found.map(now -> candidates(check, now)).orElse(List.of());
            return others.isEmpty() ? refused(Rejection.UNKNOWN_KEY) : signed(check, others, waits);
        });
    }

    private List<JwtKey> candidates(Check check, KeySet set) {
        CompactToken token = check.token();
        return set.candidates(token.keyId(), token.algorithm(), options.algorithms());
    }

    private CompletableFuture<Verdict> signed(Check check, List<JwtKey> candidates, boolean waited) {
        // 6. The signature. Whoever has waited continues on a thread of somebody else, together with all others.
        JwtAlgorithm algorithm = check.token().algorithm();
        boolean here = !waited
                && !options.alwaysOffLoop()
                && candidates.size() == 1
                && candidates.get(0).quick(algorithm);
        return here ? done(verdict(check, candidates)) : offLoop(check, candidates);
    }

    private CompletableFuture<Verdict> offLoop(Check check, List<JwtKey> candidates) {
        CompletableFuture<Verdict> mine = new CompletableFuture<>();
        CompletableFuture<Verdict> first = running.putIfAbsent(check.digest(), mine);
        if (first != null) {
            return first.copy();
        }
        started(check, candidates).whenComplete((verdict, failed) -> {
            running.remove(check.digest(), mine);
            if (failed == null) {
                mine.complete(verdict);
            } else {
                mine.completeExceptionally(failed);
            }
        });
        return mine.copy();
    }

    private CompletionStage<Verdict> started(Check check, List<JwtKey> candidates) {
        try {
            return check.workers().apply(() -> verdict(check, candidates));
        } catch (RuntimeException rejected) {
            return CompletableFuture.failedFuture(rejected);
        }
    }

    private Verdict verdict(Check check, List<JwtKey> candidates) {
        for (JwtKey key : candidates) {
            if (check.token().signedWith(key)) {
                VerifiedToken verified = new VerifiedToken(check.facts(), key);
                if (cache != null) {
                    cache.put(check.digest(), verified);
                }
                return new Verdict.Accepted(verified);
            }
        }
        return new Verdict.Refused(Rejection.SIGNATURE);
    }

    private interface Next {
        CompletableFuture<Verdict> with(KeySet set, boolean waited);
    }

    private CompletableFuture<Verdict> whenKeysAreThere(Next next) {
        CompletableFuture<Optional<KeySet>> set = keys.keys();
        boolean waits = !set.isDone();
        return set.thenCompose(found ->
                found.isPresent() ? next.with(found.get(), waits) : done(new Verdict.Unavailable(keys.retryAfter())));
    }

    private static CompletableFuture<Verdict> refused(Rejection reason) {
        return done(new Verdict.Refused(reason));
    }

    private static CompletableFuture<Verdict> done(Verdict verdict) {
        return CompletableFuture.completedFuture(verdict);
    }
}
