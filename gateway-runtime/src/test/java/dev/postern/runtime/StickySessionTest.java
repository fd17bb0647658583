package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ClientInfo;
import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.LoadBalancer;
import dev.postern.ManualDiscovery;
import dev.postern.Match;
import dev.postern.OutlierDetection;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.StickyCookie;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import dev.postern.runtime.rig.WebSocketPeer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Sessions kept by a cookie, over sockets, with four loops. */
class StickySessionTest {
    private static final StickyCookie COOKIE = LoadBalancer.stickyCookie("SRV", "0123456789abcdef");

    @RegisterExtension
    final GatewayRig rig = GatewayRig.ofLoops(4);

    private RawOrigin[] origins(int count) throws Exception {
        RawOrigin[] origins = new RawOrigin[count];
        for (int i = 0; i < count; i++) {
            origins[i] = rig.origin(RawOrigin.ok("endpoint " + i));
        }
        return origins;
    }

    private Running start(UnaryOperator<Upstream.Builder> settings, RawOrigin... origins) {
        Upstream upstream = settings.apply(Upstream.builder("orders")
                        .endpoints(Arrays.stream(origins).map(RawOrigin::url).toArray(String[]::new))
                        .loadBalancer(COOKIE))
                .build();
        return start(upstream);
    }

