package dev.postern.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import dev.postern.testing.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;

class ApiKeyAuthTest {
    private static final String KEY = "pk_0123456789abcdef0123456789abcdef";
    private static final String OTHER = "pk_fedcba9876543210fedcba9876543210";
    private static final ApiKey TEAM =
            ApiKey.of("orders-team").scopes("orders:read").attribute("plan", "gold");

    private final ManualTime time = ManualTime.create();
    private FakeExchange exchange = new FakeExchange(time);
    private FakeChain chain = FakeChain.answering(Response.of(200)).within(exchange);

    private static ApiKeyAuth.Builder knowing() {
        return ApiKeyAuth.builder().key(KEY, TEAM);
    }

    private static Request with(String key) {
        return Request.get("/orders").withHeader("X-API-Key", key);
    }

    private Response ask(ApiKeyAuth filter, Request request) {
        renew();
        return chain.run(filter, request);
    }

    private CompletableFuture<Response> begin(ApiKeyAuth filter, Request request) {
        renew();
        return filter.apply(request, chain).toCompletableFuture();
    }

    private void renew() {
        exchange = new FakeExchange(time);
        chain = FakeChain.answering(Response.of(200)).within(exchange);
    }

    private static String body(Response response) {
        return response.body().buffer(10_000).toCompletableFuture().join().text();
    }

    @Test
    void a_known_key_passes_and_its_owner_becomes_the_principal() {
        Response response = ask(knowing().build(), with(KEY));

        assertThat(response.status()).isEqualTo(200);
        assertThat(exchange.principal())
                .isEqualTo(new Principal("orders-team", "api-key", TEAM.scopes(), Map.of("plan", "gold")));
        assertThat(exchange.get(ApiKeyAuth.REJECTION)).isNull();
    }

    @Test
    void who_was_authenticated_before_is_no_key_and_is_replaced_by_the_owner_of_one() {
        renew();
        exchange.authenticate(new Principal("ann", "jwt", Set.of("orders:read"), Map.of()));
        assertThat(chain.run(knowing().build(), Request.get("/orders")).status())
                .isEqualTo(401);
        assertThat(exchange.principal().name()).isEqualTo("ann");

        // The scopes of the other do not help either.
        ApiKeyAuth scoped = ApiKeyAuth.builder()
                .key(KEY, ApiKey.of("team"))
                .scopes("orders:read")
                .build();
        assertThat(chain.run(scoped, with(KEY)).status()).isEqualTo(403);

        assertThat(chain.run(knowing().build(), with(KEY)).status()).isEqualTo(200);
        assertThat(exchange.principal().name()).isEqualTo("orders-team");
    }

    @Test
    void proceeds_without_the_key_header_unless_the_key_is_to_be_forwarded() {
        ask(knowing().build(), with(KEY));
        assertThat(chain.proceeded().get(0).headers().contains("x-api-key")).isFalse();

        ask(knowing().forwardKey().build(), with(KEY));
        assertThat(chain.proceeded().get(0).header("X-API-Key")).isEqualTo(KEY);
    }

    @Test
    void a_key_may_be_given_as_its_digest() {
        ApiKeyAuth filter = ApiKeyAuth.builder()
                .digest(Sha256.of(KEY).hex(), TEAM)
                .digest(Sha256.of(OTHER).hex().toUpperCase(), ApiKey.of("other"))
                .build();

        assertThat(filter.problems()).isEmpty();
        assertThat(ask(filter, with(KEY)).status()).isEqualTo(200);
        assertThat(ask(filter, with(OTHER)).status()).isEqualTo(200);
        assertThat(exchange.principal().name()).isEqualTo("other");
        assertThat(ask(filter, with(Sha256.of(KEY).hex())).status())
                .as("the digest is no key")
                .isEqualTo(401);
    }

