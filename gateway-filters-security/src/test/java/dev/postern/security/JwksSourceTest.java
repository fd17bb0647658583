package dev.postern.security;

import static dev.postern.security.Keys.AUDIENCE;
import static dev.postern.security.Keys.ISSUER;
import static dev.postern.security.Keys.NOW;
import static dev.postern.security.Keys.P256;
import static dev.postern.security.Keys.RSA;
import static dev.postern.security.Keys.RSA_OTHER;
import static dev.postern.security.Keys.header;
import static dev.postern.security.Keys.jwk;
import static dev.postern.security.Keys.payload;
import static dev.postern.security.Keys.set;
import static dev.postern.security.Keys.sign;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Body;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Keys from a URL, seen through the filter: what requests get while issuers rotate, fail and come back. */
class JwksSourceTest {
    private static final String URL = "https://issuer.example:8443/keys/jwks.json?v=1";
    private static final String FIRST = set(jwk(RSA, "one", "use", "sig"));
    private static final String BOTH = set(jwk(RSA, "one"), jwk(RSA_OTHER, "two"));
    private static final String SECOND = set(jwk(RSA_OTHER, "two"));
    private static final String LONG = payload("exp", NOW + 40L * 86_400);
    private static final String BY_ONE = sign("RS256", RSA, header("RS256", "one"), LONG);
    private static final String BY_TWO = sign("RS256", RSA_OTHER, header("RS256", "two"), LONG);

    private final ScriptedServices services = new ScriptedServices();
    private final LogWatch log = LogWatch.of(JwtAuth.class);
    private FakeChain chain = FakeChain.answering(Response.of(200));

    @AfterEach
    void nothing_is_left_behind() {
        log.close();
        assertThat(services.time.pending()).as("timers").isZero();
    }

    private static JwtAuth.Builder trusting() {
        return JwtAuth.builder().issuer(ISSUER).audience(AUDIENCE).jwks(URL);
    }

    private JwtAuth started() {
        return started(trusting());
    }

    private JwtAuth started(JwtAuth.Builder builder) {
        JwtAuth filter = builder.build();
        filter.start(services).toCompletableFuture().join();
        return filter;
    }

    private CompletableFuture<Response> ask(JwtAuth filter, String token) {
        chain = chain.within(new FakeExchange(services.time));
        return filter.apply(Request.get("/").withHeader("Authorization", "Bearer " + token), chain)
                .toCompletableFuture();
    }

    private int status(JwtAuth filter, String token) {
        CompletableFuture<Response> answer = ask(filter, token);
        if (!answer.isDone()) {
            throw new AssertionError("not answered at once");
        }
        return answer.join().status();
    }

    private void later(Duration time) {
        services.time.advance(time);
    }

    private List<String> news() {
        return log.above(Level.INFO);
    }

    @Test
    void the_key_set_is_fetched_at_the_start_from_where_it_was_said_to_be() {
        services.publishing(FIRST);
        JwtAuth filter = started();

        assertThat(services.endpoints).singleElement().hasToString("https://issuer.example:8443");
        assertThat(services.sent.get(0).target()).isEqualTo("/keys/jwks.json?v=1");
        assertThat(services.sent.get(0).method()).isEqualTo("GET");
        assertThat(services.sent.get(0).header("Accept")).contains("json");
        assertThat(status(filter, BY_ONE)).isEqualTo(200);
        assertThat(status(filter, BY_TWO)).isEqualTo(401);
        assertThat(services.fetches()).isEqualTo(1);
        assertThat(news()).isEmpty();
    }

    @Test
    void a_used_set_is_renewed_beside_the_requests_half_a_minute_before_its_end() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        CompletableFuture<Response> slow = services.slow();

        later(Duration.ofSeconds(269));
        assertThat(status(filter, BY_ONE)).isEqualTo(200);
        assertThat(services.fetches()).as("before 4:30").isEqualTo(1);

        later(Duration.ofSeconds(1));
        assertThat(status(filter, BY_ONE)).as("nobody waits").isEqualTo(200);
        assertThat(status(filter, BY_ONE)).isEqualTo(200);
        assertThat(services.fetches()).as("one fetch for all").isEqualTo(2);