    private Running start(Upstream upstream) {
        return rig.start(gateway -> gateway.upstream(upstream)
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .webSockets()
                        .to("orders")
                        .build()));
    }

    private static Answer get(Running running, String... cookies) throws Exception {
        RawClient client = running.client();
        String[] lines = Arrays.stream(cookies).map(value -> "Cookie: " + value).toArray(String[]::new);
        Answer answer = client.request("GET", "/", "", lines).read();
        client.close();
        return answer;
    }

    /** What a client would send back: {@code SRV=value}. */
    private static String told(Answer answer) {
        assertThat(answer.headers("Set-Cookie")).hasSize(1);
        return answer.header("Set-Cookie").split(";")[0];
    }

    @Test
    void a_client_stays_with_its_endpoint_and_is_told_once() throws Exception {
        RawOrigin[] origins = origins(4);
        Running running = start(upstream -> upstream, origins);
        Map<String, String> told = new HashMap<>();
        for (int i = 0; i < 40; i++) {
            Answer answer = get(running);
            String cookie = told(answer);
            assertThat(answer.header("Set-Cookie")).matches("SRV=[\\w-]{22}; Path=/; HttpOnly; SameSite=Lax");
            assertThat(told.merge(cookie, answer.text(), (old, now) -> old)).isEqualTo(answer.text());
        }
        // Those without a cookie are spread exactly, whichever loop they came to.
        assertThat(told).hasSize(4);
        for (RawOrigin origin : origins) {
            assertThat(origin.received()).hasSize(10);
        }
        for (int i = 0; i < 12; i++) {
            for (Map.Entry<String, String> client : told.entrySet()) {
                Answer answer = get(running, "a=b; " + client.getKey() + "; c=d");
                assertThat(answer.text()).isEqualTo(client.getValue());
                assertThat(answer.header("Set-Cookie")).isNull();
            }
        }
        // It is between the client and the gateway.
        assertThat(origins[0].received())
                .hasSize(22)
                .allSatisfy(request -> assertThat(request.head()).doesNotContain("SRV"));
        assertThat(origins[0].received().get(21).headers("Cookie")).containsExactly("a=b; c=d");
        assertThat(told.keySet()).noneMatch(cookie -> cookie.contains("127.0.0.1"));
    }

    @Test
    void cookies_that_are_forged_twice_there_or_too_long_are_none() throws Exception {
        RawOrigin[] origins = origins(2);
        Running running = start(upstream -> upstream, origins);
        String own = told(get(running));
        for (String[] lines : List.of(
                new String[] {"SRV=" + "A".repeat(22)},
                new String[] {"SRV="},
                new String[] {"SRV=" + "x".repeat(6000)},
                new String[] {"SRV=" + origins[0].url()},
                new String[] {own + "; " + own},
                new String[] {own, "SRV=x"})) {
            Answer answer = get(running, lines);
            assertThat(answer.status()).isEqualTo(200);
            assertThat(told(answer)).startsWith("SRV=").hasSize(26);
        }
        assertThat(origins[0].received().size() + origins[1].received().size()).isEqualTo(7);
        assertThat(origins[0].received())
                .allSatisfy(request -> assertThat(request.header("Cookie")).isNull());
    }

    @Test
    void when_its_endpoint_is_gone_the_client_is_moved_and_told_so() throws Exception {
        RawOrigin[] origins = origins(3);
        Running running = start(
                upstream ->
                        upstream.retry(RetryPolicy.builder().onConnectFailure().build()),
                origins);
        Answer first = get(running);
        String cookie = told(first);
        int gone = first.text().charAt(9) - '0';
        origins[gone].close();
        // The attempt that is refused goes on elsewhere: the endpoint that has answered is the one that is named.
        Answer moved = get(running, cookie);
        assertThat(moved.text()).startsWith("endpoint ").isNotEqualTo(first.text());
        String next = told(moved);
        assertThat(next).isNotEqualTo(cookie);
        Answer stays = get(running, next);
        assertThat(stays.text()).isEqualTo(moved.text());
        assertThat(stays.header("Set-Cookie")).isNull();
    }

    @Test
    void while_its_endpoint_is_ejected_a_strict_client_is_refused_and_others_are_moved() throws Exception {
        for (boolean strict : new boolean[] {false, true}) {
            RawOrigin bad = rig.origin(RawOrigin.bytes("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"));
            RawOrigin good = rig.origin(RawOrigin.ok("good"));
            Running running = start(
                    upstream -> upstream.loadBalancer(strict ? COOKIE.strict() : COOKIE)
                            .outlierDetection(OutlierDetection.builder()
                                    .consecutive5xx(3)
                                    .baseEjection(Duration.ofMinutes(1))
                                    .build()),
                    bad,
                    good);
            String cookie = "SRV=" + COOKIE.value("orders", bad.url());
            for (int i = 0; i < 3; i++) {
                Answer answer = get(running, cookie);
                assertThat(answer.status()).isEqualTo(500);
                assertThat(answer.header("Set-Cookie")).isNull();
            }
            Answer answer = get(running, cookie);
            if (strict) {
                assertThat(answer.status()).isEqualTo(503);
                assertThat(answer.text()).contains("no_endpoint");
                assertThat(answer.header("Set-Cookie")).isNull();
            } else {
                assertThat(answer.text()).isEqualTo("good");
                assertThat(told(answer)).isEqualTo("SRV=" + COOKIE.value("orders", good.url()));
            }
            assertThat(bad.received()).hasSize(3);
        }
    }

    @Test
    void an_answer_that_says_that_its_endpoint_fails_binds_nobody_to_it() throws Exception {
        RawOrigin bad = rig.origin(RawOrigin.bytes("HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n"));
        RawOrigin strange = rig.origin(RawOrigin.bytes("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"));
        Running running = start(upstream -> upstream, bad, strange);
        for (int i = 0; i < 4; i++) {
            Answer answer = get(running);
            if (answer.status() == 503) {
                assertThat(answer.header("Set-Cookie")).isNull();
            } else {
                assertThat(told(answer)).isEqualTo("SRV=" + COOKIE.value("orders", strange.url()));
            }
        }
        assertThat(bad.received()).hasSize(2);
        // Who has its cookie keeps it.
        Answer kept = get(running, "SRV=" + COOKIE.value("orders", bad.url()));
        assertThat(kept.status()).isEqualTo(503);
        assertThat(kept.header("Set-Cookie")).isNull();
    }

    @Test
    void a_list_that_changes_moves_the_clients_of_who_has_left_and_strict_ones_too() throws Exception {
        RawOrigin[] origins = origins(3);
        ManualDiscovery discovery = Discovery.manual(origins[0].url(), origins[1].url());
        Running running = start(Upstream.builder("orders")
                .discovery(discovery)
                .loadBalancer(COOKIE.strict())
                .build());
        String first = "SRV=" + COOKIE.value("orders", origins[0].url());
        String second = "SRV=" + COOKIE.value("orders", origins[1].url());
        assertThat(get(running, first).text()).isEqualTo("endpoint 0");
        discovery.set(List.of(Endpoint.of(origins[2].url()), Endpoint.of(origins[1].url())));
        org.awaitility.Awaitility.await()
                .until(() -> running.gateway()
                        .upstream("orders")
                        .endpoints()
                        .get(0)
                        .uri()
                        .equals(origins[2].url()));
        for (int i = 0; i < 4; i++) {
            assertThat(get(running, second).text()).isEqualTo("endpoint 1");
            // An endpoint that is no more cannot be waited for.
            Answer moved = get(running, first);
            assertThat(moved.text()).isIn("endpoint 1", "endpoint 2");
            assertThat(told(moved)).isNotEqualTo(first);
        }
    }

    @Test
    void a_handshake_is_kept_on_its_endpoint_and_told_too() throws Exception {
        RawOrigin.Script accepting = (request, in, out, socket) -> {
            out.write(WebSocketPeer.accept(request).getBytes(StandardCharsets.US_ASCII));
            WebSocketPeer.origin(in, out).echo();
            return false;
        };
        RawOrigin one = rig.origin(accepting);
        RawOrigin two = rig.origin(accepting);
        Running running = start(upstream -> upstream, one, two);
        String cookie = "SRV=" + COOKIE.value("orders", two.url());
        for (int i = 0; i < 3; i++) {
            RawClient client = running.client().send(WebSocketPeer.handshake("/", "Cookie: " + cookie) + "\r\n");
            Answer answer = client.readHead();
            assertThat(answer.status()).isEqualTo(101);
            assertThat(answer.header("Set-Cookie")).isNull();
            client.close();
        }
        assertThat(two.received()).hasSize(3);
        assertThat(two.received().get(0).header("Cookie")).isNull();
        RawClient client = running.client().send(WebSocketPeer.handshake("/") + "\r\n");
        String told = told(client.readHead());
        client.close();
        assertThat(told).isIn(cookie, "SRV=" + COOKIE.value("orders", one.url()));
    }

    @Test
    void without_a_socket_it_is_the_same_and_an_encrypted_client_gets_a_secure_one() throws Exception {
        RawOrigin[] origins = origins(3);
        Running running = start(upstream -> upstream, origins);
        Response first = handled(running, Request.get("/"), ClientInfo.local().encrypted());
        assertThat(first.header("Set-Cookie")).contains("; Secure;");
        String cookie = first.header("Set-Cookie").split(";")[0];
        for (int i = 0; i < 4; i++) {
            Response again = handled(running, Request.get("/").withHeader("Cookie", cookie), ClientInfo.local());
            assertThat(again.header("Set-Cookie")).isNull();
        }
        assertThat(Arrays.stream(origins).map(origin -> origin.received().size()))
                .containsExactlyInAnyOrder(5, 0, 0);
        Request request = Request.get("/").withHeader("Cookie", cookie);
        assertThat(running.gateway().explain(request, ClientInfo.local()).endpoints())
                .filteredOn(line -> line.endsWith(", named by the cookie"))
                .hasSize(1);
    }

    private static Response handled(Running running, Request request, ClientInfo client) throws Exception {
        Response response =
                running.gateway().handle(request, client).toCompletableFuture().get(5, TimeUnit.SECONDS);
        response.body().buffer(100).toCompletableFuture().get(5, TimeUnit.SECONDS);
        return response;
    }

    @Test
    void two_gateways_with_one_secret_agree() throws Exception {
        RawOrigin[] origins = origins(4);
        Running one = start(upstream -> upstream, origins);
        Running other = start(upstream -> upstream.loadBalancer(COOKIE.otherwise(LoadBalancer.random())), origins);
        for (int i = 0; i < 4; i++) {
            Answer first = get(one);
            Answer second = get(other, told(first));
            assertThat(second.text()).isEqualTo(first.text());
            assertThat(second.header("Set-Cookie")).isNull();
        }
    }
}