    @Test
    void every_refusal_is_the_same_answer() {
        ApiKeyAuth filter = knowing().realm("orders").build();
        Request twice = with(KEY).withHeaders(with(KEY).headers().adding("x-api-key", KEY));
        Map<String, Request> requests = Map.of(
                "missing", Request.get("/"),
                "unknown", with(OTHER),
                "malformed", with("é"),
                "duplicate", twice);

        List<String> answers = new ArrayList<>();
        requests.forEach((reason, request) -> {
            Response response = ask(filter, request);
            answers.add(response.status() + " " + response.headers() + body(response));
            assertThat(exchange.get(ApiKeyAuth.REJECTION)).isEqualTo(reason);
            assertThat(exchange.principal()).isNull();
            assertThat(chain.proceeded()).isEmpty();
        });

        assertThat(answers.stream().distinct().toList())
                .singleElement()
                .asString()
                .startsWith("401")
                .contains("WWW-Authenticate: ApiKey realm=\"orders\"")
                .contains("application/problem+json")
                .contains("\"code\":\"api_key_invalid\"");
    }

    @Test
    void keys_that_are_no_keys_are_refused() {
        ApiKeyAuth filter = knowing().build();
        for (String key : List.of(
                "",
                KEY + ',' + KEY,
                KEY + " x",
                KEY.substring(1),
                KEY + 'x',
                KEY.toUpperCase(),
                "x".repeat(513),
                "x".repeat(100_000),
                "a\tb")) {
            assertThat(ask(filter, with(key)).status()).as(Text.shown(key)).isEqualTo(401);
        }
    }

    @Test
    void a_missing_scope_is_403() {
        ApiKeyAuth filter = knowing().scopes("orders:read", "orders:write").build();

        Response response = ask(filter, with(KEY));

        assertThat(response.status()).isEqualTo(403);
        assertThat(body(response)).contains("\"code\":\"insufficient_scope\"");
        assertThat(exchange.get(ApiKeyAuth.REJECTION)).isEqualTo("scope");
        assertThat(chain.proceeded()).isEmpty();
        assertThat(ask(knowing().scopes("orders:read").build(), with(KEY)).status())
                .isEqualTo(200);
    }

