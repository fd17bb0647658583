package dev.postern.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the quickstart promises on the screen, over real sockets. */
class QuickstartTest {
    private static final Pattern SERVICE = Pattern.compile("\"service\":\"([^\"]+)\"");

    private final Queue<String> accessLog = new ConcurrentLinkedQueue<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private Quickstart demo;

    @BeforeEach
    void start() {
        demo = Quickstart.start(0, 0, accessLog::add);
    }

    @AfterEach
    void stop() {
        // Without a drain: the client of these tests keeps its connections open.
        demo.admin.stop(Duration.ZERO);
        demo.gateway.stop(Duration.ZERO);
        demo.close();
    }

    @Test
    void answers_come_from_all_endpoints_in_turn() throws Exception {
        Map<String, Integer> answers = new TreeMap<>();
        for (int i = 0; i < 30; i++) {
            answers.merge(service(get("/orders/7")), 1, Integer::sum);
        }
        assertThat(answers).isEqualTo(Map.of("orders-1", 10, "orders-2", 10, "orders-3", 10));
    }

    @Test
    void an_endpoint_that_is_killed_goes_unnoticed() throws Exception {
        demo.services.kill("orders-2");
        for (int i = 0; i < 12; i++) {
            HttpResponse<String> answer = get("/orders/7");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(service(answer)).isIn("orders-1", "orders-3");
        }

        demo.services.restart("orders-2");
        await().atMost(Duration.ofSeconds(10)).until(() -> service(get("/orders/7")), "orders-2"::equals);
    }

    @Test
    void path_variables_reach_services_and_handlers() throws Exception {
        assertThat(get("/customers/ann/orders/7").body()).contains("GET /v2/orders/7/of/ann");
        // What was one segment stays one segment, however it is written.
        assertThat(get("/customers/a%20b/orders/7").body()).contains("GET /v2/orders/7/of/a%20b");
        assertThat(get("/hello/a%20b").body()).startsWith("Hello a b, request ");
    }

    @Test
    void the_canary_takes_its_share_of_users_and_keeps_them() throws Exception {
        List<String> first = whoServes(200);
        assertThat(first.stream().filter("prices-canary"::equals).count()).isBetween(20L, 60L);
        assertThat(whoServes(200)).isEqualTo(first);
    }

    @Test
    void another_share_comes_into_force_without_a_restart() throws Exception {
        HttpResponse<String> plan = post("/canary/100");
        assertThat(plan.statusCode()).isEqualTo(200);
        assertThat(plan.body()).contains("route \"price\"").contains("prices-canary:100");
        assertThat(whoServes(20)).containsOnly("prices-canary");

        assertThat(post("/canary/0").statusCode()).isEqualTo(200);
        assertThat(whoServes(20)).containsOnly("prices");
        // What the swap did not name goes on as it was: the counters of the rate limit among them.
        assertThat(get("/orders/7").statusCode()).isEqualTo(200);
    }

    @Test
    void only_a_good_token_with_the_scope_gets_to_the_users() throws Exception {
        HttpResponse<String> missing = get("/users/ann");
        assertThat(missing.statusCode()).isEqualTo(401);
        assertThat(missing.headers().firstValue("WWW-Authenticate")).hasValue("Bearer realm=\"api\"");
        assertProblem(missing, "token_missing");

        HttpResponse<String> forged = get("/users/ann", "Authorization", "Bearer " + forged());
        assertThat(forged.statusCode()).isEqualTo(401);
        assertProblem(forged, "token_invalid");

        String old = demo.issuer.token("ann", "users:read", Instant.now().minusSeconds(600));
        assertThat(get("/users/ann", "Authorization", "Bearer " + old).statusCode())
                .isEqualTo(401);

        HttpResponse<String> weak = get("/users/ann", "Authorization", "Bearer " + demo.issuer.token("bob", "profile"));
        assertThat(weak.statusCode()).isEqualTo(403);
        assertThat(weak.headers().firstValue("WWW-Authenticate").orElse("")).contains("insufficient_scope");
        assertProblem(weak, "insufficient_scope");

        HttpResponse<String> good =
                get("/users/ann", "Authorization", "Bearer " + demo.issuer.token("ann", "profile users:read"));
        assertThat(good.statusCode()).isEqualTo(200);
        assertThat(service(good)).isEqualTo("users");
    }

