package dev.postern.security;

import static dev.postern.security.Keys.AUDIENCE;
import static dev.postern.security.Keys.ED25519;
import static dev.postern.security.Keys.ISSUER;
import static dev.postern.security.Keys.NOW;
import static dev.postern.security.Keys.P256;
import static dev.postern.security.Keys.RSA;
import static dev.postern.security.Keys.RSA_OTHER;
import static dev.postern.security.Keys.SECRET;
import static dev.postern.security.Keys.header;
import static dev.postern.security.Keys.hmac;
import static dev.postern.security.Keys.payload;
import static dev.postern.security.Keys.raw;
import static dev.postern.security.Keys.rs256;
import static dev.postern.security.Keys.sign;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class JwtAuthTest {
    private final ScriptedServices services = new ScriptedServices();
    private FakeExchange exchange = new FakeExchange(services.time);
    private FakeChain chain = FakeChain.answering(Response.of(200)).within(exchange);

    private static JwtAuth.Builder trusting() {
        return JwtAuth.builder().issuer(ISSUER).audience(AUDIENCE);
    }

    private static JwtAuth.Builder trustingRsa() {
        return trusting().key(JwtKey.of(RSA.getPublic()).withId("rsa"));
    }

    private JwtAuth started(JwtAuth.Builder builder) {
        JwtAuth filter = builder.build();
        assertThat(filter.problems()).isEmpty();
        filter.start(services).toCompletableFuture().join();
        return filter;
    }

    private static Request bearing(String token) {
        return Request.get("/orders").withHeader("Authorization", "Bearer " + token);
    }

    private Response ask(Filter filter, Request request) {
        exchange = new FakeExchange(services.time);
        chain = FakeChain.answering(Response.of(200)).within(exchange);
        return chain.run(filter, request);
    }

    private String refusal(Filter filter, String token) {
        Response response = ask(filter, bearing(token));
        return response.status() == 200 ? "accepted" : response.status() + " " + exchange.get(JwtAuth.REJECTION);
    }

    private static String body(Response response) {
        return response.body().buffer(10_000).toCompletableFuture().join().text();
    }

    @Test
    void a_good_token_passes_and_its_subject_becomes_the_principal() {
        JwtAuth filter = started(trustingRsa());
        String token = rs256(
                "rsa",
                payload("scope", "orders:read  orders:write", "tenant", "acme", "act", raw("{\"sub\":[1,2.5,null]}")));

        Response response = ask(filter, bearing(token));

        assertThat(response.status()).isEqualTo(200);
        Principal principal = exchange.principal();
        assertThat(principal).isNotNull();
        assertThat(principal.name()).isEqualTo("alice");
        assertThat(principal.scheme()).isEqualTo("jwt");
        assertThat(principal.scopes()).containsExactlyInAnyOrder("orders:read", "orders:write");
        assertThat(principal.attributes())
                .containsEntry("tenant", "acme")
                .containsEntry("exp", NOW + 600)
                .containsEntry("act", Map.of("sub", List.of(1L, 2.5)));
        assertThat(exchange.get(JwtAuth.REJECTION)).isNull();
    }

    @Test
    void the_token_goes_on_to_the_upstream_unless_it_is_to_be_removed() {
        String token = rs256("rsa", payload());

        ask(started(trustingRsa()), bearing(token));
        assertThat(chain.proceeded().get(0).header("Authorization")).isEqualTo("Bearer " + token);

        ask(started(trustingRsa().removeToken()), bearing(token));
        assertThat(chain.proceeded().get(0).headers().contains("Authorization")).isFalse();
    }

    @Test
    void a_request_without_credentials_is_challenged_without_an_error() {
        JwtAuth filter = started(trustingRsa().realm("orders"));

        for (Request request : List.of(
                Request.get("/"),
                Request.get("/").withHeader("Authorization", "Basic YTpi"),
                Request.get("/").withHeader("Authorization", "Bearerx y"),
                Request.get("/?access_token=" + rs256("rsa", payload())))) {
            Response response = ask(filter, request);
            assertThat(response.status()).isEqualTo(401);
            assertThat(response.header("WWW-Authenticate")).isEqualTo("Bearer realm=\"orders\"");
            assertThat(response.header("Content-Type")).isEqualTo("application/problem+json");
            assertThat(body(response)).contains("\"code\":\"token_missing\"");
            assertThat(exchange.get(JwtAuth.REJECTION)).isEqualTo("missing");
            assertThat(chain.proceeded()).isEmpty();
        }
    }

    @Test
    void a_bad_token_is_refused_with_the_same_answer_whatever_is_wrong() {
        JwtAuth filter = started(trustingRsa());
        List<String> answers = new ArrayList<>();
        for (String token : List.of("", "x", rs256("other", payload()), rs256("rsa", payload("exp", NOW - 100)))) {
            Response response = ask(filter, Request.get("/").withHeader("Authorization", ("Bearer " + token).strip()));
            answers.add(response.status() + " " + response.headers() + " " + body(response));
            assertThat(exchange.principal()).isNull();
            assertThat(chain.proceeded()).isEmpty();
        }

        assertThat(answers.stream().distinct().toList()).hasSize(1);
        assertThat(answers.get(0))
                .contains("401")
                .contains("WWW-Authenticate: Bearer realm=\"api\", error=\"invalid_token\"")
                .contains("\"code\":\"token_invalid\"");
    }

    @Test
    void two_authorization_lines_are_refused_even_when_both_are_good() {
        JwtAuth filter = started(trustingRsa());
        Request request = bearing(rs256("rsa", payload()));

        Response response = ask(
                filter,
                request.withHeaders(request.headers().adding("authorization", request.header("Authorization"))));

        assertThat(response.status()).isEqualTo(401);
        assertThat(exchange.get(JwtAuth.REJECTION)).isEqualTo("duplicate");
    }

    @Test
    void the_scheme_is_compared_without_case_and_may_be_followed_by_several_blanks() {
        JwtAuth filter = started(trustingRsa());

        Response response =
                ask(filter, Request.get("/").withHeader("authorization", "bEARER   " + rs256("rsa", payload())));

        assertThat(response.status()).isEqualTo(200);
    }

    @Test
    void a_missing_scope_is_403_and_says_which_scopes_are_needed() {
        JwtAuth filter = started(trustingRsa().scopes("orders:write", "orders:read"));

        Response response = ask(filter, bearing(rs256("rsa", payload("scope", "orders:read"))));

        assertThat(response.status()).isEqualTo(403);
        assertThat(response.header("WWW-Authenticate"))
                .isEqualTo("Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"orders:write orders:read\"");
        assertThat(body(response)).contains("\"code\":\"insufficient_scope\"");
        assertThat(exchange.get(JwtAuth.REJECTION)).isEqualTo("scope");
        assertThat(exchange.principal()).as("known, though not allowed").isNotNull();
        assertThat(chain.proceeded()).isEmpty();
    }

    @Test
    void scopes_are_read_from_scope_or_scp_as_text_or_list_or_from_the_claim_that_is_named() {
        JwtAuth filter = started(trustingRsa().scopes("a", "b"));

        assertThat(refusal(filter, rs256("rsa", payload("scope", "a b c")))).isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("scope", List.of("a", "b")))))
                .isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("scp", "b a")))).isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("scp", List.of("b", "a")))))
                .isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("scope", "", "scp", "a b"))))
                .isEqualTo("403 scope");
        assertThat(refusal(filter, rs256("rsa", payload("scope", "A B")))).isEqualTo("403 scope");
        assertThat(refusal(filter, rs256("rsa", payload("scope", "a,b")))).isEqualTo("403 scope");
        assertThat(refusal(filter, rs256("rsa", payload()))).isEqualTo("403 scope");

        JwtAuth other = started(trustingRsa().scopes("a").scopeClaim("permissions"));
        assertThat(refusal(other, rs256("rsa", payload("permissions", List.of("a")))))
                .isEqualTo("accepted");
        assertThat(refusal(other, rs256("rsa", payload("scope", "a")))).isEqualTo("403 scope");
    }

    @Test
    void any_of_several_audiences_will_do_on_either_side() {
        JwtAuth filter = started(trustingRsa().audience("orders"));

        assertThat(refusal(filter, rs256("rsa", payload("aud", "orders")))).isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("aud", List.of("x", "orders")))))
                .isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("aud", List.of("x", "y")))))
                .isEqualTo("401 audience");
        JwtAuth any = started(JwtAuth.builder().issuer(ISSUER).withoutAudience().key(JwtKey.of(RSA.getPublic())));
        assertThat(refusal(any, rs256("rsa", payload("aud", null)))).isEqualTo("accepted");
    }

    @Test
    void required_claims_must_be_equal_or_contained() {
        JwtAuth filter =
                started(trustingRsa().claim("tenant", "acme").claim("level", 3).claim("verified", true));

        assertThat(refusal(filter, rs256("rsa", payload("tenant", "acme", "level", 3, "verified", true))))
                .isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("tenant", List.of("x", "acme"), "level", 3, "verified", true))))
                .isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("tenant", "acm", "level", 3, "verified", true))))
                .isEqualTo("401 claim");
        assertThat(refusal(filter, rs256("rsa", payload("tenant", "acme", "level", "3", "verified", true))))
                .isEqualTo("401 claim");
        assertThat(refusal(filter, rs256("rsa", payload("tenant", "acme", "level", 3))))
                .isEqualTo("401 claim");
    }

    @Test
    void the_usual_types_pass_and_a_required_type_is_the_only_one() {
        JwtAuth usual = started(trustingRsa());
        JwtAuth access = started(trustingRsa().requireType("application/AT+JWT"));
        JwtAuth other = started(trustingRsa().requireType("dpop+jwt"));

        assertThat(refusal(usual, typed("\"JWT\""))).isEqualTo("accepted");
        assertThat(refusal(usual, typed("\"application/at+jwt\""))).isEqualTo("accepted");
        assertThat(refusal(usual, typed("\"logout+jwt\""))).isEqualTo("401 type");
        assertThat(refusal(access, typed("\"at+jwt\""))).isEqualTo("accepted");
        assertThat(refusal(access, typed("\"application/at+jwt\""))).isEqualTo("accepted");
        assertThat(refusal(access, typed("\"JWT\""))).isEqualTo("401 type");
        assertThat(refusal(access, rs256("rsa", payload()))).isEqualTo("401 type");
        assertThat(refusal(other, typed("\"dpop+jwt\""))).isEqualTo("accepted");
    }

    private static String typed(String type) {
        return sign("RS256", RSA, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":" + type + "}", payload());
    }

    @Test
    void the_principal_may_be_named_by_another_claim() {
        JwtAuth filter = started(trustingRsa().principalClaim("client_id"));

        assertThat(refusal(filter, rs256("rsa", payload("client_id", "batch", "sub", null))))
                .isEqualTo("accepted");
        assertThat(exchange.principal().name()).isEqualTo("batch");
        assertThat(refusal(filter, rs256("rsa", payload()))).isEqualTo("401 subject");
    }

    @Test
    void dates_are_swept_second_by_second_around_their_edges() {
        JwtAuth filter = started(trustingRsa().clockSkew(Duration.ofSeconds(10)).maxTokenAge(Duration.ofSeconds(100)));

        assertThat(refusal(filter, rs256("rsa", payload("exp", NOW - 9)))).isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("exp", NOW - 10)))).isEqualTo("401 expired");
        assertThat(refusal(filter, rs256("rsa", payload("nbf", NOW + 10)))).isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("nbf", NOW + 11)))).isEqualTo("401 not_yet_valid");
        assertThat(refusal(filter, rs256("rsa", payload("iat", NOW + 10)))).isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("iat", NOW + 11)))).isEqualTo("401 not_yet_valid");
        assertThat(refusal(filter, rs256("rsa", payload("iat", NOW - 109)))).isEqualTo("accepted");
        assertThat(refusal(filter, rs256("rsa", payload("iat", NOW - 110)))).isEqualTo("401 too_old");
        assertThat(refusal(filter, rs256("rsa", payload("iat", null)))).isEqualTo("401 dates");
    }

    @Test
    void t104_the_principal_ends_when_the_token_does() {
        Instant now = services.time.now();
        JwtAuth filter = started(trustingRsa().clockSkew(Duration.ofSeconds(5)));
        FakeExchange exchange = new FakeExchange();
        FakeChain.answering(Response.of(200))
                .within(exchange)
                .run(filter, bearing(rs256("rsa", payload("exp", NOW + 100))));
        assertThat(exchange.principal().expiresAt()).isEqualTo(now.plusSeconds(105));

        JwtAuth aging = started(trustingRsa().clockSkew(Duration.ZERO).maxTokenAge(Duration.ofSeconds(20)));
        FakeExchange other = new FakeExchange();
        FakeChain.answering(Response.of(200))
                .within(other)
                .run(aging, bearing(rs256("rsa", payload("exp", NOW + 100, "iat", NOW))));
        assertThat(other.principal().expiresAt()).isEqualTo(now.plusSeconds(20));
    }

    @Test
    void a_remembered_token_ends_when_it_expires_gets_too_old_or_the_clock_goes_back() {
        JwtAuth filter = started(trustingRsa().clockSkew(Duration.ZERO));
        String token = rs256("rsa", payload("exp", NOW + 100, "nbf", NOW));

        assertThat(refusal(filter, token)).isEqualTo("accepted");
        services.time.advance(Duration.ofSeconds(99));
        assertThat(refusal(filter, token)).isEqualTo("accepted");
        services.time.advance(Duration.ofSeconds(1));
        assertThat(refusal(filter, token)).isEqualTo("401 expired");

        JwtAuth aging = started(trustingRsa().clockSkew(Duration.ZERO).maxTokenAge(Duration.ofSeconds(120)));
        String young = rs256("rsa", payload("exp", NOW + 10_000, "iat", NOW));
        assertThat(refusal(aging, young)).isEqualTo("accepted");
        services.time.advance(Duration.ofSeconds(20));
        assertThat(refusal(aging, young)).isEqualTo("401 too_old");
    }

    @Test
    void a_remembered_token_is_judged_by_the_wall_clock_not_by_how_long_it_was_kept() {
        JwtOptions options = JwtOptionsTest.options(trustingRsa());
        TokenVerifier verifier =
                new TokenVerifier(options, new FixedKeys(options.keys()), new TokenCache(10, services.time));
        String token = rs256("rsa", payload("nbf", NOW - 10));

        assertThat(verifier.verify(token, services.time.now(), services::offload)
                        .join())
                .isInstanceOf(Verdict.Accepted.class);
        assertThat(verifier.verify(token, services.time.now().minusSeconds(120), services::offload)
                        .join())
                .isEqualTo(new Verdict.Refused(Rejection.NOT_YET_VALID));
        assertThat(verifier.verify(token, services.time.now().plusSeconds(660), services::offload)
                        .join())
                .isEqualTo(new Verdict.Refused(Rejection.EXPIRED));
    }

    @Test
    void every_algorithm_is_accepted_with_a_key_that_is_made_for_it() {
        JwtKey rsa = JwtKey.of(RSA.getPublic());
        for (JwtAlgorithm algorithm : List.of(
                JwtAlgorithm.RS256,
                JwtAlgorithm.RS384,
                JwtAlgorithm.RS512,
                JwtAlgorithm.PS256,
                JwtAlgorithm.PS384,
                JwtAlgorithm.PS512)) {
            JwtAuth filter = started(trusting().key(rsa.withAlgorithm(algorithm)));
            String name = algorithm.name();
            assertThat(refusal(filter, sign(name, RSA, header(name, null), payload())))
                    .as(name)
                    .isEqualTo("accepted");
            assertThat(refusal(filter, sign(name, RSA_OTHER, header(name, null), payload())))
                    .as(name)
                    .isEqualTo("401 signature");
        }
        for (JwtAlgorithm algorithm : List.of(JwtAlgorithm.HS256, JwtAlgorithm.HS384, JwtAlgorithm.HS512)) {
            JwtAuth filter = started(trusting().key(JwtKey.secret(SECRET).withAlgorithm(algorithm)));
            String name = algorithm.name();
            assertThat(refusal(filter, hmac(name, SECRET, header(name, null), payload())))
                    .as(name)
                    .isEqualTo("accepted");
            assertThat(refusal(filter, hmac(name, "another secret".getBytes(), header(name, null), payload())))
                    .as(name)
                    .isEqualTo("401 signature");
        }
        JwtAuth edwards = started(trusting().key(JwtKey.of(ED25519.getPublic())));
        assertThat(refusal(edwards, sign("EdDSA", ED25519, header("EdDSA", null), payload())))
                .isEqualTo("accepted");
        assertThat(refusal(edwards, sign("EdDSA", ED25519, header("Ed25519", null), payload())))
                .isEqualTo("accepted");
    }

    @Test
    void listed_algorithms_widen_what_keys_without_one_do_and_narrow_all_others() {
        JwtKey rsa = JwtKey.of(RSA.getPublic());
        String ps256 = sign("PS256", RSA, header("PS256", null), payload());

        assertThat(refusal(started(trusting().key(rsa)), ps256)).isEqualTo("401 unknown_key");
        assertThat(refusal(started(trusting().key(rsa).algorithms(JwtAlgorithm.PS256)), ps256))
                .isEqualTo("accepted");
        JwtAuth listed = started(trusting().key(rsa).algorithms(JwtAlgorithm.PS256, JwtAlgorithm.RS512));
        assertThat(refusal(listed, rs256(null, payload()))).isEqualTo("401 unknown_key");
        JwtAuth bound = started(trusting()
                .key(rsa.withAlgorithm(JwtAlgorithm.RS256))
                .algorithms(JwtAlgorithm.RS256, JwtAlgorithm.PS256));
        assertThat(refusal(bound, ps256)).isEqualTo("401 unknown_key");
    }

    @Test
    void a_token_without_key_id_is_tried_with_the_first_keys_that_fit() {
        JwtAuth filter = started(trusting()
                .key(JwtKey.of(P256.getPublic()).withId("a"))
                .key(JwtKey.of(RSA_OTHER.getPublic()).withId("b"))
                .key(JwtKey.of(RSA.getPublic()).withId("c")));

        assertThat(refusal(filter, rs256(null, payload()))).isEqualTo("accepted");
        assertThat(refusal(filter, rs256("b", payload()))).isEqualTo("401 signature");
        assertThat(refusal(filter, rs256("C", payload()))).isEqualTo("401 unknown_key");
    }

    @Test
    void a_key_without_id_serves_tokens_that_name_one_nobody_else_has() {
        JwtAuth filter = started(trusting()
                .key(JwtKey.of(RSA.getPublic()))
                .key(JwtKey.of(RSA_OTHER.getPublic()).withId("other")));

        assertThat(refusal(filter, rs256("whatever", payload()))).isEqualTo("accepted");
        assertThat(refusal(filter, rs256("other", payload()))).isEqualTo("401 signature");
    }

    @Test
    void tokens_that_point_to_keys_are_refused_unless_the_pointers_are_to_be_ignored() {
        String token =
                sign("RS256", RSA, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"jku\":\"https://x.example\"}", payload());
        String own =
                sign("RS256", RSA_OTHER, "{\"alg\":\"RS256\",\"jwk\":" + Keys.jwk(RSA_OTHER, "x") + "}", payload());

        assertThat(refusal(started(trustingRsa()), token)).isEqualTo("401 embedded_key");
        assertThat(refusal(started(trustingRsa().ignoreKeyHeaders()), token)).isEqualTo("accepted");
        assertThat(refusal(started(trustingRsa().ignoreKeyHeaders()), own)).isEqualTo("401 signature");
        assertThat(services.fetches()).isZero();
    }

    @Test
    void a_signature_is_checked_once_for_each_token() {
        JwtAuth filter = started(trusting().key(JwtKey.of(P256.getPublic())));
        String token = sign("ES256", P256, header("ES256", null), payload());

        for (int i = 0; i < 10; i++) {
            assertThat(refusal(filter, token)).isEqualTo("accepted");
        }

        assertThat(services.offloaded).isEqualTo(1);
    }

    @Test
    void without_a_cache_every_request_is_checked() {
        JwtAuth filter = started(trusting().key(JwtKey.of(P256.getPublic())).cachedTokens(0));
        String token = sign("ES256", P256, header("ES256", null), payload());

        refusal(filter, token);
        refusal(filter, token);

        assertThat(services.offloaded).isEqualTo(2);
    }

    @Test
    void only_quick_signatures_are_checked_on_the_loop() {
        String rsa = rs256(null, payload());
        started(trusting().key(JwtKey.of(RSA.getPublic())));
        assertThat(refusal(started(trusting().key(JwtKey.of(RSA.getPublic()))), rsa))
                .isEqualTo("accepted");
        assertThat(refusal(
                        started(trusting().key(JwtKey.secret(SECRET))),
                        hmac("HS256", SECRET, header("HS256", null), payload())))
                .isEqualTo("accepted");
        assertThat(services.offloaded).as("RS256 with 2048 bits, HS256").isZero();

        assertThat(refusal(
                        started(trusting().key(JwtKey.of(Keys.RSA_3072.getPublic()))),
                        sign("RS256", Keys.RSA_3072, header("RS256", null), payload())))
                .isEqualTo("accepted");
        assertThat(services.offloaded).as("RS256 with 3072 bits").isEqualTo(1);

        assertThat(refusal(started(trusting().key(JwtKey.of(RSA.getPublic())).alwaysOffLoop()), rsa))
                .isEqualTo("accepted");
        assertThat(services.offloaded).as("everything").isEqualTo(2);
    }

    @Test
    void identical_tokens_that_arrive_together_are_checked_once() {
        JwtAuth filter = started(trusting().key(JwtKey.of(P256.getPublic())));
        String token = sign("ES256", P256, header("ES256", null), payload());
        services.holdWork();

        List<CompletableFuture<Response>> answers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            answers.add(filter.apply(bearing(token), chain).toCompletableFuture());
        }
        assertThat(answers).noneMatch(CompletableFuture::isDone);
        services.work();

        assertThat(answers)
                .allSatisfy(answer -> assertThat(answer.join().status()).isEqualTo(200));
        assertThat(services.offloaded).isEqualTo(1);
        assertThat(chain.proceeded()).hasSize(100);
    }

    @Test
    void when_the_workers_are_full_the_exchange_fails_as_overloaded_and_the_next_one_may_try_again() {
        JwtAuth filter = trusting().key(JwtKey.of(P256.getPublic())).build();
        String token = sign("ES256", P256, header("ES256", null), payload());
        int[] calls = new int[1];
        JwtOptions options = JwtOptionsTest.options(trusting().key(JwtKey.of(P256.getPublic())));
        TokenVerifier verifier = new TokenVerifier(options, new FixedKeys(options.keys()), null);
        TokenVerifier.Workers full = work -> {
            calls[0]++;
            throw new GatewayException(Failure.OVERLOADED, "full");
        };

        for (int i = 0; i < 2; i++) {
            CompletableFuture<Verdict> verdict = verifier.verify(token, services.time.now(), full);
            assertThatThrownBy(verdict::join)
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(GatewayException.class);
        }
        assertThat(calls[0]).isEqualTo(2);
        assertThat(ask(filter, bearing(token)).status())
                .as("unstarted, on the exchange's workers")
                .isEqualTo(200);
    }

    @Test
    void the_cache_is_bounded() {
        TokenCache cache = new TokenCache(100, services.time);
        JwtOptions options = JwtOptionsTest.options(trusting().key(JwtKey.secret(SECRET)));
        TokenVerifier verifier = new TokenVerifier(options, new FixedKeys(options.keys()), cache);

        for (int i = 0; i < 5_000; i++) {
            String token = hmac("HS256", SECRET, header("HS256", null), payload("jti", "t" + i));
            assertThat(verifier.verify(token, services.time.now(), services::offload)
                            .join())
                    .isInstanceOf(Verdict.Accepted.class);
        }

        assertThat(cache.size()).isBetween(1L, 100L);
        services.time.advance(Duration.ofSeconds(700));
        assertThat(cache.size()).as("all expired").isZero();
    }

    @Test
    void tokens_that_are_valid_for_centuries_are_remembered_too() {
        JwtAuth filter = started(trusting().key(JwtKey.of(P256.getPublic())));
        String token = sign("ES256", P256, header("ES256", null), payload("exp", 253_402_300_799L));

        assertThat(refusal(filter, token)).isEqualTo("accepted");
        services.time.advance(Duration.ofDays(30));
        assertThat(refusal(filter, token)).isEqualTo("accepted");

        assertThat(services.offloaded).isEqualTo(1);
    }

    @Test
    void keys_from_the_builder_work_before_the_start_and_after_the_stop() {
        JwtAuth filter = trustingRsa().build();
        String token = rs256("rsa", payload());

        assertThat(refusal(filter, token)).isEqualTo("accepted");
        filter.start(services).toCompletableFuture().join();
        assertThat(refusal(filter, token)).isEqualTo("accepted");
        filter.stop();
        assertThat(refusal(filter, token)).isEqualTo("accepted");
        filter.stop();
    }

    @Test
    void a_filter_with_wrong_options_neither_starts_nor_lets_anybody_pass() {
        JwtAuth filter = JwtAuth.builder().key(JwtKey.of(RSA.getPublic())).build();

        assertThatThrownBy(() -> filter.start(services).toCompletableFuture().join())
                .hasRootCauseInstanceOf(IllegalStateException.class)
                .hasMessageContaining("issuer is missing")
                .hasMessageContaining("audience is missing");
        assertThatThrownBy(() -> ask(filter, bearing(rs256(null, payload()))))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("JwtAuth is not started");
        assertThat(chain.proceeded()).isEmpty();
    }

    @Test
    void neither_logs_nor_texts_show_a_token_or_a_secret() {
        JwtAuth filter =
                started(trusting().key(JwtKey.secret(SECRET).withId("s")).scopes("a"));
        String bad = hmac("HS256", "x".repeat(32).getBytes(), header("HS256", "s"), payload());
        try (LogWatch log = LogWatch.of(JwtAuth.class)) {
            Response response = ask(filter, bearing(bad));

            assertThat(log.lines).hasSize(1).first().asString().contains("FINE").contains("signature");
            String everything = log.lines
                    + filter.toString()
                    + JwtKey.secret(SECRET)
                    + body(response)
                    + response.headers()
                    + exchange.get(JwtAuth.REJECTION)
                    + filter.problems();
            assertThat(everything)
                    .doesNotContain(bad)
                    .doesNotContain(bad.split("\\.")[2])
                    .doesNotContain("secret of 64");
        }
    }
}