    @Test
    void the_header_may_be_another() {
        ApiKeyAuth filter = knowing().header("Api-Token").build();

        assertThat(ask(filter, with(KEY)).status()).isEqualTo(401);
        assertThat(ask(filter, Request.get("/").withHeader("api-token", KEY)).status())
                .isEqualTo(200);
        assertThat(chain.proceeded().get(0).headers().isEmpty()).isTrue();
        assertThatThrownBy(() -> knowing().header("a b")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void the_query_is_read_only_when_a_parameter_is_named() {
        Request request = Request.get("/orders?key=" + KEY);

        assertThat(ask(knowing().build(), request).status()).isEqualTo(401);
        assertThat(ask(knowing().queryParameter("key").build(), request).status())
                .isEqualTo(200);
        assertThat(chain.proceeded().get(0).query()).isNull();
        assertThatThrownBy(() -> knowing().queryParameter("")).hasMessageContaining("queryParameter");
    }

    @Test
    void only_the_key_is_taken_out_of_the_query_and_the_rest_stays_byte_for_byte() {
        ApiKeyAuth filter = knowing().queryParameter("key").build();
        Map<String, String> queries = Map.of(
                "a=1&key=" + KEY + "&b=%2F+x&&c", "a=1&b=%2F+x&&c",
                "k%65y=" + KEY + "&a=key", "a=key",
                "a;key=1&key=" + KEY, "a;key=1",
                "key=" + KEY.replace("_", "%5f") + "&", "");

        queries.forEach((query, rest) -> {
            assertThat(ask(filter, Request.get("/o?" + query)).status())
                    .as(query)
                    .isEqualTo(200);
            String left = chain.proceeded().get(0).query();
            assertThat(left == null ? "" : left).as(query).isEqualTo(rest);
        });
        ask(knowing().queryParameter("key").forwardKey().build(), Request.get("/o?key=" + KEY));
        assertThat(chain.proceeded().get(0).query()).isEqualTo("key=" + KEY);
    }

    @Test
    void a_key_in_two_places_is_refused() {
        ApiKeyAuth filter = knowing().queryParameter("key").build();

        assertThat(ask(filter, with(KEY).withQuery("key=" + KEY)).status()).isEqualTo(401);
        assertThat(ask(filter, Request.get("/?key=" + KEY + "&key=" + KEY)).status())
                .isEqualTo(401);
        assertThat(ask(filter, with(KEY).withQuery("other=1")).status()).isEqualTo(200);
        assertThat(chain.proceeded().get(0).query()).isEqualTo("other=1");
    }

    @Test
    void a_lookup_gets_the_digest_and_its_findings_are_remembered_for_a_time() {
        List<String> asked = new ArrayList<>();
        ApiKeyAuth filter = ApiKeyAuth.builder()
                .lookup(sha256 -> {
                    asked.add(sha256);
                    return CompletableFuture.completedFuture(
                            sha256.equals(Sha256.of(KEY).hex()) ? Optional.of(TEAM) : Optional.empty());
                })
                .build();

        assertThat(ask(filter, with(KEY)).status()).isEqualTo(200);
        assertThat(exchange.principal().name()).isEqualTo("orders-team");
        assertThat(ask(filter, with(OTHER)).status()).isEqualTo(401);
        assertThat(asked).containsExactly(Sha256.of(KEY).hex(), Sha256.of(OTHER).hex());

        time.advance(Duration.ofMillis(4_999));
        ask(filter, with(KEY));
        ask(filter, with(OTHER));
        assertThat(asked).hasSize(2);

        time.advance(Duration.ofMillis(1));
        ask(filter, with(OTHER));
        assertThat(asked).as("unknown ones after 5 seconds").hasSize(3);

        time.advance(Duration.ofSeconds(54));
        ask(filter, with(KEY));
        assertThat(asked).hasSize(3);
        time.advance(Duration.ofSeconds(1));
        ask(filter, with(KEY));
        assertThat(asked).as("found ones after 60 seconds").hasSize(4);
        assertThat(time.pending()).as("timers").isZero();
    }

    @Test
    void a_revoked_key_is_refused_when_its_time_is_over() {
        List<ApiKey> table = new ArrayList<>(List.of(TEAM));
        ApiKeyAuth filter = ApiKeyAuth.builder()
                .lookup(sha256 ->
                        CompletableFuture.completedFuture(table.stream().findFirst()))
                .foundFor(Duration.ofSeconds(10))
                .build();
        assertThat(ask(filter, with(KEY)).status()).isEqualTo(200);
        table.clear();

        time.advance(Duration.ofSeconds(9));
        assertThat(ask(filter, with(KEY)).status()).isEqualTo(200);
        time.advance(Duration.ofSeconds(1));
        assertThat(ask(filter, with(KEY)).status()).isEqualTo(401);
    }

    @Test
    void a_slow_lookup_is_asked_once_for_all_who_wait() {
        CompletableFuture<Optional<ApiKey>> slow = new CompletableFuture<>();
        List<String> asked = new ArrayList<>();
        ApiKeyAuth filter = ApiKeyAuth.builder()
                .lookup(sha256 -> {
                    asked.add(sha256);
                    return slow;
                })
                .build();

        List<CompletableFuture<Response>> answers = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            answers.add(begin(filter, with(KEY)));
        }
        assertThat(answers).noneMatch(CompletableFuture::isDone);
        slow.complete(Optional.of(TEAM));

        assertThat(answers)
                .allSatisfy(answer -> assertThat(answer.join().status()).isEqualTo(200));
        assertThat(asked).hasSize(1);
        assertThat(time.pending()).isZero();
    }

    @Test
    void a_lookup_that_fails_is_503_and_told_once() {
        List<CompletionStage<Optional<ApiKey>>> script = new ArrayList<>();
        script.add(CompletableFuture.failedFuture(new IllegalStateException("database is down")));
        script.add(null);
        script.add(CompletableFuture.completedFuture(null));
        script.add(CompletableFuture.completedFuture(Optional.of(TEAM)));
        ApiKeyAuth filter =
                ApiKeyAuth.builder().lookup(sha256 -> script.remove(0)).build();
        try (LogWatch log = LogWatch.of(ApiKeyAuth.class)) {
            for (int i = 0; i < 3; i++) {
                Response response = ask(filter, with(KEY));
                assertThat(response.status()).isEqualTo(503);
                assertThat(response.header("Retry-After")).isEqualTo("1");
                assertThat(body(response)).contains("\"code\":\"api_keys_unavailable\"");
                assertThat(exchange.get(ApiKeyAuth.REJECTION)).isEqualTo("unavailable");
            }
            assertThat(ask(filter, with(KEY)).status()).isEqualTo(200);

            assertThat(log.above(Level.INFO))
                    .satisfiesExactly(
                            down -> assertThat(down).contains("WARNING").contains("database is down"),
                            up -> assertThat(up).contains("INFO").contains("again"));
            assertThat(log.lines).noneMatch(line -> line.contains(KEY));
        }
    }

    @Test
    void a_lookup_that_throws_is_503() {
        ApiKeyAuth filter = ApiKeyAuth.builder()
                .lookup(sha256 -> {
                    throw new IllegalStateException("oops");
                })
                .build();

        assertThat(ask(filter, with(KEY)).status()).isEqualTo(503);
    }

    @Test
    void a_lookup_that_never_answers_is_given_up_and_its_late_answer_is_ignored() {
        CompletableFuture<Optional<ApiKey>> never = new CompletableFuture<>();
        List<CompletableFuture<Optional<ApiKey>>> script =
                new ArrayList<>(List.of(never, CompletableFuture.completedFuture(Optional.empty())));
        ApiKeyAuth filter = ApiKeyAuth.builder()
                .lookup(sha256 -> script.remove(0))
                .lookupTimeout(Duration.ofSeconds(1))
                .build();
        CompletableFuture<Response> answer = begin(filter, with(KEY));

        time.advance(Duration.ofSeconds(1));
        assertThat(answer.join().status()).isEqualTo(503);
        never.complete(Optional.of(TEAM));
        assertThat(ask(filter, with(KEY)).status()).isEqualTo(401);

        CompletableFuture<Optional<ApiKey>> failing = new CompletableFuture<>();
        script.add(failing);
        answer = begin(filter, with(OTHER));
        time.advance(Duration.ofSeconds(1));
        failing.completeExceptionally(new IllegalStateException("late"));
        assertThat(answer.join().status()).isEqualTo(503);
    }

    @Test
    void guessing_neither_floods_the_lookup_nor_fills_the_memory() {
        List<CompletableFuture<Optional<ApiKey>>> open = new ArrayList<>();
        boolean[] holding = {true};
        ApiKeyLookup lookup = sha256 -> {
            CompletableFuture<Optional<ApiKey>> answer = new CompletableFuture<>();
            if (holding[0]) {
                open.add(answer);
            } else {
                answer.complete(sha256.equals(Sha256.of(KEY).hex()) ? Optional.of(TEAM) : Optional.empty());
            }
            return answer;
        };
        ApiKeyDirectory directory =
                new ApiKeyDirectory(lookup, Duration.ofHours(1), Duration.ofHours(1), Duration.ofSeconds(1));
        List<CompletableFuture<ApiKeyDirectory.Answer>> answers = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            answers.add(directory.find(Sha256.of("guess" + i), time));
        }
        assertThat(open).hasSize(ApiKeyDirectory.MAX_RUNNING);
        assertThat(answers.stream().filter(CompletableFuture::isDone)).hasSize(1000 - ApiKeyDirectory.MAX_RUNNING);
        open.forEach(answer -> answer.complete(Optional.empty()));

        holding[0] = false;
        directory.find(Sha256.of(KEY), time);
        for (int i = 0; i < 30_000; i++) {
            directory.find(Sha256.of("more" + i), time);
        }
        assertThat(directory.remembered()).isBetween(1L, (long) ApiKeyDirectory.MAX_REMEMBERED);
        holding[0] = true;
        assertThat(directory.find(Sha256.of(KEY), time))
                .as("still remembered")
                .isCompletedWithValue(ApiKeyDirectory.Answer.found(TEAM));
    }

