package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.postern.Body;
import dev.postern.ClientInfo;
import dev.postern.ExchangeObserver;
import dev.postern.Failure;
import dev.postern.Outcome;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.runtime.observe.AccessLogField;
import dev.postern.runtime.observe.FakeServices;
import dev.postern.runtime.observe.LogCapture;
import dev.postern.testing.FakeExchange;
import dev.postern.testing.ManualTime;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class AccessLogTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Outcome OK = outcome(200, null, Duration.ofMillis(12));

    private final List<String> lines = new ArrayList<>();

    @Test
    void a_line_tells_who_asked_for_what_and_how_it_ended() {
        FakeExchange exchange = new FakeExchange(ManualTime.at(Instant.parse("2026-03-04T05:06:07.089Z")))
                .client(ClientInfo.of(new InetSocketAddress("192.0.2.77", 4711)).encrypted())
                .route(route("orders-read"));
        exchange.set(TraceContext.TRACE_ID, "4bf92f3577b34da6a3ce929d0e0e4736");
        exchange.authenticate(new Principal("alice", "jwt", Set.of("orders"), Map.of("email", "a@example.com")));
        Request request = Request.of("POST", "/orders/7?verbose=1").withAuthority("api.example.com:8443");
        Outcome outcome = new Outcome(
                504,
                Failure.CONNECT_TIMEOUT,
                "connect_timeout",
                Duration.ofNanos(2_012_345_678),
                Duration.ofSeconds(2),
                10,
                321,
                2,
                "orders",
                "http://10.0.0.7:8081");
        log().ended(request, exchange, outcome);
        assertThat(lines)
                .containsExactly("{\"time\":\"2026-03-04T05:06:07.089Z\",\"id\":\"00000000000000000000000000000001\","
                        + "\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"client\":\"192.0.2.77\","
                        + "\"principal\":\"alice\",\"tls\":true,\"method\":\"POST\",\"host\":\"api.example.com:8443\","
                        + "\"path\":\"/orders/7\",\"status\":504,\"failure\":\"connect_timeout\","
                        + "\"reason\":\"connect_timeout\",\"route\":\"orders-read\",\"upstream\":\"orders\","
                        + "\"endpoint\":\"http://10.0.0.7:8081\",\"attempts\":2,\"duration_ms\":2012.345,"
                        + "\"upstream_ms\":2000.000,\"gateway_ms\":12.345,\"request_bytes\":10,"
                        + "\"response_bytes\":321}");
    }

    @Test
    void what_was_refused_with_an_answer_has_a_line_and_the_rest_has_none() {
        InetSocketAddress peer = new InetSocketAddress("192.0.2.77", 4711);
        log().refused(new ExchangeObserver.Refused("edge", "framing.bare_lf", 400, "0a1b", peer));
        log().refused(new ExchangeObserver.Refused("edge", "h2.flood", 429, null, peer));
        assertThat(lines).hasSize(1);
        assertThat(lines.get(0))
                .matches("\\{\"time\":\"[^\"]{24}\",\"id\":\"0a1b\",\"listener\":\"edge\",\"client\":\"192.0.2.77\","
                        + "\"status\":400,\"reason\":\"framing.bare_lf\"}");
    }

    @Test
    void what_is_not_known_is_left_out() {
        JsonNode line = ended(AccessLog.json(), Request.get("/"), OK);
        List<String> names = new ArrayList<>();
        line.fieldNames().forEachRemaining(names::add);
        assertThat(names)
                .containsExactly(
                        "time",
                        "id",
                        "client",
                        "tls",
                        "method",
                        "host",
                        "path",
                        "status",
                        "route",
                        "attempts",
                        "duration_ms",
                        "upstream_ms",
                        "gateway_ms",
                        "request_bytes",
                        "response_bytes");
    }

    @Test
    void a_line_with_everything_has_every_field_in_its_order() {
        FakeExchange exchange = new FakeExchange().listener("edge");
        exchange.set(TraceContext.TRACE_ID, "4bf92f3577b34da6a3ce929d0e0e4736");
        exchange.authenticate(new Principal("alice", "jwt", Set.of(), Map.of()));
        Request request = Request.get("/a?b=c").withHeader("User-Agent", "curl");
        Outcome outcome =
                new Outcome(502, Failure.TLS_FAILED, "tls", Duration.ZERO, Duration.ZERO, 0, 0, 1, "u", "http://e");
        JsonNode line = ended(AccessLog.json().headers("User-Agent").queryNames(), request, exchange, outcome);
        List<String> names = new ArrayList<>();
        line.fieldNames().forEachRemaining(names::add);
        assertThat(names)
                .containsExactlyElementsOf(Arrays.stream(AccessLogField.values())
                        .map(AccessLogField::key)
                        .toList());
    }

    @Test
    void times_have_milliseconds_also_on_the_full_second_and_across_seconds() {
        ManualTime time = ManualTime.at(Instant.parse("2026-12-31T23:59:59Z"));
        FakeExchange exchange = new FakeExchange(time);
        AccessLog log = AccessLog.json();
        assertThat(ended(log, Request.get("/"), exchange, OK).get("time").textValue())
                .isEqualTo("2026-12-31T23:59:59.000Z");
        time.advance(Duration.ofMillis(999));
        assertThat(ended(log, Request.get("/"), exchange, OK).get("time").textValue())
                .isEqualTo("2026-12-31T23:59:59.999Z");
        time.advance(Duration.ofMillis(1));
        assertThat(ended(log, Request.get("/"), exchange, OK).get("time").textValue())
                .isEqualTo("2027-01-01T00:00:00.000Z");
        time.advance(Duration.ofMillis(50));
        assertThat(ended(log, Request.get("/"), exchange, OK).get("time").textValue())
                .isEqualTo("2027-01-01T00:00:00.050Z");
    }

    @Test
    void time_that_upstreams_took_beyond_the_whole_leaves_none_for_the_gateway() {
        Outcome odd = new Outcome(200, null, null, Duration.ofMillis(1), Duration.ofMillis(2), 0, 0, 1, "u", "e");
        assertThat(ended(AccessLog.json(), Request.get("/"), odd)
                        .get("gateway_ms")
                        .asDouble())
                .isZero();
    }

    @Test
    void headers_are_shown_only_when_listed_and_present() {
        Request request = Request.get("/").withHeader("User-Agent", "curl/8").withHeader("Accept", "*/*");
        assertThat(ended(AccessLog.json(), request, OK).has("headers")).isFalse();
        assertThat(ended(AccessLog.json().headers("X-None"), request, OK).has("headers"))
                .isFalse();
        assertThat(ended(AccessLog.json().headers("USER-AGENT", "X-None"), request, OK)
                        .get("headers"))
                .hasToString("{\"user-agent\":\"curl/8\"}");
        assertThat(ended(AccessLog.json().headers("User-Agent").headers("Accept"), request, OK)
                        .get("headers"))
                .hasToString("{\"accept\":\"*/*\",\"user-agent\":\"curl/8\"}");
    }

    @Test
    void paths_and_the_last_bits_of_addresses_can_be_left_out() {
        FakeExchange exchange =
                new FakeExchange().client(ClientInfo.of(new InetSocketAddress("2001:db8:1:2:3:4:5:6", 1)));
        JsonNode line =
                ended(AccessLog.json().withoutPaths().truncateAddresses(), Request.get("/reset/abc"), exchange, OK);
        assertThat(line.has("path")).isFalse();
        assertThat(line.get("client").textValue()).isEqualTo("2001:db8:1::");
    }

    @Test
    void of_a_query_at_most_the_names_are_shown() {
        Request request = Request.get("/?page=1&code=s3cret");
        assertThat(ended(AccessLog.json(), request, OK).toString()).doesNotContain("page", "s3cret");
        assertThat(ended(AccessLog.json().queryNames(), request, OK)
                        .get("query")
                        .textValue())
                .isEqualTo("page&code");
        assertThat(ended(AccessLog.json().queryNames(), Request.get("/?"), OK).has("query"))
                .isFalse();
    }

    // T137
    static Stream<String> hostileTexts() {
        return Stream.of(
                "a\r\nb",
                "a\n{\"status\":200}",
                "\u001b[2J\u001b[31mred",
                "\u009b31m",
                "\"},{\"x\":\"",
                "\\",
                "\\\"",
                "\\u000a",
                "${jndi:ldap://evil.example/a}",
                "$${env:HOME}",
                "{0} {} %s %n %d",
                "\u0000\u0007\b\f\t\u007f",
                "\u2028\u2029\u0085",
                "\u202egnp.exe",
                "\ud800",
                "\udc00\ud800x",
                "😀",
                "<script>alert(1)</script>",
                "x".repeat(10_240),
                "\r\n".repeat(5_120));
    }

    @ParameterizedTest
    @MethodSource("hostileTexts")
    void hostile_text_in_any_field_stays_in_its_field_on_its_line(String text) {
        FakeExchange exchange = new FakeExchange().route(route("r" + text));
        exchange.authenticate(new Principal(text, "jwt", Set.of(), Map.of()));
        Request request =
                Request.get("/?" + text.replaceAll("[^a-z]", "") + "=1").withPath("/" + percent(text));
        String fitting = text.replaceAll("[^ -~\u0080-\u00ff\t]", "").strip();
        request = request.withHeader("X-Text", fitting);
        Outcome outcome = new Outcome(200, null, text, Duration.ZERO, Duration.ZERO, 0, 0, 0, text, text);
        AccessLog log = AccessLog.json().headers("X-Text").queryNames();
        JsonNode line = ended(log, request, exchange, outcome);
        String raw = lines.get(lines.size() - 1);
        assertThat(raw).matches("[ -~]+").doesNotContain("${");
        assertThat(raw.length()).isLessThan(20_000);
        assertThat(line.get("principal").textValue()).isEqualTo(readable(text, AccessLogField.PRINCIPAL));
        assertThat(line.get("reason").textValue()).isEqualTo(readable(text, AccessLogField.REASON));
        assertThat(line.get("upstream").textValue()).isEqualTo(readable(text, AccessLogField.UPSTREAM));
        assertThat(line.get("endpoint").textValue()).isEqualTo(readable(text, AccessLogField.ENDPOINT));
        assertThat(line.get("route").textValue()).isEqualTo(readable("r" + text, AccessLogField.ROUTE));
        assertThat(line.get("path").textValue()).isEqualTo(readable("/" + percent(text), AccessLogField.PATH));
        assertThat(line.at("/headers/x-text").textValue()).isEqualTo(readable(fitting, AccessLogField.HEADERS));
        assertThat(line.get("status").intValue()).isEqualTo(200);
    }

    // T138
    @Test
    void no_credential_is_in_a_line_whatever_is_listed() {
        String canary = "CANARY5f3a";
        FakeExchange exchange = new FakeExchange();
        exchange.authenticate(new Principal("alice", "jwt", Set.of(canary), Map.of("password", canary)));
        exchange.pathVariable("token", canary);
        String[] names = {
            "Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "X-Session", "X-Jwt", "DPoP"
        };
        Request request = Request.get("/a;jsessionid=" + canary + "/b;" + canary + "?code=" + canary + "&" + canary)
                .withHeader("Referer", "https://" + canary + "@a.example/b?token=" + canary)
                .withHeader("X-Harmless", "Bearer " + canary)
                .withHeader("X-Not-Listed", canary)
                .withBody(Body.of(canary));
        for (String name : names) {
            request = request.withHeader(name, canary);
        }
        AccessLog log = AccessLog.json().queryNames().headers(names).headers("Referer", "X-Harmless");
        JsonNode line = ended(log, request, exchange, outcome(401, Failure.FILTER_FAILED, Duration.ZERO));
        assertThat(lines.get(0)).doesNotContain(canary);
        assertThat(line.at("/headers/authorization").textValue()).isEqualTo("***");
        assertThat(line.at("/headers/referer").textValue()).isEqualTo("https://a.example/b");
        assertThat(log.toString()).doesNotContain(canary);
    }

    @Test
    void of_the_successful_a_share_is_written_and_of_all_others_every_one() {
        AccessLog log =
                AccessLog.json().sample(0.1).slowerThan(Duration.ofSeconds(1)).to(lines::add);
        log.start(new FakeServices(42)).toCompletableFuture().join();
        assertThat(written(log, 10_000, outcome(200, null, Duration.ofMillis(999))))
                .isBetween(900, 1_100);
        assertThat(written(log, 100, outcome(200, null, Duration.ofSeconds(1)))).isEqualTo(100);
        assertThat(written(log, 100, outcome(404, null, Duration.ZERO))).isEqualTo(100);
        assertThat(written(log, 100, outcome(503, null, Duration.ZERO))).isEqualTo(100);
        assertThat(written(log, 100, outcome(200, Failure.RESPONSE_BODY_BROKEN, Duration.ZERO)))
                .isEqualTo(100);
    }

    @Test
    void a_sample_of_none_writes_no_success_and_a_sample_without_a_gateway_still_works() {
        assertThat(written(AccessLog.json().sample(0).to(lines::add), 1_000, OK))
                .isZero();
        assertThat(written(AccessLog.json().sample(0.5).to(lines::add), 10_000, OK))
                .isBetween(4_000, 6_000);
    }

    @Test
    void lines_go_to_a_logger_of_their_own_as_they_are() {
        try (LogCapture log = new LogCapture("dev.postern.access", Level.INFO)) {
            AccessLog.json().ended(Request.get("/it's/{0}".replace("{0}", "%7B0%7D")), new FakeExchange(), OK);
            assertThat(log.messages()).hasSize(1);
            assertThat(log.messages().get(0)).startsWith("INFO {\"time\":").contains("\"path\":\"/it's/%7B0%7D\"");
        }
    }

    @Test
    void while_the_logger_is_off_nothing_is_put_together() {
        try (LogCapture log = new LogCapture("dev.postern.access", Level.WARNING)) {
            // A request that is not there would be noticed.
            AccessLog.json().ended(null, null, OK);
            assertThat(log.messages()).isEmpty();
        }
    }

    @Test
    void logs_with_the_same_options_are_equal() {
        AccessLog log = AccessLog.json().headers("B", "a").sample(0.5).slowerThan(Duration.ofSeconds(1));
        assertThat(log)
                .isEqualTo(AccessLog.json()
                        .slowerThan(Duration.ofMillis(1000))
                        .sample(0.5)
                        .headers("A")
                        .headers("b"))
                .hasSameHashCodeAs(AccessLog.json()
                        .slowerThan(Duration.ofMillis(1000))
                        .sample(0.5)
                        .headers("A", "b"))
                .isNotEqualTo(log.sample(0.4))
                .isNotEqualTo(log.slowerThan(Duration.ofSeconds(2)))
                .isNotEqualTo(log.queryNames())
                .isNotEqualTo(log.withoutPaths())
                .isNotEqualTo(log.truncateAddresses())
                .isNotEqualTo(log.to(lines::add))
                .isNotEqualTo("log");
        assertThat(log.toString()).contains("[a, b]", "sample 0.5", "slower than PT1S");
        assertThat(AccessLog.json().toString()).doesNotContain("slower");
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
    void a_share_outside_0_to_1_is_refused(double share) {
        assertThatThrownBy(() -> AccessLog.json().sample(share))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("share: " + share + " (expected: 0 to 1)");
    }

    @Test
    void blank_names_and_negative_durations_are_refused() {
        assertThatThrownBy(() -> AccessLog.json().headers(" ")).hasMessage("header name is blank");
        assertThatThrownBy(() -> AccessLog.json().slowerThan(Duration.ofMillis(-1)))
                .hasMessage("duration: PT-0.001S (expected: >= 0)");
    }

    private AccessLog log() {
        return AccessLog.json().to(lines::add);
    }

    private JsonNode ended(AccessLog log, Request request, Outcome outcome) {
        return ended(log, request, new FakeExchange(), outcome);
    }

    private JsonNode ended(AccessLog log, Request request, FakeExchange exchange, Outcome outcome) {
        log.to(lines::add).ended(request, exchange, outcome);
        try {
            return JSON.readTree(lines.get(lines.size() - 1));
        } catch (JsonProcessingException broken) {
            throw new AssertionError(lines.get(lines.size() - 1), broken);
        }
    }

    private int written(AccessLog log, int times, Outcome outcome) {
        int before = lines.size();
        for (int i = 0; i < times; i++) {
            log.ended(Request.get("/"), new FakeExchange(), outcome);
        }
        return lines.size() - before;
    }

    /** What a reader may expect of a value: cut, and without halves of pairs. */
    private static String readable(String text, AccessLogField field) {
        String cut = text.length() > field.limit() ? text.substring(0, field.limit()) : text;
        String whole = cut.codePoints()
                .map(c -> c >= 0xd800 && c <= 0xdfff ? 0xfffd : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
        return cut.length() < text.length() ? whole + "…" : whole;
    }

    private static String percent(String text) {
        return text.replaceAll("[^a-zA-Z0-9$:./]", "%00");
    }

    private static Route route(String id) {
        return Route.builder(id).answer(Response.of(200)).build();
    }

    private static Outcome outcome(int status, Failure failure, Duration duration) {
        return new Outcome(status, failure, null, duration, Duration.ZERO, 0, 0, 0, null, null);
    }
}
