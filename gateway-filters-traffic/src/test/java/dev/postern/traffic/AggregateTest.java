package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.testing.FakeBody;
import dev.postern.testing.FakeExchange;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AggregateTest {
    private static final Request GET = Request.get("/profile/7");

    private final FakeExchange fake = new FakeExchange().pathVariable("id", "7");
    private final WatchedExchange exchange = new WatchedExchange(fake);
    // By upstream; answered by hand.
    private final Map<String, CompletableFuture<Response>> pending = new LinkedHashMap<>();

    @AfterEach
    void no_timer_is_left() {
        assertThat(fake.manualTime().pending()).isZero();
    }

    @Test
    void answers_with_a_member_for_each_call() {
        answers("users", "{\"name\":\"Ada\"}");
        answers("orders", "[1,2.50]");
        Response response = run(Aggregate.builder()
                .call("user", "users", "/users/{id}")
                .call("orders", "orders", "/orders?user={id}")
                .build());
        assertThat(response.status()).isEqualTo(200);
        assertThat(response.header("Content-Type")).isEqualTo("application/json");
        assertThat(response.header("Cache-Control")).isEqualTo("no-store");
        assertThat(text(response)).isEqualTo("{\"user\":{\"name\":\"Ada\"},\"orders\":[1,2.50]}");
        assertThat(exchange.called()).containsExactly("users GET /users/7", "orders GET /orders?user=7");
        assertThat(exchange.cancelled()).isEmpty();
    }

    @Test
    void is_where_a_route_ends() {
        // @start region="smallest"
        Route profile = Route.builder("profile")
                .match(Match.path("/profile/{id}").method("GET"))
                .handler(Aggregate.builder()
                        .call("user", "users", "/users/{id}")
                        .call(Leg.get("team", "teams", "/teams/{user.teamId}").optional())
                        .build())
                .build();
        // @end region="smallest"
        assertThat(profile.destination()).isNotNull();
        assertThat(profile.filters()).isEmpty();
    }

    @Test
    void calls_that_do_not_need_each_other_run_at_the_same_time() {
        waits("a");
        waits("b");
        waits("c");
        CompletableFuture<Response> answer = start(Aggregate.builder()
                .call("one", "a", "/")
                .call("two", "b", "/")
                .call("three", "c", "/{one.x}/{two.y}")
                .build());
        assertThat(exchange.called()).containsExactly("a GET /", "b GET /");
        reply("b", "{\"y\":true}");
        assertThat(exchange.called()).hasSize(2);
        reply("a", "{\"x\":5}");
        assertThat(exchange.called()).last().isEqualTo("c GET /5/true");
        assertThat(answer).isNotDone();
        reply("c", "null");
        assertThat(text(answer.join())).isEqualTo("{\"one\":{\"x\":5},\"two\":{\"y\":true},\"three\":null}");
    }

    @Test
    void results_reach_targets_and_bodies_of_later_calls() {
        answers("users", "{\"team\":{\"id\":\"t 1\"},\"friends\":[\"bo\",\"cy\"],\"rank\":1.50}");
        answers("teams", "{}");
        answers("search", "{}");
        // @start region="body"
        Aggregate aggregate = Aggregate.builder()
                .call("user", "users", "/users/{id}")
                .call("team", "teams", "/teams/{user.team.id}/{user.friends.1}?page={query:page}&all={query:none}")
                .call(Leg.post(
                        "friends",
                        "search",
                        "/search",
                        "{\"ids\":\"{user.friends}\",\"why\":\"friends of {id}\",\"n\":[1,true]}"))
                .build();
        // @end region="body"
        run(aggregate, Request.get("/profile/7?page=2%262"));
        assertThat(exchange.called())
                .containsExactly(
                        "users GET /users/7", "teams GET /teams/t%201/cy?page=2%262&all=", "search POST /search");
        Request post = exchange.sent().get(2);
        assertThat(((BufferedBody) post.body()).text())
                .isEqualTo("{\"ids\":[\"bo\",\"cy\"],\"why\":\"friends of 7\",\"n\":[1,true]}");
        assertThat(post.header("Content-Type")).isEqualTo("application/json");
    }

    @Test
    void values_cannot_add_members_to_a_body() {
        fake.pathVariable("id", "7\",\"admin\":\"true");
        answers("search", "{}");
        run(Aggregate.builder()
                .call(Leg.post("s", "search", "/", "{\"id\":\"{id}\",\"text\":\"<{id}>\"}"))
                .build());
        assertThat(((BufferedBody) exchange.sent().get(0).body()).text())
                .isEqualTo("{\"id\":\"7\\\",\\\"admin\\\":\\\"true\",\"text\":\"<7\\\",\\\"admin\\\":\\\"true>\"}");
    }

    @ParameterizedTest
    @CsvSource({
        "a b, /users/a%20b/x?q=a%20b",
        "a?b=c, /users/a%3Fb%3Dc/x?q=a%3Fb%3Dc",
        "a#b, /users/a%23b/x?q=a%23b",
        "a&b, /users/a%26b/x?q=a%26b",
        "%2f, /users/%252f/x?q=%252f",
        "%2e%2e, /users/%252e%252e/x?q=%252e%252e",
        "..., /users/.../x?q=...",
        ";x=1, /users/%3Bx%3D1/x?q=%3Bx%3D1",
        "@evil:80, /users/%40evil%3A80/x?q=%40evil%3A80",
        "é, /users/%C3%A9/x?q=%C3%A9",
        "a~b-c_d.e, /users/a~b-c_d.e/x?q=a~b-c_d.e"
    })
    void values_never_change_the_shape_of_a_target(String value, String target) {
        fake.pathVariable("id", value);
        answers("users", "{}");
        assertThat(run(Aggregate.builder()
                                .call("user", "users", "/users/{id}/x?q={id}")
                                .build())
                        .status())
                .isEqualTo(200);
        assertThat(exchange.called()).containsExactly("users GET " + target);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"..", ".", "", "../admin", "a/b", "/", "\\", "..\\admin", "a\r\nb", "a\u0000", "\u007f", "\u0085"
            })
    void values_that_servers_could_read_as_more_than_a_segment_do_not_get_into_a_path(String value) {
        fake.pathVariable("id", value);
        Response response =
                run(Aggregate.builder().call("user", "users", "/users/{id}").build());
        assertThat(response.status()).isEqualTo(400);
        assertThat(text(response)).contains("\"code\":\"aggregate_failed\"", "call \\\"user\\\" failed: bad_value");
        assertThat(exchange.called()).isEmpty();
    }

    @Test
    void such_values_may_stand_in_a_query() {
        fake.pathVariable("id", "../a\r\n");
        answers("users", "{}");
        run(Aggregate.builder().call("user", "users", "/users?id={id}").build());
        assertThat(exchange.called()).containsExactly("users GET /users?id=..%2Fa%0D%0A");
    }

    @Test
    void two_values_cannot_make_a_dot_segment_together() {
        fake.pathVariable("id", ".");
        Response response =
                run(Aggregate.builder().call("user", "users", "/users/{id}{id}").build());
        assertThat(response.status()).isEqualTo(400);
        assertThat(exchange.called()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{}", "{\"t\":null}", "{\"t\":{}}", "{\"t\":[]}", "{\"t\":\"a/b\"}", "{\"t\":\"..\"}", "[1]", "7"
            })
    void a_result_without_a_usable_value_fails_the_call_that_needs_it(String user) {
        answers("users", user);
        Aggregate.Builder builder = Aggregate.builder().call("user", "users", "/");
        Response required = run(builder.call("team", "teams", "/{user.t}").build());
        assertThat(required.status()).isEqualTo(502);
        assertThat(text(required)).contains("call \\\"team\\\" failed: bad_value");
        Response optional = run(Aggregate.builder()
                .call("user", "users", "/")
                .call(Leg.get("team", "teams", "/{user.t}").optional())
                .build());
        assertThat(text(optional))
                .isEqualTo("{\"user\":" + user
                        + ",\"team\":null,\"_errors\":[{\"call\":\"team\",\"code\":\"bad_value\"}]}");
    }

    @Test
    void missing_values_do_not_get_into_a_body() {
        answers("users", "{\"a\":{}}");
        for (String body : List.of("\"{user.x}\"", "{\"a\":\"x{user.a}\"}")) {
            Response response = run(Aggregate.builder()
                    .call("user", "users", "/")
                    .call(Leg.post("s", "search", "/", body))
                    .build());
            assertThat(text(response)).as(body).contains("call \\\"s\\\" failed: bad_value");
        }
    }

    @Test
    void a_variable_that_the_route_lacks_is_a_mistake_in_the_configuration() {
        assertThatThrownBy(() ->
                        run(Aggregate.builder().call("user", "users", "/{idd}").build()))
                .isInstanceOfSatisfying(
                        GatewayException.class, e -> assertThat(e.failure()).isEqualTo(Failure.INTERNAL))
                .hasMessage("aggregate: {idd} is no variable of route \"fake\" (variables: id)");
    }

    @Test
    void nothing_of_the_client_is_sent_along_unless_named() {
        answers("users", "{}");
        Request request = GET.withHeader("Authorization", "Bearer x")
                .withHeader("Cookie", "a=b")
                .withHeader("X-Tenant", "t1")
                .withHeader("Accept", "text/html")
                .withHeader("Accept-Language", "de");
        run(Aggregate.builder().call("user", "users", "/").build(), request);
        assertThat(exchange.sent().get(0).headers().toString()).isEqualTo("[Accept: application/json]");

        // @start region="headers"
        Leg leg = Leg.get("user", "users", "/users/{id}")
                .forwardHeaders("Authorization", "accept-language")
                .header("X-Tenant", "fixed");
        // @end region="headers"
        run(Aggregate.builder().call(leg.forwardHeaders("Accept", "x-tenant")).build(), request);
        assertThat(exchange.sent().get(1).headers().toString())
                .isEqualTo("[Authorization: ***, X-Tenant: fixed, Accept: text/html, Accept-Language: de]");
    }

    @Test
    void the_body_of_the_request_is_released() {
        FakeBody body = FakeBody.of("content").ofRequest();
        answers("users", "{}");
        run(
                Aggregate.builder().call("user", "users", "/").build(),
                GET.withMethod("POST").withBody(body));
        assertThat(body.released()).isTrue();
    }

    @Test
    void when_a_required_call_fails_the_others_are_cancelled_at_once() {
        waits("a");
        waits("b");
        waits("c");
        CompletableFuture<Response> answer = start(Aggregate.builder()
                .call("one", "a", "/")
                .call(Leg.get("two", "b", "/").optional().timeout(Duration.ofSeconds(1)))
                .call("three", "c", "/")
                .build());
        pending.get("c").completeExceptionally(new GatewayException(Failure.CONNECT_FAILED, "no way to 10.0.0.7"));
        assertThat(exchange.cancelled()).contains("a", "b");
        Response response = answer.join();
        assertThat(response.status()).isEqualTo(502);
        assertThat(response.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(text(response))
                .contains("call \\\"three\\\" failed: connect_failed")
                .doesNotContain("10.0.0.7");
    }

    @Test
    void answers_that_come_after_the_end_are_released() {
        waits("a");
        waits("b");
        start(Aggregate.builder().call("one", "a", "/").call("two", "b", "/").build());
        pending.get("a").completeExceptionally(new GatewayException(Failure.RESET_BEFORE_HEAD, "reset"));
        FakeBody late = FakeBody.of("{}");
        pending.get("b").complete(Response.json(200, "{}").withBody(late));
        assertThat(late.released()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "CONNECT_TIMEOUT, 504, connect_timeout",
        "FIRST_BYTE_TIMEOUT, 504, first_byte_timeout",
        "NO_ENDPOINT, 502, no_endpoint",
        "OVERLOADED, 502, overloaded",
        "RESET_BEFORE_HEAD, 502, reset_before_head"
    })
    void failures_of_required_calls_are_told_by_status_and_reason(Failure failure, int status, String reason) {
        fake.upstream("users", request -> CompletableFuture.failedFuture(new GatewayException(failure, "at 10.0.0.7")));
        Response response = run(Aggregate.builder().call("user", "users", "/").build());
        assertThat(response.status()).isEqualTo(status);
        assertThat(text(response)).contains("call \\\"user\\\" failed: " + reason);
    }

    @Test
    void optional_calls_leave_a_gap_and_a_note() {
        answers("users", "{}");
        fake.upstream("ads", request -> CompletableFuture.failedFuture(new IllegalStateException("odd")));
        fake.upstream("stats", request -> CompletableFuture.completedFuture(Response.text(500, "oops")));
        // @start region="partial"
        Aggregate aggregate = Aggregate.builder()
                .call("user", "users", "/users/{id}")
                .call(Leg.get("ads", "ads", "/ads").optional())
                .call(Leg.get("stats", "stats", "/stats/{id}").orElse("{\"visits\":0}"))
                .cacheControl("max-age=5")
                .build();
        // @end region="partial"
        Response response = run(aggregate);
        assertThat(response.status()).isEqualTo(200);
        assertThat(response.header("Cache-Control")).isEqualTo("no-store");
        assertThat(text(response))
                .isEqualTo("{\"user\":{},\"ads\":null,\"stats\":{\"visits\":0},\"_errors\":["
                        + "{\"call\":\"ads\",\"code\":\"internal\"},{\"call\":\"stats\",\"code\":\"status_500\"}]}");

        answers("ads", "1");
        answers("stats", "2");
        assertThat(run(aggregate).header("Cache-Control")).isEqualTo("max-age=5");
    }

    @Test
    void what_needs_a_failed_call_is_skipped_unless_that_has_a_default() {
        fake.upstream("users", request -> CompletableFuture.completedFuture(Response.of(500)));
        answers("teams", "{}");
        Leg user = Leg.get("user", "users", "/");
        Leg team = Leg.get("team", "teams", "/{user.team}").optional();
        assertThat(text(run(Aggregate.builder().call(user.optional()).call(team).build())))
                .isEqualTo("{\"user\":null,\"team\":null,\"_errors\":["
                        + "{\"call\":\"user\",\"code\":\"status_500\"},{\"call\":\"team\",\"code\":\"skipped\"}]}");
        assertThat(exchange.called()).doesNotContain("teams GET /");
        run(Aggregate.builder()
                .call(user.orElse("{\"team\":\"none\"}"))
                .call(team)
                .build());
        assertThat(exchange.called()).last().isEqualTo("teams GET /none");
    }

    @Test
    void a_call_has_its_own_timeout() {
        waits("slow");
        answers("users", "{}");
        CompletableFuture<Response> answer = start(Aggregate.builder()
                .call("user", "users", "/")
                .call(Leg.get("slow", "slow", "/")
                        .timeout(Duration.ofMillis(300))
                        .optional())
                .build());
        fake.manualTime().advance(Duration.ofMillis(299));
        assertThat(answer).isNotDone();
        fake.manualTime().advance(Duration.ofMillis(1));
        assertThat(exchange.cancelled()).containsExactly("slow");
        assertThat(text(answer.join()))
                .isEqualTo("{\"user\":{},\"slow\":null,\"_errors\":[{\"call\":\"slow\",\"code\":\"timeout\"}]}");
    }

    @Test
    void a_timeout_covers_the_body() {
        fake.upstream(
                "slow",
                request -> CompletableFuture.completedFuture(
                        Response.json(200, "{}").withBody(Body.from(subscriber -> {}, -1))));
        CompletableFuture<Response> answer = start(Aggregate.builder()
                .call(Leg.get("slow", "slow", "/").timeout(Duration.ofMillis(300)))
                .build());
        fake.manualTime().advance(Duration.ofMillis(300));
        assertThat(exchange.cancelled()).containsExactly("slow");
        assertThat(answer.join().status()).isEqualTo(504);
    }

    @Test
    void an_optional_call_that_hangs_does_not_use_up_the_deadline_of_the_exchange() {
        waits("slow");
        waits("later");
        answers("users", "{}");
        fake.deadline(Duration.ofSeconds(10));
        CompletableFuture<Response> answer = start(Aggregate.builder()
                .call("user", "users", "/")
                .call(Leg.get("slow", "slow", "/").orElse("{\"x\":1}"))
                .call(Leg.get("next", "later", "/{slow.x}").optional())
                .build());
        fake.manualTime().advance(Duration.ofSeconds(9));
        assertThat(text(answer.join()))
                .isEqualTo("{\"user\":{},\"slow\":{\"x\":1},\"next\":null,\"_errors\":["
                        + "{\"call\":\"slow\",\"code\":\"timeout\"},{\"call\":\"next\",\"code\":\"timeout\"}]}");
        assertThat(exchange.called()).doesNotContain("later GET /1");
    }

    @ParameterizedTest
    @CsvSource({"PT2S, PT30S, PT2S", "PT29S, PT30S, PT27S", "PT40S, P1000D, PT30S"})
    void its_own_timeout_ends_all_calls(Duration timeout, Duration deadline, Duration expected) {
        waits("slow");
        fake.deadline(deadline);
        CompletableFuture<Response> answer = start(
                Aggregate.builder().call("slow", "slow", "/").timeout(timeout).build());
        fake.manualTime().advance(expected.minusMillis(1));
        assertThat(answer).isNotDone();
        fake.manualTime().advance(Duration.ofMillis(1));
        assertThat(answer.join().status()).isEqualTo(504);
        assertThat(exchange.cancelled()).containsExactly("slow");
    }

    @Test
    void a_cut_exchange_takes_its_calls_along() {
        waits("a");
        waits("b");
        CompletableFuture<Response> answer = start(Aggregate.builder()
                .call(Leg.get("one", "a", "/").timeout(Duration.ofSeconds(1)))
                .call("two", "b", "/")
                .build());
        fake.end(Failure.CLIENT_GONE);
        assertThat(answer).isDone();
        assertThat(fake.waitingForEnd()).isZero();
    }

    @Test
    void the_end_of_an_answered_exchange_changes_nothing() {
        answers("users", "{}");
        CompletableFuture<Response> answer =
                start(Aggregate.builder().call("user", "users", "/").build());
        fake.end(200);
        assertThat(exchange.cancelled()).isEmpty();
        assertThat(answer.join().status()).isEqualTo(200);
    }

    @Test
    void other_statuses_can_be_accepted_or_passed_on() {
        fake.upstream("users", request -> CompletableFuture.completedFuture(Response.json(404, "{\"gone\":true}")));
        assertThat(run(Aggregate.builder().call("user", "users", "/").build()).status())
                .isEqualTo(502);
        assertThat(text(run(Aggregate.builder()
                        .call(Leg.get("user", "users", "/").accept(200, 404))
                        .build())))
                .isEqualTo("{\"user\":{\"gone\":true}}");
        // @start region="pass-on"
        Leg user = Leg.get("user", "users", "/users/{id}").passOn(404, 410);
        // @end region="pass-on"
        Response passed = run(Aggregate.builder().call(user).build());
        assertThat(passed.status()).isEqualTo(404);
        assertThat(text(passed))
                .contains("call \\\"user\\\" failed: status_404")
                .doesNotContain("gone");
    }

    @Test
    void an_answer_without_content_is_null() {
        for (int status : new int[] {204, 205}) {
            fake.upstream("users", request -> CompletableFuture.completedFuture(Response.of(status)));
            assertThat(text(run(Aggregate.builder().call("user", "users", "/").build())))
                    .isEqualTo("{\"user\":null}");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{}}", "{\"a\":1,\"a\":2}", "nope", "\u00ff", "{\"a\":NaN}", "[1,]"})
    void what_is_not_json_is_a_failure(String body) {
        fake.upstream(
                "users",
                request -> CompletableFuture.completedFuture(
                        Response.json(200, "").withBody(Body.of(body.getBytes(StandardCharsets.ISO_8859_1)))));
        Response response = run(Aggregate.builder().call("user", "users", "/").build());
        assertThat(response.status()).isEqualTo(502);
        assertThat(text(response)).contains("call \\\"user\\\" failed: not_json");
    }

    @Test
    void so_is_what_does_not_say_it_is_json() {
        for (Response odd : List.of(
                Response.text(200, "{}"),
                Response.of(200).withBody(Body.of("{}")),
                Response.json(200, "{}").withHeader("Content-Encoding", "gzip"))) {
            FakeBody body = FakeBody.of("{}");
            fake.upstream("users", request -> CompletableFuture.completedFuture(odd.withBody(body)));
            assertThat(text(run(Aggregate.builder().call("user", "users", "/").build())))
                    .contains("not_json");
            assertThat(body.released()).isTrue();
        }
        for (String type :
                List.of("application/json;charset=UTF-8", "application/hal+json", "Application/JSON ; x=y")) {
            fake.upstream(
                    "users",
                    request -> CompletableFuture.completedFuture(Response.json(200, "{}")
                            .withHeader("Content-Type", type)
                            .withHeader("Content-Encoding", "Identity")));
            assertThat(run(Aggregate.builder().call("user", "users", "/").build())
                            .status())
                    .as(type)
                    .isEqualTo(200);
        }
    }

    @Test
    void answers_deeper_or_larger_than_allowed_are_failures() {
        answers("users", "[".repeat(64) + "]".repeat(64));
        assertThat(run(Aggregate.builder().call("user", "users", "/").build()).status())
                .isEqualTo(200);
        answers("users", "[".repeat(65) + "]".repeat(65));
        assertThat(run(Aggregate.builder().call("user", "users", "/").build()).status())
                .isEqualTo(502);
        answers("users", "[\"1234567\"]");
        assertThat(run(Aggregate.builder()
                                .call(Leg.get("user", "users", "/").maxBytes(11))
                                .build())
                        .status())
                .isEqualTo(200);
        Response large = run(Aggregate.builder()
                .call(Leg.get("user", "users", "/").maxBytes(10))
                .build());
        assertThat(large.status()).isEqualTo(502);
        assertThat(text(large)).contains("body_too_large");
    }

    @Test
    void large_answers_are_read_and_written_off_the_event_loop() {
        String large = "\"" + "x".repeat(70_000) + "\"";
        answers("users", large);
        assertThat(text(run(Aggregate.builder().call("user", "users", "/").build())))
                .isEqualTo("{\"user\":" + large + "}");
        assertThat(exchange.offloaded()).isEqualTo(2);
    }

    @Test
    void numbers_keep_their_digits() {
        answers("users", "[0.10,1E+2,12345678901234567890123,-0.0,1.0000000000000000000001]");
        assertThat(text(run(Aggregate.builder().call("user", "users", "/").build())))
                .isEqualTo("{\"user\":[0.10,1E+2,12345678901234567890123,0.0,1.0000000000000000000001]}");
    }

    @Test
    void members_can_be_merged_into_one_object() {
        answers("users", "{\"id\":1,\"name\":\"Ada\",\"_errors\":\"forged\"}");
        answers("teams", "{\"id\":2,\"team\":\"x\"}");
        answers("none", "null");
        answers("list", "[]");
        // @start region="merge-members"
        Aggregate aggregate = Aggregate.builder()
                .call("user", "users", "/users/{id}")
                .call("team", "teams", "/teams/{user.id}")
                .call("extra", "none", "/extra")
                .mergeMembers()
                .build();
        // @end region="merge-members"
        assertThat(text(run(aggregate))).isEqualTo("{\"id\":2,\"name\":\"Ada\",\"team\":\"x\"}");
        assertThat(text(run(Aggregate.builder()
                        .call("user", "users", "/")
                        .call(Leg.get("list", "list", "/").optional())
                        .mergeMembers()
                        .build())))
                .isEqualTo("{\"id\":1,\"name\":\"Ada\",\"_errors\":[{\"call\":\"list\",\"code\":\"not_an_object\"}]}");
    }

    @Test
    void the_host_can_make_the_answer_itself() {
        fake.upstream(
                "users",
                request -> CompletableFuture.completedFuture(
                        Response.json(201, "{\"name\":\"Ada\",\"tags\":[\"x\",{\"n\":1}]}")
                                .withHeader("ETag", "\"e\"")));
        fake.upstream("ads", request -> CompletableFuture.completedFuture(Response.of(503)));
        // @start region="merge"
        Aggregate aggregate = Aggregate.builder()
                .call("user", "users", "/users/{id}")
                .call(Leg.get("ads", "ads", "/ads").optional())
                .merge("greeting", results -> {
                    LegResult user = results.get("user");
                    String ads = results.get("ads").ok() ? "with ads" : "without ads";
                    return Response.text(200, "hello " + user.text("name") + ", " + ads);
                })
                .build();
        // @end region="merge"
        assertThat(text(run(aggregate))).isEqualTo("hello Ada, without ads");

        run(Aggregate.builder()
                .call("user", "users", "/")
                .call(Leg.get("ads", "ads", "/").optional())
                .merge("look", results -> {
                    assertThat(results.keySet()).containsExactly("user", "ads");
                    LegResult user = results.get("user");
                    assertThat(user.name()).isEqualTo("user");
                    assertThat(user.status()).isEqualTo(201);
                    assertThat(user.headers().get("etag")).isEqualTo("\"e\"");
                    assertThat(user.failure()).isNull();
                    assertThat(user.json()).isEqualTo("{\"name\":\"Ada\",\"tags\":[\"x\",{\"n\":1}]}");
                    assertThat(user.value()).isEqualTo(Map.of("name", "Ada", "tags", List.of("x", Map.of("n", 1))));
                    assertThat(user.text("tags.1.n")).isEqualTo("1");
                    assertThat(user.text("tags.9")).isNull();
                    assertThat(user.text("tags.x")).isNull();
                    assertThat(user.text("tags")).isNull();
                    assertThat(user).hasToString("user: 201");
                    LegResult ads = results.get("ads");
                    assertThat(ads.failure()).isEqualTo("status_503");
                    assertThat(ads.status()).isEqualTo(503);
                    assertThat(ads.json()).isEqualTo("null");
                    assertThat(ads.value()).isNull();
                    assertThat(ads).hasToString("ads: status_503");
                    return Response.of(200);
                })
                .build());
    }

    @Test
    void what_the_hosts_function_throws_fails_the_exchange() {
        answers("users", "{}");
        assertThatThrownBy(() -> run(Aggregate.builder()
                        .call("user", "users", "/")
                        .merge("broken", results -> {
                            throw new IllegalStateException("my fault");
                        })
                        .build()))
                .hasMessage("my fault");
    }

    @Test
    void reports_all_problems_with_the_cure() {
        assertThat(Aggregate.builder().build().problems())
                .containsExactly("no call is set (expected: call(name, upstream, target))");
        assertThat(Aggregate.builder()
                        .call("user", "users", "users/{id}")
                        .call("user", "users", "/{usr.id}")
                        .call("query", "x", "/{a")
                        .call("7up", "x", "/{a b}/{.}/{query:}/{user.}")
                        .call(Leg.get("bad", "x", "/a b?c={id}"))
                        .call(Leg.get("dots", "x", "/a/../b"))
                        .call(Leg.get("slash", "x", "/a%2Fb"))
                        .call(Leg.get("get", "x", "/").body("{}"))
                        .call(Leg.post("post", "x", "/", "{\"a\":{id}}"))
                        .call(Leg.get("or", "x", "/").orElse("{"))
                        .build()
                        .problems())
                .containsExactly(
                        "two calls are named \"user\" (expected: a name for each)",
                        "call name \"query\" (expected: a letter, then letters, digits, _ and -; not query)",
                        "call name \"7up\" (expected: a letter, then letters, digits, _ and -; not query)",
                        "call \"user\": target \"users/{id}\" does not begin with / (expected: a path of the upstream)",
                        "call \"user\": {usr.id} refers to no call (calls: user, query, 7up, bad, dots, slash, get, post, or)",
                        "call \"query\": \"{a\" has a { without } (expected: {name})",
                        "call \"query\": target \"/{a\" cannot be sent (path: \"/{a\" (character 0x7b at 1 must be"
                                + " percent-encoded))",
                        "call \"7up\": {a b} cannot be understood"
                                + " (expected: {variable}, {query:parameter} or {call.member.member})",
                        "call \"7up\": {.} cannot be understood"
                                + " (expected: {variable}, {query:parameter} or {call.member.member})",
                        "call \"7up\": {query:} cannot be understood"
                                + " (expected: {variable}, {query:parameter} or {call.member.member})",
                        "call \"7up\": {user.} cannot be understood"
                                + " (expected: {variable}, {query:parameter} or {call.member.member})",
                        "call \"bad\": target \"/a b?c={id}\" cannot be sent (path: \"/a b\" (character 0x20 at 2 must be"
                                + " percent-encoded))",
                        "call \"dots\": target \"/a/../b\" has dot segments or encoded dots or slashes"
                                + " (expected: the path they lead to)",
                        "call \"slash\": target \"/a%2Fb\" has dot segments or encoded dots or slashes"
                                + " (expected: the path they lead to)",
                        "call \"get\": GET with a body (expected: another method, or no body)",
                        "call \"post\": body {\"a\":{id}} is not JSON (expected: JSON with references inside its strings)",
                        "call \"or\": default { is not JSON (expected: orElse(\"…\") with a JSON value)");
    }

    @Test
    void calls_that_wait_for_each_other_are_a_problem() {
        assertThat(Aggregate.builder()
                        .call("start", "x", "/{b.x}")
                        .call("a", "x", "/{c.x}")
                        .call(Leg.post("b", "x", "/", "\"{a.x}\""))
                        .call("c", "x", "/{b.x}")
                        .build()
                        .problems())
                .containsExactly("calls wait for each other: b → a → c → b (remove one of the references)");
        assertThat(Aggregate.builder().call("a", "x", "/{a.x}").build().problems())
                .containsExactly("calls wait for each other: a → a (remove one of the references)");
        assertThat(Aggregate.builder()
                        .call("a", "x", "/{b.x}{c.x}")
                        .call("b", "x", "/{c.x}")
                        .call("c", "x", "/")
                        .build()
                        .problems())
                .isEmpty();
    }

    @Test
    void sixteen_calls_are_the_most() {
        Aggregate.Builder builder = Aggregate.builder();
        for (int i = 1; i <= 16; i++) {
            builder.call("c" + i, "x", "/");
        }
        assertThat(builder.build().problems()).isEmpty();
        Aggregate tooMany = builder.call("c17", "x", "/").build();
        assertThat(tooMany.problems()).containsExactly("17 calls are set (expected: at most 16)");
        assertThatThrownBy(() -> run(tooMany)).hasMessageContaining("17 calls are set");
    }

    @Test
    void refuses_arguments_out_of_range_at_once() {
        Leg leg = Leg.get("a", "x", "/");
        assertThatThrownBy(() -> leg.timeout(Duration.ZERO)).hasMessage("timeout: PT0S (expected: > 0)");
        assertThatThrownBy(() -> Aggregate.builder().timeout(Duration.ofSeconds(-1)))
                .hasMessageContaining("timeout");
        assertThatThrownBy(() -> leg.maxBytes(0)).hasMessage("maxBytes: 0 (expected: >= 1)");
        assertThatThrownBy(() -> leg.accept(199)).hasMessage("accept: 199 (expected: 200 to 599)");
        assertThatThrownBy(() -> leg.passOn(200)).hasMessage("passOn: 200 (expected: 400 to 599)");
        assertThatThrownBy(() -> leg.passOn(600)).hasMessageContaining("passOn: 600");
        assertThatThrownBy(() -> leg.forwardHeaders("a b")).hasMessageContaining("header name");
        assertThatThrownBy(() -> leg.method("a b")).hasMessageContaining("method");
        assertThatThrownBy(() -> Aggregate.builder().cacheControl("a\nb")).hasMessageContaining("Cache-Control");
    }

    @Test
    void is_a_value() {
        Function<Aggregate.Builder, Aggregate> user = builder -> builder.call(
                        Leg.get("a", "x", "/").forwardHeaders("A").optional())
                .build();
        Aggregate aggregate = user.apply(Aggregate.builder());
        assertThat(aggregate)
                .isEqualTo(Aggregate.builder()
                        .call(Leg.get("a", "x", "/").forwardHeaders("a").optional())
                        .build())
                .hasSameHashCodeAs(user.apply(Aggregate.builder()))
                .isNotEqualTo(user.apply(Aggregate.builder().timeout(Duration.ofSeconds(1))))
                .isNotEqualTo(user.apply(Aggregate.builder().mergeMembers()))
                .isNotEqualTo(user.apply(Aggregate.builder().cacheControl("max-age=1")))
                .isNotEqualTo(Aggregate.builder().call("a", "x", "/").build())
                .isNotEqualTo("aggregate")
                .hasToString("aggregate [a: GET / of x]");
        assertThat(user.apply(Aggregate.builder().merge("m", results -> Response.of(200))))
                .isEqualTo(user.apply(Aggregate.builder().merge("m", results -> Response.of(201))))
                .isNotEqualTo(user.apply(Aggregate.builder().merge("n", results -> Response.of(200))));
        Leg leg = Leg.get("a", "x", "/");
        assertThat(leg.name()).isEqualTo("a");
        assertThat(leg.upstream()).isEqualTo("x");
        assertThat(leg).isNotEqualTo("leg").hasSameHashCodeAs(Leg.get("a", "x", "/"));
        for (Leg other : List.of(
                Leg.get("b", "x", "/"),
                Leg.get("a", "y", "/"),
                Leg.get("a", "x", "/a"),
                leg.method("HEAD"),
                leg.body("{}"),
                leg.timeout(Duration.ofSeconds(1)),
                leg.maxBytes(1),
                leg.forwardHeaders("A"),
                leg.header("A", "b"),
                leg.accept(200),
                leg.passOn(404),
                leg.optional(),
                leg.orElse("1"))) {
            assertThat(other).as(other.toString()).isNotEqualTo(leg);
        }
    }

    private void answers(String upstream, String json) {
        fake.upstream(upstream, request -> CompletableFuture.completedFuture(Response.json(200, json)));
    }

    private void waits(String upstream) {
        fake.upstream(upstream, request -> {
            CompletableFuture<Response> response = new CompletableFuture<>();
            pending.put(upstream, response);
            return response;
        });
    }

    private void reply(String upstream, String json) {
        pending.get(upstream).complete(Response.json(200, json));
    }

    private CompletableFuture<Response> start(Aggregate aggregate) {
        CompletionStage<Response> stage = aggregate.handle(GET, exchange);
        return stage.toCompletableFuture();
    }

    private Response run(Aggregate aggregate) {
        return run(aggregate, GET);
    }

    private Response run(Aggregate aggregate, Request request) {
        CompletableFuture<Response> answer = aggregate.handle(request, exchange).toCompletableFuture();
        assertThat(answer).isDone();
        try {
            return answer.join();
        } catch (java.util.concurrent.CompletionException failed) {
            throw (RuntimeException) failed.getCause();
        }
    }

    private static String text(Response response) {
        return ((BufferedBody) response.body()).text();
    }
}