    @Test
    void keys_given_here_are_found_before_the_lookup_is_asked() {
        ApiKeyAuth filter = knowing()
                .lookup(sha256 -> CompletableFuture.failedFuture(new AssertionError("asked")))
                .build();

        assertThat(ask(filter, with(KEY)).status()).isEqualTo(200);
    }

    @Test
    void problems_name_the_owner_never_the_key() {
        assertThat(ApiKeyAuth.builder().build().problems())
                .singleElement()
                .asString()
                .contains("keys are missing")
                .contains("builder.lookup");
        assertThat(ApiKeyAuth.builder().key("short-secret", TEAM).build().problems())
                .singleElement()
                .asString()
                .contains("a key of orders-team is unfit, 12 characters")
                .doesNotContain("short-secret");
        assertThat(ApiKeyAuth.builder()
                        .key("with a blank inside it", TEAM)
                        .build()
                        .problems())
                .hasSize(1);
        assertThat(knowing().key(KEY, ApiKey.of("b")).build().problems())
                .singleElement()
                .asString()
                .contains("one key is given for orders-team and for b")
                .doesNotContain(KEY);
        assertThat(knowing().key(KEY, TEAM).build().problems()).isEmpty();
        assertThatThrownBy(() -> knowing().digest(KEY, TEAM)).hasMessageNotContaining(KEY);
    }