        slow.complete(Response.json(200, BOTH));
        assertThat(status(filter, BY_TWO)).isEqualTo(200);
        assertThat(news()).singleElement().asString().contains("gone [], new [rsa key \"two\"]");
    }

    @Test
    void a_set_that_nobody_uses_is_not_fetched_and_its_next_user_waits_for_a_new_one() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        later(Duration.ofHours(10));
        assertThat(services.fetches()).isEqualTo(1);

        CompletableFuture<Response> slow = services.slow();
        CompletableFuture<Response> answer = ask(filter, BY_ONE);
        assertThat(answer).isNotDone();
        slow.complete(Response.json(200, SECOND));

        assertThat(answer.join().status()).as("revoked meanwhile").isEqualTo(401);
    }

    @Test
    void a_key_that_a_fetch_no_longer_brings_is_revoked_at_once_for_remembered_tokens_too() {
        services.publishing(BOTH);
        JwtAuth filter = started();
        assertThat(status(filter, BY_ONE)).isEqualTo(200);
        assertThat(status(filter, BY_TWO)).isEqualTo(200);

        services.publishing(SECOND);
        later(Duration.ofSeconds(270));
        assertThat(status(filter, BY_TWO)).isEqualTo(200);

        assertThat(status(filter, BY_ONE)).isEqualTo(401);
        assertThat(status(filter, BY_TWO)).isEqualTo(200);
        assertThat(news()).singleElement().asString().contains("gone [rsa key \"one\"], new []");
    }

    @Test
    void a_key_exchanged_under_its_id_revokes_what_the_old_one_signed() {
        services.publishing(set(jwk(RSA, "k")));
        JwtAuth filter = started();
        String old = sign("RS256", RSA, header("RS256", "k"), LONG);
        String fresh = sign("RS256", RSA_OTHER, header("RS256", "k"), LONG);
        assertThat(status(filter, old)).isEqualTo(200);

        services.publishing(set(jwk(RSA_OTHER, "k")));
        later(Duration.ofSeconds(270));
        status(filter, old);

        assertThat(status(filter, old)).isEqualTo(401);
        assertThat(status(filter, fresh)).isEqualTo(200);
    }

    @Test
    void an_empty_set_revokes_everything() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        assertThat(status(filter, BY_ONE)).isEqualTo(200);

        services.publishing("{\"keys\":[]}");
        later(Duration.ofSeconds(270));
        status(filter, BY_ONE);

        assertThat(status(filter, BY_ONE)).isEqualTo(401);
        assertThat(news())
                .anySatisfy(line -> assertThat(line).contains("WARNING").contains("no key that can be used"));
    }

    @Test
    void an_unknown_key_is_fetched_for_and_its_token_waits() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        later(Duration.ofSeconds(31));
        CompletableFuture<Response> slow = services.slow();

        CompletableFuture<Response> first = ask(filter, BY_TWO);
        CompletableFuture<Response> second = ask(filter, BY_TWO);
        assertThat(first).isNotDone();
        assertThat(status(filter, BY_ONE)).as("others do not wait").isEqualTo(200);
        slow.complete(Response.json(200, BOTH));

        assertThat(first.join().status()).isEqualTo(200);
        assertThat(second.join().status()).isEqualTo(200);
        assertThat(services.fetches()).isEqualTo(2);
        assertThat(services.offloaded)
                .as("reading the set twice; a waiting token is not checked on the thread that brought it")
                .isGreaterThan(2);
    }

    @Test
    void within_half_a_minute_of_a_fetch_an_unknown_key_is_refused_without_another() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        services.publishing(BOTH);

        later(Duration.ofSeconds(29));
        assertThat(status(filter, BY_TWO)).isEqualTo(401);
        assertThat(services.fetches()).isEqualTo(1);
        later(Duration.ofSeconds(1));
        assertThat(status(filter, BY_TWO)).isEqualTo(200);
        assertThat(services.fetches()).isEqualTo(2);
    }

    @Test
    void a_key_that_a_fetch_did_not_find_is_not_fetched_for_again_for_a_minute() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        later(Duration.ofSeconds(30));
        assertThat(status(filter, BY_TWO)).isEqualTo(401);
        assertThat(services.fetches()).isEqualTo(2);

        later(Duration.ofSeconds(59));
        assertThat(status(filter, BY_TWO)).isEqualTo(401);
        assertThat(services.fetches()).isEqualTo(2);
        later(Duration.ofSeconds(1));
        assertThat(status(filter, BY_TWO)).isEqualTo(401);
        assertThat(services.fetches()).isEqualTo(3);
    }

    @Test
    void a_flood_of_unknown_keys_causes_two_fetches_a_minute_and_good_tokens_pass_through_it() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        String claims = Keys.base64(payload());
        int minutes = 5;
        int perMinute = 20_000;

        for (int i = 0; i < minutes * perMinute; i++) {
            String random = Keys.base64(header("RS256", "k" + i)) + '.' + claims + ".AAAA";
            int status = status(filter, random);
            if (status != 401) {
                assertThat(status).as(random).isEqualTo(401);
            }
            if (i % 1000 == 0) {
                assertThat(status(filter, BY_ONE)).isEqualTo(200);
            }
            later(Duration.ofMinutes(1).dividedBy(perMinute));
        }

        assertThat(services.fetches()).isBetween(minutes, 1 + 2 * minutes);
    }

    @Test
    void the_memory_of_unknown_keys_is_bounded() {
        UnknownKids kids = new UnknownKids(services.time);
        for (int i = 0; i < 100_000; i++) {
            kids.add("k" + i);
        }

        assertThat(kids.size()).isBetween(1L, 1024L);
        later(Duration.ofSeconds(61));
        // Caffeine drops a thousand at a time.
        kids.size();
        assertThat(kids.size()).isZero();
    }

    @Test
    void those_who_wait_for_a_slow_issuer_are_bounded_and_the_others_are_answered_at_once() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        later(Duration.ofSeconds(31));
        CompletableFuture<Response> slow = services.slow();

        String unknown = sign("RS256", RSA, header("RS256", "unknown"), payload());
        List<CompletableFuture<Response>> answers = new ArrayList<>();
        for (int i = 0; i < JwksSource.MAX_WAITING + 100; i++) {
            answers.add(ask(filter, unknown));
        }

        assertThat(answers.stream().filter(CompletableFuture::isDone)).hasSize(100);
        slow.complete(Response.json(200, FIRST));
        assertThat(answers)
                .allSatisfy(answer -> assertThat(answer.join().status()).isEqualTo(401));
        assertThat(services.fetches()).isEqualTo(2);
    }

    @Test
    void while_no_key_set_was_ever_fetched_requests_are_503_and_the_start_succeeds() {
        services.down();
        JwtAuth filter = started();

        Response response = ask(filter, BY_ONE).join();
        assertThat(response.status()).isEqualTo(503);
        assertThat(response.header("Retry-After")).isEqualTo("1");
        assertThat(response.header("WWW-Authenticate")).isNull();
        assertThat(response.body().buffer(1000).toCompletableFuture().join().text())
                .contains("\"code\":\"keys_unavailable\"");
        assertThat(((FakeExchange) chain.exchange()).get(JwtAuth.REJECTION)).isEqualTo("keys_unavailable");
        assertThat(status(filter, "x.y.z")).as("what no key can make good").isEqualTo(401);
        assertThat(news())
                .singleElement()
                .asString()
                .contains("WARNING")
                .contains("https://issuer.example:8443/keys/jwks.json cannot be fetched")
                .contains("connection refused");
    }

    @Test
    void a_first_fetch_that_failed_is_tried_again_after_one_two_four_seconds_up_to_thirty() {
        services.down();
        JwtAuth filter = started();

        List<Integer> fetchedAt = new ArrayList<>();
        for (int second = 1; second <= 150; second++) {
            later(Duration.ofSeconds(1));
            int before = services.fetches();
            assertThat(status(filter, BY_ONE)).isEqualTo(503);
            if (services.fetches() > before) {
                fetchedAt.add(second);
            }
        }
        assertThat(fetchedAt).containsExactly(1, 3, 7, 15, 31, 61, 91, 121);

        services.publishing(FIRST);
        later(Duration.ofSeconds(1));
        assertThat(status(filter, BY_ONE)).as("30 seconds after the last").isEqualTo(200);
        assertThat(news()).hasSize(2).last().asString().contains("INFO").contains("can be fetched again");
    }

    @Test
    void during_an_outage_known_keys_are_accepted_for_24_hours_then_503() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        services.down();
        int minutes = 0;

        for (; minutes < 24 * 60; minutes++) {
            assertThat(status(filter, BY_ONE)).as("minute " + minutes).isEqualTo(200);
            later(Duration.ofMinutes(1));
        }

        assertThat(services.fetches()).as("two a minute at most").isBetween(100, 2 * minutes);
        assertThat(status(filter, BY_ONE)).isEqualTo(503);
        assertThat(status(filter, BY_ONE)).isEqualTo(503);
        assertThat(news())
                .satisfiesExactly(
                        down -> assertThat(down).contains("WARNING").contains("the keys fetched before stay in use"),
                        gone -> assertThat(gone).contains("WARNING").contains("too old to be used"));

        services.publishing(FIRST);
        later(Duration.ofSeconds(30));
        assertThat(status(filter, BY_ONE)).isEqualTo(200);
        assertThat(news()).hasSize(3).last().asString().contains("can be fetched again");
    }

    @Test
    void a_filter_may_allow_less_staleness_but_never_less_than_the_lifetime() {
        services.publishing(FIRST);
        JwtAuth filter = started(trusting().maxStale(Duration.ZERO));
        services.down();

        later(Duration.ofSeconds(299));
        assertThat(status(filter, BY_ONE)).isEqualTo(200);
        later(Duration.ofSeconds(1));
        assertThat(status(filter, BY_ONE)).isEqualTo(503);
    }

    @Test
    void when_the_issuer_hangs_only_the_first_users_of_an_ended_set_wait_for_it() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        later(Duration.ofSeconds(300));
        services.slow();

        CompletableFuture<Response> first = ask(filter, BY_ONE);
        assertThat(first).isNotDone();
        later(Duration.ofSeconds(10));
        assertThat(first).as("given up").isDone();
        assertThat(first.join().status()).isEqualTo(200);

        later(Duration.ofSeconds(30));
        assertThat(status(filter, BY_ONE)).as("known to be down").isEqualTo(200);
        assertThat(services.fetches()).isEqualTo(3);
        later(Duration.ofSeconds(10));
    }

    @Test
    void an_answer_that_comes_after_it_was_given_up_changes_nothing() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        later(Duration.ofSeconds(300));
        CompletableFuture<Response> late = services.slow();
        ask(filter, BY_ONE);
        later(Duration.ofSeconds(11));

        late.complete(Response.json(200, SECOND));

        assertThat(status(filter, BY_ONE)).isEqualTo(200);
        assertThat(news()).singleElement().asString().contains("TimeoutException");
    }

    @Test
    void garbage_in_the_place_of_a_key_set_leaves_the_old_one_in_use() {
        services.publishing(FIRST);
        JwtAuth filter = started();
        List<Response> garbage = List.of(
                Response.json(200, "<html>"),
                Response.json(200, ""),
                Response.json(200, "[]"),
                Response.json(200, "{}"),
                Response.json(200, "{\"keys\":{}}"),
                Response.json(200, "{\"keys\":[1]}"),
                Response.json(200, "{\"keys\":[],\"keys\":[]}"),
                Response.json(200, "{\"keys\":[]} x"),
                Response.json(200, "{\"keys\":" + "[".repeat(10_000)),
                Response.json(404, FIRST),
                Response.json(500, FIRST),
                Response.of(302).withHeader("Location", "https://evil.example/"),
                Response.of(204),
                ScriptedServices.of(new byte[] {(byte) 0xff, (byte) 0xfe}),
                Response.json(200, "{\"keys\":[\"" + "x".repeat(300_000) + "\"]}"));

        for (Response answer : garbage) {
            services.answering(answer);
            later(Duration.ofMinutes(6));
            assertThat(status(filter, BY_ONE)).as(answer.toString()).isEqualTo(200);
        }

        assertThat(services.fetches()).isEqualTo(1 + garbage.size());
        assertThat(news()).as("told once").hasSize(1);
    }

    @Test
    void a_client_that_throws_is_a_fetch_that_failed() {
        services.issuer(() -> {
            throw new IllegalStateException("no route to host");
        });
        JwtAuth filter = started();

        assertThat(status(filter, BY_ONE)).isEqualTo(503);
        assertThat(news()).singleElement().asString().contains("no route to host");
    }

    @Test
    void a_callback_may_ask_again_while_the_fetch_ends() {
        services.down();
        JwtAuth filter = started();
        later(Duration.ofSeconds(1));
        CompletableFuture<Response> slow = services.slow();
        List<Integer> statuses = new ArrayList<>();
        ask(filter, BY_ONE).thenAccept(first -> {
            statuses.add(first.status());
            statuses.add(status(filter, BY_TWO));
            statuses.add(status(filter, BY_ONE));
        });

        slow.complete(Response.json(200, FIRST));

        assertThat(statuses).containsExactly(200, 401, 200);
        assertThat(services.fetches()).isEqualTo(2);
    }

    @Test
    void filters_of_one_url_share_the_keys_and_the_keys_survive_a_config_swap() {
        services.publishing(FIRST);
        JwtAuth before = started();
        JwtAuth other = started(trusting().scopes("admin"));
        assertThat(services.fetches()).isEqualTo(1);

        before.stop();
        services.down();
        JwtAuth after = started(trusting().removeToken());

        assertThat(status(after, BY_ONE)).isEqualTo(200);
        assertThat(status(other, BY_ONE)).isEqualTo(403);
        assertThat(services.fetches()).isEqualTo(1);
        assertThat(services.states).hasSize(1).containsOnlyKeys(after.state().get(0));
    }

    @Test
    void another_url_is_another_state() {
        services.publishing(FIRST);
        started();
        started(trusting().jwks("https://issuer.example/other"));

        assertThat(services.states).hasSize(2);
        assertThat(services.fetches()).isEqualTo(2);
    }

    @Test
    void a_plan_that_names_the_state_does_not_show_the_query_of_the_url() {
        String first = trusting()
                .jwks("https://issuer.example/keys?code=s3cret")
                .build()
                .state()
                .get(0)
                .toString();
        String second = trusting()
                .jwks("https://issuer.example/keys?code=other")
                .build()
                .state()
                .get(0)
                .toString();

        assertThat(first)
                .contains("https://issuer.example/keys?")
                .doesNotContain("s3cret")
                .isNotEqualTo(second);
        assertThat(trusting()
                        .jwks("https://issuer.example/keys")
                        .build()
                        .state()
                        .get(0)
                        .name())
                .isEqualTo("https://issuer.example/keys");
    }

    @Test
    void with_keys_of_one_issuer_no_token_of_another_is_good() {
        services.publishing(FIRST);
        JwtAuth mine = started();
        services.publishing(SECOND);
        JwtAuth theirs = started(JwtAuth.builder()
                .issuer("https://other.example")
                .audience(AUDIENCE)
                .jwks("https://other.example/jwks"));
        String theirToken = sign("RS256", RSA_OTHER, header("RS256", "two"), payload("iss", "https://other.example"));
        String forged = sign("RS256", RSA_OTHER, header("RS256", "two"), payload());

        assertThat(status(mine, BY_ONE)).isEqualTo(200);
        assertThat(status(mine, theirToken)).isEqualTo(401);
        assertThat(status(mine, forged)).isEqualTo(401);
        assertThat(status(theirs, theirToken)).isEqualTo(200);
        assertThat(status(theirs, BY_ONE)).isEqualTo(401);
        assertThat(status(theirs, forged)).isEqualTo(401);
    }

    @Test
    void a_slow_first_fetch_lets_tokens_wait_and_checks_them_when_it_is_there() {
        CompletableFuture<Response> slow = services.slow();
        JwtAuth filter = trusting().build();
        CompletableFuture<Void> start = filter.start(services).toCompletableFuture();
        assertThat(start).isNotDone();
        CompletableFuture<Response> answer = ask(filter, BY_ONE);
        assertThat(answer).isNotDone();

        slow.complete(Response.json(200, FIRST));

        assertThat(start).isCompleted();
        assertThat(answer.join().status()).isEqualTo(200);
    }

    @Test
    void curves_and_edwards_keys_come_from_urls_too() {
        services.publishing(set(jwk(P256, "p"), jwk(Keys.ED25519, "e"), jwk(Keys.P384, "q", "alg", "ES384")));
        JwtAuth filter = started();

        assertThat(status(filter, sign("ES256", P256, header("ES256", "p"), LONG)))
                .isEqualTo(200);
        assertThat(status(filter, sign("EdDSA", Keys.ED25519, header("EdDSA", "e"), LONG)))
                .isEqualTo(200);
        assertThat(status(filter, sign("ES384", Keys.P384, header("ES384", "q"), LONG)))
                .isEqualTo(200);
    }

    @Test
    void reading_the_set_is_left_to_the_workers() {
        services.answering(Response.of(200).withBody(Body.of(FIRST.getBytes(StandardCharsets.UTF_8))));
        started();

        assertThat(services.offloaded).isEqualTo(1);
    }
}
