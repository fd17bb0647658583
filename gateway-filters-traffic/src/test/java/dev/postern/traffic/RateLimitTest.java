package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.BufferedBody;
import dev.postern.ClientInfo;
import dev.postern.Match;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.RequestKey;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import dev.postern.testing.FakeServices;
import dev.postern.testing.FilterContract;
import dev.postern.testing.ManualTime;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RateLimitTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Request GET = Request.get("/orders");

    private final ManualTime time = ManualTime.create();
    private final FakeServices services = new FakeServices(time);
    private final FakeExchange exchange = new FakeExchange(time);
    private final FakeChain chain =
            FakeChain.answering(Response.text(200, "ok")).within(exchange);

    @Test
    void admits_the_burst_refuses_the_rest_and_recovers() {
        RateLimit limit = started(RateLimit.perClient(3, SECOND));
        assertThat(statuses(limit, 5)).containsExactly(200, 200, 200, 429, 429);
        assertThat(chain.proceeded()).hasSize(3);

        time.advance(Duration.ofMillis(334));
        assertThat(statuses(limit, 2)).containsExactly(200, 429);
        time.advance(Duration.ofHours(1));
        assertThat(statuses(limit, 5)).containsExactly(200, 200, 200, 429, 429);
    }

    @Test
    void is_a_filter_of_a_route() {
        // @start region="smallest"
        Route orders = Route.builder("orders")
                .match(Match.prefix("/orders"))
                .filter(RateLimit.perClient(100, Duration.ofSeconds(1)))
                .to("orders")
                .build();
        // @end region="smallest"
        assertThat(orders.filters()).containsExactly(RateLimit.perClient(100, SECOND));
        assertThat(orders.filters().get(0).name()).isEqualTo("rate-limit:per-client-100-per-1s");
    }

    @Test
    void tells_the_client_where_it_stands() {
        RateLimit limit = started(
                RateLimit.builder("api").limit(100, Duration.ofMinutes(1)).build());
        Response first = chain.run(limit, GET);
        assertThat(first.header("RateLimit-Policy")).isEqualTo("\"api\";q=100;w=60");
        assertThat(first.header("RateLimit")).isEqualTo("\"api\";r=99;t=1");
        assertThat(chain.run(limit, GET).header("RateLimit")).isEqualTo("\"api\";r=98;t=1");
        assertThat(first.headers().contains("Retry-After")).isFalse();
        assertThat(first.headers().contains("X-RateLimit-Limit")).isFalse();
    }

    @Test
    void a_refusal_is_a_problem_document_that_says_when_to_come_back() throws Exception {
        RateLimit limit =
                started(RateLimit.builder("api").limit(2, Duration.ofMinutes(1)).build());
        statuses(limit, 2);
        time.advance(Duration.ofMillis(100));
        Response refused = chain.run(limit, GET);
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.header("Content-Type")).isEqualTo("application/problem+json");
        // 29.9 s, rounded up: never too early.
        assertThat(refused.header("Retry-After")).isEqualTo("30");
        assertThat(refused.header("RateLimit")).isEqualTo("\"api\";r=0;t=30");
        assertThat(refused.header("RateLimit-Policy")).isEqualTo("\"api\";q=2;w=60");
        JsonNode problem = new ObjectMapper().readTree(((BufferedBody) refused.body()).text());
        assertThat(problem.toString())
                .isEqualTo("{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\","
                        + "\"title\":\"Too Many Requests\",\"status\":429,\"code\":\"rate_limited\","
                        + "\"detail\":\"try again in 30 seconds\",\"violated-policies\":[\"api\"]}");
    }

    @Test
    void whoever_waits_as_long_as_told_is_admitted() {
        RateLimit limit = started(RateLimit.builder("odd")
                .limit(7, Duration.ofSeconds(45))
                .burst(2)
                .limit(11, Duration.ofMinutes(3))
                .build());
        for (int i = 0; i < 200; i++) {
            Response response = chain.run(limit, GET);
            if (response.status() == 429) {
                time.advance(Duration.ofSeconds(Long.parseLong(response.header("Retry-After"))));
                assertThat(chain.run(limit, GET).status()).as("try %s", i).isEqualTo(200);
            }
        }
    }

    @Test
    void several_windows_are_several_policies_and_all_must_admit() throws Exception {
        // @start region="several"
        RateLimit limit = RateLimit.builder("api")
                .key(RequestKey.header("X-Api-Key"))
                .limit(20, Duration.ofSeconds(1))
                .burst(5)
                .limit(6, Duration.ofDays(1))
                .build();
        // @end region="several"
        started(limit);
        Request request = GET.withHeader("X-Api-Key", "k1");
        Response first = chain.run(limit, request);
        assertThat(first.header("RateLimit-Policy")).isEqualTo("\"api-1s\";q=20;w=1, \"api-1d\";q=6;w=86400");
        assertThat(first.header("RateLimit")).isEqualTo("\"api-1s\";r=4;t=1, \"api-1d\";r=5;t=14400");

        for (int i = 0; i < 4; i++) {
            chain.run(limit, request);
        }
        Response second = chain.run(limit, request);
        assertThat(second.header("RateLimit")).isEqualTo("\"api-1s\";r=0;t=1");
        assertThat(violated(second)).isEqualTo("[\"api-1s\"]");
        time.advance(SECOND);
        assertThat(chain.run(limit, request).status()).isEqualTo(200);
        Response third = chain.run(limit, request);
        assertThat(third.header("RateLimit")).isEqualTo("\"api-1d\";r=0;t=14399");
        assertThat(third.header("Retry-After")).isEqualTo("14399");
        assertThat(violated(third)).isEqualTo("[\"api-1d\"]");
        assertThat(chain.run(limit, GET.withHeader("X-Api-Key", "k2")).status()).isEqualTo(200);
    }

    @Test
    void keeps_the_fields_of_others() {
        RateLimit inner = started(RateLimit.builder("inner").limit(10, SECOND).build());
        RateLimit outer = started(RateLimit.builder("outer").limit(5, SECOND).build());
        FakeChain both =
                FakeChain.answering(request -> inner.apply(request, chain)).within(exchange);
        Response response = both.run(outer, GET);
        assertThat(response.headers().all("RateLimit-Policy"))
                .containsExactly("\"inner\";q=10;w=1", "\"outer\";q=5;w=1");
        assertThat(response.headers().all("RateLimit")).containsExactly("\"inner\";r=9;t=1", "\"outer\";r=4;t=1");
    }

    @Test
    void writes_names_as_structured_field_strings() throws Exception {
        RateLimit limit = started(RateLimit.builder("a \"b\" \\c")
                .limit(1, Duration.ofMillis(1500))
                .build());
        assertThat(chain.run(limit, GET).header("RateLimit-Policy")).isEqualTo("\"a \\\"b\\\" \\\\c\";q=1;w=2");
        assertThat(violated(chain.run(limit, GET))).isEqualTo("[\"a \\\"b\\\" \\\\c\"]");
    }

    @Test
    void legacy_fields_tell_of_the_tightest_limit() {
        RateLimit limit = started(RateLimit.builder("old")
                .limit(20, SECOND)
                .limit(3, Duration.ofMinutes(1))
                .withoutHeaders()
                .legacyHeaders()
                .build());
        Response first = chain.run(limit, GET);
        assertThat(first.header("X-RateLimit-Limit")).isEqualTo("3");
        assertThat(first.header("X-RateLimit-Remaining")).isEqualTo("2");
        assertThat(first.header("X-RateLimit-Reset")).isEqualTo("20");
        assertThat(first.headers().contains("RateLimit")).isFalse();
        statuses(limit, 2);
        Response refused = chain.run(limit, GET);
        assertThat(refused.header("X-RateLimit-Remaining")).isEqualTo("0");
        assertThat(refused.header("X-RateLimit-Reset")).isEqualTo("20");
        assertThat(refused.header("Retry-After")).isEqualTo("20");
        assertThat(refused.headers().contains("RateLimit-Policy")).isFalse();
    }

    @Test
    void legacy_fields_of_a_tighter_limit_behind_are_kept() {
        RateLimit limit = started(
                RateLimit.builder("old").limit(20, SECOND).legacyHeaders().build());
        for (String told : List.of("3", "40", "", "many", "9999999999999999")) {
            FakeChain behind = FakeChain.answering(Response.of(200)
                            .withHeader("X-RateLimit-Limit", "77")
                            .withHeader("X-RateLimit-Remaining", told))
                    .within(new FakeExchange(time));
            String expected = told.equals("3") ? "77" : "20";
            assertThat(behind.run(limit, GET).header("X-RateLimit-Limit"))
                    .as(told)
                    .isEqualTo(expected);
        }
    }

    @Test
    void without_headers_the_response_passes_as_it_is() {
        RateLimit limit = started(
                RateLimit.builder("quiet").limit(1, SECOND).withoutHeaders().build());
        assertThat(chain.run(limit, GET).headers().size()).isEqualTo(1);
        Response refused = chain.run(limit, GET);
        assertThat(refused.headers().contains("RateLimit")).isFalse();
        assertThat(refused.header("Retry-After")).isEqualTo("1");
    }

    @Test
    void clients_are_told_apart_by_address_and_in_ipv6_by_network() {
        RateLimit limit = started(RateLimit.perClient(1, SECOND));
        assertThat(from(limit, "192.0.2.1")).isEqualTo(200);
        assertThat(from(limit, "192.0.2.1")).isEqualTo(429);
        assertThat(from(limit, "192.0.2.2")).isEqualTo(200);
        assertThat(from(limit, "::ffff:192.0.2.2")).isEqualTo(429);
        assertThat(from(limit, "2001:db8:0:1::1")).isEqualTo(200);
        assertThat(from(limit, "2001:db8:0:1:ffff::2")).isEqualTo(429);
        assertThat(from(limit, "2001:db8:0:2::1")).isEqualTo(200);
    }

    @Test
    void wider_networks_catch_who_hops_through_his_own() {
        // @start region="networks"
        RateLimit wide = RateLimit.per(RateLimit.clientNetwork(24, 48), 2, SECOND);
        // @end region="networks"
        started(wide);
        assertThat(from(wide, "2001:db8:0:1::1")).isEqualTo(200);
        assertThat(from(wide, "2001:db8:0:2::1")).isEqualTo(200);
        assertThat(from(wide, "2001:db8:0:3::1")).isEqualTo(429);
        assertThat(from(wide, "2001:db8:1:1::1")).isEqualTo(200);
        assertThat(from(wide, "192.0.2.1")).isEqualTo(200);
        assertThat(from(wide, "192.0.2.77")).isEqualTo(200);
        assertThat(from(wide, "192.0.2.200")).isEqualTo(429);
        assertThat(from(wide, "192.0.3.1")).isEqualTo(200);
        assertThat(wide.name()).isEqualTo("rate-limit:per-client-network-/24-/48-2-per-1s");
    }

    @Test
    void a_network_prefix_need_not_end_on_a_byte() {
        RequestKey key = RateLimit.clientNetwork(20, 61);
        assertThat(keyFrom(key, "192.0.31.1"))
                .isEqualTo(keyFrom(key, "192.0.16.1"))
                .isEqualTo("4:c00010");
        assertThat(keyFrom(key, "2001:db8:0:9::1")).isEqualTo("6:20010db800000008");
        assertThatThrownBy(() -> RateLimit.clientNetwork(33, 64)).hasMessage("ipv4Bits: 33 (expected: 1 to 32)");
        assertThatThrownBy(() -> RateLimit.clientNetwork(32, 0)).hasMessage("ipv6Bits: 0 (expected: 1 to 128)");
    }

    @Test
    void several_keys_make_one() {
        RateLimit limit = started(RateLimit.builder("both")
                .key(RequestKey.header("A"), RequestKey.header("B"))
                .limit(1, SECOND)
                .build());
        assertThat(chain.run(limit, GET.withHeader("A", "ab").withHeader("B", "c"))
                        .status())
                .isEqualTo(200);
        assertThat(chain.run(limit, GET.withHeader("A", "a").withHeader("B", "bc"))
                        .status())
                .isEqualTo(200);
        assertThat(chain.run(limit, GET.withHeader("A", "a").withHeader("B", "bc"))
                        .status())
                .isEqualTo(429);
    }

    @Test
    void without_key_all_count_together() {
        RateLimit limit =
                started(RateLimit.builder("all").withoutKey().limit(2, SECOND).build());
        assertThat(from(limit, "192.0.2.1")).isEqualTo(200);
        assertThat(from(limit, "192.0.2.2")).isEqualTo(200);
        assertThat(from(limit, "192.0.2.3")).isEqualTo(429);
    }

    @Test
    void routes_can_be_a_part_of_the_key() {
        RateLimit limit = started(RateLimit.builder("each")
                .key(RequestKey.client(), RequestKey.route())
                .limit(1, SECOND)
                .build());
        assertThat(statuses(limit, 2)).containsExactly(200, 429);
        exchange.route(Route.builder("other").answer(Response.of(200)).build());
        assertThat(statuses(limit, 2)).containsExactly(200, 429);
    }

    @Test
    void requests_without_key_share_a_bucket_unless_told_otherwise() {
        RateLimit limit = started(RateLimit.per(RequestKey.header("X-Api-Key"), 1, SECOND));
        assertThat(statuses(limit, 2)).containsExactly(200, 429);
        assertThat(chain.run(limit, GET.withHeader("X-Api-Key", "")).status()).isEqualTo(200);
    }

    @Test
    void requests_without_key_can_be_refused_or_admitted() {
        RateLimit.Builder builder =
                RateLimit.builder("api").key(RequestKey.principal()).limit(1, SECOND);
        RateLimit refusing = started(builder.refuseWhenKeyMissing().build());
        Response refused = chain.run(refusing, GET);
        assertThat(refused.status()).isEqualTo(400);
        assertThat(((BufferedBody) refused.body()).text()).contains("\"code\":\"rate_limit_key_missing\"");
        RateLimit admitting = started(builder.admitWhenKeyMissing().build());
        assertThat(statuses(admitting, 3)).containsExactly(200, 200, 200);
    }

    @Test
    void something_else_can_stand_in_for_a_missing_key_without_being_taken_for_one() {
        // @start region="fallback"
        RateLimit limit = RateLimit.builder("per-user")
                .key(RequestKey.principal())
                .whenKeyMissing(RequestKey.client())
                .limit(1, Duration.ofSeconds(1))
                .build();
        // @end region="fallback"
        started(limit);
        assertThat(statuses(limit, 2)).containsExactly(200, 429);
        exchange.authenticate(new Principal("127.0.0.1", "test", Set.of(), Map.of()));
        assertThat(statuses(limit, 2)).containsExactly(200, 429);
    }

    @Test
    void requests_can_cost_more_or_nothing() {
        // @start region="cost"
        RateLimit limit = RateLimit.builder("exports")
                .limit(10, Duration.ofMinutes(1))
                .cost("by path", (request, exchange) -> request.path().startsWith("/export") ? 5 : 1)
                .build();
        // @end region="cost"
        started(limit);
        assertThat(chain.run(limit, Request.get("/export/7")).header("RateLimit"))
                .isEqualTo("\"exports\";r=5;t=6");
        assertThat(chain.run(limit, GET).header("RateLimit")).isEqualTo("\"exports\";r=4;t=6");
        Response refused = chain.run(limit, Request.get("/export/8"));
        assertThat(refused.header("RateLimit")).isEqualTo("\"exports\";r=4;t=6");
        assertThat(refused.header("Retry-After")).isEqualTo("6");

        RateLimit free = started(RateLimit.builder("free")
                .limit(1, SECOND)
                .cost("none", (request, exchange) -> 0)
                .build());
        assertThat(statuses(free, 5)).containsOnly(200);
        assertThat(chain.run(free, GET).header("RateLimit")).isEqualTo("\"free\";r=1");
    }

    @Test
    void what_costs_more_than_the_burst_is_refused_without_a_promise() {
        RateLimit limit = started(RateLimit.builder("small")
                .limit(10, SECOND)
                .burst(4)
                .cost("five", (request, exchange) -> 5)
                .legacyHeaders()
                .build());
        Response refused = chain.run(limit, GET);
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.headers().contains("Retry-After")).isFalse();
        assertThat(refused.header("RateLimit")).isEqualTo("\"small\";r=4");
        assertThat(refused.header("X-RateLimit-Reset")).isEqualTo("0");
        assertThat(((BufferedBody) refused.body()).text()).contains("costs more than the limit allows at once");
    }

    @Test
    void a_negative_cost_is_the_functions_fault() {
        RateLimit limit = started(RateLimit.builder("odd")
                .limit(1, SECOND)
                .cost("minus", (request, exchange) -> -1)
                .build());
        assertThatThrownBy(() -> chain.run(limit, GET)).hasMessage("cost minus: -1 (expected: >= 0)");
    }

    @Test
    void one_name_is_one_bucket_wherever_it_stands() {
        RateLimit here = started(RateLimit.perClient(2, SECOND));
        RateLimit there = started(RateLimit.perClient(2, SECOND));
        assertThat(chain.run(here, GET).status()).isEqualTo(200);
        assertThat(chain.run(there, GET).status()).isEqualTo(200);
        assertThat(chain.run(here, GET).status()).isEqualTo(429);
        assertThat(here).isEqualTo(there);
    }

    @Test
    void buckets_survive_a_swap_to_an_equal_limit_and_to_other_headers() {
        RateLimit before = started(RateLimit.builder("api").limit(1, SECOND).build());
        assertThat(statuses(before, 2)).containsExactly(200, 429);
        RateLimit after = started(
                RateLimit.builder("api").limit(1, SECOND).legacyHeaders().build());
        before.stop();
        assertThat(chain.run(after, GET).status()).isEqualTo(429);
        assertThat(after.state()).isEqualTo(before.state()).hasSize(1);
        assertThat(after).isNotEqualTo(before);
    }

    @Test
    void other_limits_begin_anew() {
        started(RateLimit.builder("api").limit(1, SECOND).build());
        RateLimit after = RateLimit.builder("api").limit(2, SECOND).build();
        started(after);
        assertThat(statuses(after, 3)).containsExactly(200, 200, 429);
    }

    @Test
    void is_a_value() {
        RateLimit limit = RateLimit.perClient(100, SECOND);
        assertThat(limit)
                .isEqualTo(RateLimit.perClient(100, Duration.ofMillis(1000)))
                .hasSameHashCodeAs(RateLimit.perClient(100, SECOND))
                .isNotEqualTo(RateLimit.perClient(101, SECOND))
                .isNotEqualTo("limit")
                .hasToString("rate limit \"per-client-100-per-1s\": 100 per 1s for each client");
        assertThat(RateLimit.builder("x").limit(5, SECOND).burst(2).withoutKey().build())
                .hasToString("rate limit \"x\": 5 per 1s (burst 2) for all together");
        assertThat(RateLimit.builder("x")
                        .limit(1, SECOND)
                        .cost("a", (request, exchange) -> 1)
                        .build())
                .isEqualTo(RateLimit.builder("x")
                        .limit(1, SECOND)
                        .cost("a", (request, exchange) -> 1)
                        .build())
                .isNotEqualTo(RateLimit.builder("x").limit(1, SECOND).build());
    }

    @Test
    void reports_all_problems_with_the_cure() {
        RateLimit nothing = RateLimit.builder(" ").build();
        assertThat(nothing.problems())
                .containsExactly(
                        "name is missing (expected: RateLimit.builder(\"…\"))",
                        "no limit is set (expected: limit(permits, window))");
        assertThat(nothing.state()).isEmpty();
        assertThatThrownBy(() -> started(nothing)).hasMessageContaining("name is missing");

        RateLimit.Builder much = RateLimit.builder("größer").limit(999_983, Duration.ofDays(30));
        for (int i = 1; i <= 4; i++) {
            much.limit(1, SECOND);
        }
        assertThat(much.build().problems())
                .containsExactly(
                        "name \"größer\" cannot stand in a header (expected: printable ASCII)",
                        "5 limits are set (expected: at most 4)",
                        "two limits have the same window (expected: one limit for each window)",
                        "limit 999983 per 30d cannot be counted exactly"
                                + " (expected: a shorter window, a smaller burst, or a rounder number)");
        assertThat(RateLimit.perClient(1, SECOND).problems()).isEmpty();
    }

    @Test
    void refuses_arguments_out_of_range_at_once() {
        RateLimit.Builder builder = RateLimit.builder("x");
        assertThatThrownBy(() -> builder.burst(1))
                .hasMessage("burst: no limit to apply to (expected: limit(…).burst(…))");
        assertThatThrownBy(() -> builder.limit(0, SECOND)).hasMessageContaining("permits: 0");
        assertThatThrownBy(() -> builder.maxKeys(0)).hasMessage("maxKeys: 0 (expected: 1 to 100000000)");
        assertThatThrownBy(() -> builder.maxKeys(100_000_001)).hasMessageContaining("maxKeys: 100000001");
    }

    @Test
    void does_not_let_requests_through_when_it_was_not_started() {
        RateLimit limit = RateLimit.perClient(1, SECOND);
        assertThatThrownBy(() -> chain.run(limit, GET)).hasMessageContaining("is not started");
        started(limit);
        started(limit);
        assertThat(chain.run(limit, GET).status()).isEqualTo(200);
        assertThatThrownBy(() ->
                        limit.start(new FakeServices()).toCompletableFuture().join())
                .hasMessageContaining("belongs to another gateway");
        limit.stop();
        assertThatThrownBy(() -> chain.run(limit, GET)).hasMessageContaining("is not started");
    }

    @Test
    void keeps_what_every_filter_owes_the_gateway() {
        FilterContract.check(
                RateLimit.perClient(100, SECOND),
                RateLimit.perClient(1, Duration.ofHours(1)),
                RateLimit.builder("quiet").limit(10, SECOND).withoutHeaders().build(),
                RateLimit.builder("strict")
                        .key(RequestKey.header("X-Api-Key"))
                        .refuseWhenKeyMissing()
                        .limit(1, SECOND)
                        .build());
    }

    private RateLimit started(RateLimit limit) {
        limit.start(services).toCompletableFuture().join();
        return limit;
    }

    private List<Integer> statuses(RateLimit limit, int requests) {
        return java.util.stream.IntStream.range(0, requests)
                .mapToObj(i -> chain.run(limit, GET).status())
                .toList();
    }

    private int from(RateLimit limit, String address) {
        exchange.client(client(address));
        return chain.run(limit, GET).status();
    }

    private String keyFrom(RequestKey key, String address) {
        return key.of(GET, exchange.client(client(address)));
    }

    private static ClientInfo client(String address) {
        try {
            return ClientInfo.of(new InetSocketAddress(InetAddress.getByName(address), 1234));
        } catch (UnknownHostException notLiteral) {
            throw new IllegalArgumentException(notLiteral);
        }
    }

    private static String violated(Response refused) throws Exception {
        return new ObjectMapper()
                .readTree(((BufferedBody) refused.body()).text())
                .get("violated-policies")
                .toString();
    }
}