    @Test
    void values_out_of_range_are_refused_at_once() {
        assertThatThrownBy(() -> knowing().foundFor(Duration.ofHours(2)))
                .hasMessage("foundFor: PT2H (expected: PT0S to PT1H)");
        assertThatThrownBy(() -> knowing().unknownFor(Duration.ofSeconds(-1))).hasMessageContaining("unknownFor");
        assertThatThrownBy(() -> knowing().lookupTimeout(Duration.ZERO)).hasMessageContaining("lookupTimeout");
        assertThatThrownBy(() -> ApiKey.of(" ")).hasMessageContaining("owner");
        assertThatThrownBy(() -> TEAM.scopes("a b")).hasMessageContaining("scope");
    }

    @Test
    void filters_are_equal_when_every_option_is() {
        ApiKeyLookup lookup = sha256 -> CompletableFuture.completedFuture(Optional.empty());
        List<UnaryOperator<ApiKeyAuth.Builder>> changes = List.of(
                builder -> builder,
                builder -> builder.key(OTHER, TEAM),
                builder -> builder.key(OTHER, ApiKey.of("b")),
                builder -> builder.lookup(lookup),
                builder -> builder.foundFor(Duration.ofSeconds(1)),
                builder -> builder.unknownFor(Duration.ofSeconds(1)),
                builder -> builder.lookupTimeout(Duration.ofSeconds(1)),
                builder -> builder.header("X-Other"),
                builder -> builder.queryParameter("key"),
                builder -> builder.scopes("a"),
                builder -> builder.forwardKey(),
                builder -> builder.realm("other"));

        for (int i = 0; i < changes.size(); i++) {
            for (int j = 0; j < changes.size(); j++) {
                ApiKeyAuth one = changes.get(i).apply(knowing()).build();
                ApiKeyAuth other = changes.get(j).apply(knowing()).build();
                assertThat(one.equals(other)).as(i + " and " + j).isEqualTo(i == j);
                if (i == j) {
                    assertThat(one).hasSameHashCodeAs(other);
                }
            }
        }
        assertThat(knowing().build()).isNotEqualTo("x").hasToString("ApiKeyAuth[X-API-Key]");
        assertThat(TEAM)
                .isEqualTo(ApiKey.of("orders-team").attribute("plan", "gold").scopes("orders:read"))
                .hasSameHashCodeAs(
                        ApiKey.of("orders-team").attribute("plan", "gold").scopes("orders:read"))
                .isNotEqualTo(ApiKey.of("orders-team"))
                .isNotEqualTo(TEAM.attribute("plan", "silver"))
                .isNotEqualTo("x")
                .hasToString("ApiKey[orders-team]");
    }

    @Test
    void neither_texts_nor_logs_show_a_key_or_its_digest() {
        ApiKeyAuth filter = knowing().build();
        try (LogWatch log = LogWatch.of(ApiKeyAuth.class)) {
            Response refused = ask(filter, with(OTHER));
            ask(filter, with(KEY));

            String everything =
                    log.lines + filter.toString() + body(refused) + refused.headers() + exchange.principal() + TEAM;
            assertThat(everything)
                    .doesNotContain(KEY)
                    .doesNotContain(OTHER)
                    .doesNotContain(Sha256.of(KEY).hex())
                    .doesNotContain(Sha256.of(OTHER).hex());
        }
    }
}