    @Test
    void only_a_known_key_with_the_scope_gets_to_the_orders_of_partners() throws Exception {
        HttpResponse<String> missing = get("/partner/orders/7");
        assertThat(missing.statusCode()).isEqualTo(401);
        assertThat(missing.headers().firstValue("WWW-Authenticate")).hasValue("ApiKey realm=\"api\"");
        assertProblem(missing, "api_key_invalid");

        assertThat(get("/partner/orders/7", "X-API-Key", "no-such-key-at-all").statusCode())
                .isEqualTo(401);
        HttpResponse<String> guest = get("/partner/orders/7", "X-API-Key", DemoGateway.GUEST_KEY);
        assertThat(guest.statusCode()).isEqualTo(403);
        assertProblem(guest, "insufficient_scope");

        HttpResponse<String> good = get("/partner/orders/7", "X-API-Key", DemoGateway.PARTNER_KEY);
        assertThat(good.statusCode()).isEqualTo(200);
        assertThat(good.body()).contains("GET /orders/7");
    }

    @Test
    void the_fourth_search_is_told_when_to_come_back() throws Exception {
        List<HttpResponse<String>> answers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            answers.add(get("/search"));
        }
        assertThat(answers).extracting(HttpResponse::statusCode).containsExactly(200, 200, 200, 429);
        for (int i = 0; i < 3; i++) {
            assertThat(answers.get(i).headers().firstValue("RateLimit-Policy")).hasValue("\"search\";q=3;w=30");
            assertThat(answers.get(i).headers().firstValue("RateLimit").orElse(""))
                    .startsWith("\"search\";r=" + (2 - i));
        }
        HttpResponse<String> refused = answers.get(3);
        assertProblem(refused, "rate_limited");
        String wait = refused.headers().firstValue("Retry-After").orElse("");
        assertThat(Integer.parseInt(wait)).isBetween(8, 10);
        assertThat(refused.headers().firstValue("RateLimit")).hasValue("\"search\";r=0;t=" + wait);
        assertThat(refused.headers().firstValue("RateLimit-Policy")).hasValue("\"search\";q=3;w=30");
    }

    @Test
    void the_dashboard_does_without_recommendations_but_not_without_the_user() throws Exception {
        HttpResponse<String> whole = get("/dashboard/ann");
        assertThat(whole.statusCode()).isEqualTo(200);
        assertThat(whole.body())
                .contains("\"received\":\"GET /users/ann\"")
                .contains("\"received\":\"GET /orders?user=ann\"")
                .contains("\"received\":\"GET /for/ann\"")
                .doesNotContain("_errors");

        demo.services.kill("recommendations");
        HttpResponse<String> partial = get("/dashboard/ann");
        assertThat(partial.statusCode()).isEqualTo(200);
        assertThat(partial.body())
                .contains("\"received\":\"GET /users/ann\"")
                .contains("\"recommended\":null")
                .contains("\"_errors\":[{\"call\":\"recommended\"");

        demo.services.kill("users");
        HttpResponse<String> none = get("/dashboard/ann");
        assertThat(none.statusCode()).isEqualTo(502);
        assertThat(none.body()).contains("user").doesNotContain("127.0.0.1");
    }

    @Test
    void unknown_paths_and_methods_are_problems_with_an_id() throws Exception {
        HttpResponse<String> unknown = get("/nowhere");
        assertThat(unknown.statusCode()).isEqualTo(404);
        assertProblem(unknown, "no_route");
        assertThat(unknown.headers().firstValue("X-Request-Id").orElse("")).hasSize(32);
        // The answers of services bring one, our own must have one, and none has two.
        assertThat(unknown.headers().allValues("Date")).hasSize(1);
        assertThat(get("/orders/7").headers().allValues("Date")).hasSize(1);

        HttpResponse<String> method = send("DELETE", demo.url() + "/orders/7");
        assertThat(method.statusCode()).isEqualTo(405);
        assertProblem(method, "method_not_allowed");
        assertThat(method.headers().firstValue("Allow")).hasValue("GET, HEAD");
    }

    @Test
    void a_killed_service_is_a_502_until_it_is_back() throws Exception {
        assertThat(get("/inventory/sku-1").statusCode()).isEqualTo(200);

        assertThat(post("/services/inventory/kill").statusCode()).isEqualTo(200);
        HttpResponse<String> dead = get("/inventory/sku-1");
        assertThat(dead.statusCode()).isEqualTo(502);
        assertProblem(dead, "connect_failed");
        assertThat(dead.headers().firstValue("Proxy-Status").orElse("")).contains("error=connection_refused");
        assertThat(dead.body()).doesNotContain("127.0.0.1");

        assertThat(post("/services/inventory/restart").statusCode()).isEqualTo(200);
        awaitAnswerFromInventory();
    }

    @Test
    void a_stalled_service_is_a_504_in_time_until_it_is_back() throws Exception {
        assertThat(post("/services/inventory/stall").statusCode()).isEqualTo(200);
        long before = System.nanoTime();
        HttpResponse<String> stalled = get("/inventory/sku-1");
        Duration waited = Duration.ofNanos(System.nanoTime() - before);
        assertThat(stalled.statusCode()).isEqualTo(504);
        assertProblem(stalled, "first_byte_timeout");
        assertThat(waited).isBetween(Duration.ofMillis(950), Duration.ofSeconds(3));

        assertThat(post("/services/inventory/restart").statusCode()).isEqualTo(200);
        awaitAnswerFromInventory();
    }

    @Test
    void an_ambiguous_request_is_refused_and_reaches_nobody() throws Exception {
        URI url = URI.create(demo.url());
        try (Socket socket = new Socket(url.getHost(), url.getPort())) {
            socket.setSoTimeout(5_000);
            socket.getOutputStream()
                    .write(
                            ("GET /orders/7 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                                            + "0\r\n\r\n")
                                    .getBytes(StandardCharsets.US_ASCII));
            assertThat(toTheEnd(socket.getInputStream()))
                    .startsWith("HTTP/1.1 400 ")
                    .contains("framing.te_and_cl");
        }
    }

    @Test
    void every_exchange_is_a_line_in_the_log_and_a_count_in_the_metrics() throws Exception {
        get("/orders/7");
        get("/nowhere");
        await().atMost(Duration.ofSeconds(5)).until(() -> accessLog.size() >= 2);
        assertThat(accessLog)
                .anySatisfy(line -> assertThat(line)
                        .contains("\"path\":\"/orders/7\",\"status\":200,\"route\":\"order\",\"upstream\":\"orders\""))
                .anySatisfy(line -> assertThat(line).contains("\"status\":404,\"failure\":\"no_route\""));

        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> assertThat(
                                send("GET", demo.adminUrl() + "/metrics").body())
                        .containsPattern("postern_requests_seconds_count\\{[^}]*route=\"order\"[^}]*} 1")
                        .containsPattern("postern_failures_exchanges_total\\{[^}]*failure=\"no_route\"[^}]*} 1"));
    }

    @Test
    void explain_tells_the_endpoint_and_takes_no_turn() throws Exception {
        assertThat(demo.explained()).contains("✓ price").contains("sticky by header X-User");
        assertThat(demo.explained()).isEqualTo(demo.explained());
        assertThat(demo.guide()).doesNotContain("${");
    }

    // ---- client

    private HttpResponse<String> get(String path, String... headers) throws IOException, InterruptedException {
        return send("GET", demo.url() + path, headers);
    }

    private HttpResponse<String> post(String path) throws IOException, InterruptedException {
        return send("POST", demo.adminUrl() + path);
    }

    private HttpResponse<String> send(String method, String url, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
                .version(HttpClient.Version.HTTP_1_1)
                .timeout(Duration.ofSeconds(10))
                .method(method, HttpRequest.BodyPublishers.noBody());
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private static String toTheEnd(InputStream in) throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
    }

    private List<String> whoServes(int users) throws IOException, InterruptedException {
        List<String> services = new ArrayList<>();
        for (int user : IntStream.range(0, users).toArray()) {
            services.add(service(get("/prices/sku-1", "X-User", "user-" + user)));
        }
        return services;
    }

    private void awaitAnswerFromInventory() {
        await().atMost(Duration.ofSeconds(10))
                .until(() -> get("/inventory/sku-1").body().contains("\"service\":\"inventory\""));
    }

    /** Signed by somebody else. */
    private static String forged() {
        try (DemoIssuer stranger = DemoIssuer.start()) {
            return stranger.token("ann", "users:read");
        }
    }

    private static String service(HttpResponse<String> answer) {
        Matcher found = SERVICE.matcher(answer.body());
        return found.find() ? found.group(1) : answer.statusCode() + " " + answer.body();
    }

    private static void assertProblem(HttpResponse<String> answer, String code) {
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        assertThat(answer.body()).contains("\"status\":" + answer.statusCode()).contains("\"code\":\"" + code + "\"");
    }
}
