package dev.postern.traffic.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.ClientInfo;
import dev.postern.Endpoint;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.GatewayConfig;
import dev.postern.GatewayStartException;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Plan;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import dev.postern.runtime.VertxRuntime;
import dev.postern.traffic.RateLimit;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * Swaps under load: every answer is decided by one config, none fails. The short run is part of the build; {@code
 * -Dpostern.swaps=1000 -Dpostern.answers=1000000} makes the long one.
 */
class SwapTest {
    private static final int SWAPS = Integer.getInteger("postern.swaps", 60);
    private static final long ANSWERS = Long.getLong("postern.answers", 20_000);

    @Test
    void every_answer_is_decided_by_one_config_and_none_fails() throws Exception {
        AtomicLong answers = new AtomicLong();
        AtomicLong streams = new AtomicLong();
        AtomicLong failures = new AtomicLong();
        AtomicLong mixtures = new AtomicLong();
        AtomicBoolean stop = new AtomicBoolean();
        List<String> examples = java.util.Collections.synchronizedList(new ArrayList<>());
        AtomicLong swapsDone = new AtomicLong();
        try (EchoOrigin even = new EchoOrigin("even", swapsDone);
                EchoOrigin odd = new EchoOrigin("odd", swapsDone);
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
                Gateway gateway = revision(0, even, odd)
                        .runtime(new VertxRuntime().eventLoops(4))
                        .build()) {
            gateway.start();
            int port = gateway.listeners().get(0).port();
            List<Thread> clients = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                boolean straddles = i >= 8;
                String path = straddles ? "/api/stream" : "/api/thing";
                Thread client = new Thread(() -> {
                    while (!stop.get()) {
                        try (KeepAliveClient connection = new KeepAliveClient(port)) {
                            while (!stop.get()) {
                                String answer = connection.get(path);
                                answers.incrementAndGet();
                                if (straddles) {
                                    streams.incrementAndGet();
                                }
                                String verdict = judged(answer);
                                if (verdict != null) {
                                    mixtures.incrementAndGet();
                                    examples.add(verdict + " in\n" + answer);
                                }
                            }
                        } catch (IOException failed) {
                            if (!stop.get()) {
                                failures.incrementAndGet();
                                examples.add(String.valueOf(failed));
                            }
                        }
                    }
                });
                client.start();
                clients.add(client);
            }
            for (int revision = 1; revision <= SWAPS; revision++) {
                waitFor(answers, ANSWERS * revision / SWAPS - ANSWERS / SWAPS);
                GatewayBuilder next = revision(revision, even, odd);
                if (revision % 10 == 0) {
                    next.listen(Listener.http(0).host("127.0.0.1").name("extra-" + revision));
                }
                if (revision % 15 == 7) {
                    GatewayConfig cannotBind = revision(revision, even, odd)
                            .listen(Listener.http(taken.getLocalPort())
                                    .host("127.0.0.1")
                                    .name("taken"))
                            .toConfig();
                    GatewayConfig before = gateway.config();
                    assertThatThrownBy(() -> gateway.apply(cannotBind))
                            .isInstanceOf(GatewayStartException.class)
                            .hasMessageContaining("taken")
                            .hasMessageContaining(String.valueOf(taken.getLocalPort()));
                    assertThat(gateway.config()).isSameAs(before);
                }
                gateway.apply(next.toConfig());
                swapsDone.incrementAndGet();
            }
            waitFor(answers, ANSWERS);
            stop.set(true);
            swapsDone.addAndGet(EchoOrigin.SWAPS_A_STREAM_SEES); // lets the last streams end
            for (Thread client : clients) {
                client.join(10_000);
            }
            System.out.println("swaps " + SWAPS + ", answers " + answers + " (" + streams
                    + " of them streams that straddle swaps), failures " + failures + ", mixtures " + mixtures);
            gateway.stop(Duration.ofMillis(500));
        }
        assertThat(examples).isEmpty();
        assertThat(failures).hasValue(0);
        assertThat(mixtures).hasValue(0);
        assertThat(streams.get()).isGreaterThanOrEqualTo(SWAPS / 10);
    }

    @Test
    void a_limiter_at_half_its_permits_survives_a_rebuilt_config() throws Exception {
        try (Gateway gateway = limited(10).build()) {
            gateway.start();
            for (int i = 0; i < 5; i++) {
                assertThat(status(gateway)).isEqualTo(200);
            }

            gateway.apply(limited(10).toConfig());

            for (int i = 0; i < 5; i++) {
                assertThat(status(gateway)).isEqualTo(200);
            }
            assertThat(status(gateway)).isEqualTo(429);
        }
    }

    @Test
    void other_limits_under_the_same_name_are_a_line_of_the_plan_and_begin_anew() throws Exception {
        try (Gateway gateway = limited(1).build()) {
            gateway.start();
            assertThat(status(gateway)).isEqualTo(200);
            assertThat(status(gateway)).isEqualTo(429);

            Plan plan = gateway.apply(limited(2).toConfig());

            assertThat(plan.changes())
                    .as(plan.toString())
                    .anyMatch(change -> change.kind() == Plan.Change.Kind.STATE_RESET);
            assertThat(status(gateway)).isEqualTo(200);
        }
    }

    @Test
    void the_back_off_of_an_endpoint_survives_a_rebuilt_config() throws Exception {
        int closed;
        try (ServerSocket socket = new ServerSocket(0)) {
            closed = socket.getLocalPort();
        }
        String dead = "http://127.0.0.1:" + closed;
        try (EchoOrigin alive = new EchoOrigin("alive", new AtomicLong());
                Gateway gateway = twoEndpoints(dead, alive.url()).build()) {
            gateway.start();
            for (int i = 0; i < 2; i++) {
                gateway.handle(Request.get("/"), ClientInfo.local())
                        .toCompletableFuture()
                        .get()
                        .body()
                        .discard();
            }
            assertThat(backOff(gateway, dead)).isPositive();

            gateway.apply(twoEndpoints(dead, alive.url()).toConfig());

            assertThat(backOff(gateway, dead)).isPositive();
        }
    }

    private static Duration backOff(Gateway gateway, String uri) {
        return gateway.upstream("pair").endpoints().stream()
                .filter(endpoint -> endpoint.uri().equals(uri))
                .map(UpstreamState.EndpointState::backOff)
                .findFirst()
                .orElseThrow();
    }

    private static GatewayBuilder twoEndpoints(String dead, String alive) {
        return Gateway.builder()
                .upstream(Upstream.builder("pair")
                        .endpoint(Endpoint.of(dead))
                        .endpoint(Endpoint.of(alive))
                        .build())
                .route(Route.builder("all").match(Match.prefix("/")).to("pair").build());
    }

    private static int status(Gateway gateway) throws Exception {
        return gateway.handle(Request.get("/"), ClientInfo.local())
                .toCompletableFuture()
                .get()
                .status();
    }

    private static GatewayBuilder limited(int permits) {
        return Gateway.builder()
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .filter(RateLimit.builder("per-client")
                                .limit(permits, Duration.ofHours(1))
                                .build())
                        .answer(Response.of(200))
                        .build());
    }

    /** The revision stands in five places that have nothing to do with each other. */
    private static GatewayBuilder revision(int revision, EchoOrigin even, EchoOrigin odd) {
        String number = String.valueOf(revision);
        EchoOrigin mine = revision % 2 == 0 ? even : odd;
        return Gateway.builder()
                .listen(Listener.http(0).host("127.0.0.1").name("main"))
                .filter(Filter.onRequest("stamp-gateway", request -> request.withHeader("X-Gateway-Revision", number)))
                .upstream(Upstream.builder("origin").endpoints(mine.url()).build())
                .route(Route.builder("thing")
                        .match(Match.prefix("/api"))
                        .filter(Filter.onRequest(
                                "stamp-route", request -> request.withHeader("X-Route-Revision", number)))
                        .filter(Filter.onResponse(
                                "stamp-response", response -> response.withHeader("X-Response-Revision", number)))
                        .rewrite(Rewrite.none().prefix("/r" + number))
                        .to("origin")
                        .build());
    }

    /** Null when the five agree. */
    private static String judged(String answer) {
        String response = field(answer, "X-Response-Revision:");
        String gateway = field(answer, "gateway=");
        String route = field(answer, "route=");
        String path = field(answer, "path=/r");
        String origin = field(answer, "origin=");
        boolean agree = !response.isEmpty()
                && response.equals(gateway)
                && response.equals(route)
                && path.startsWith(response + "/")
                && origin.equals(Integer.parseInt(response) % 2 == 0 ? "even" : "odd");
        return agree ? null : "mixture: " + response + ' ' + gateway + ' ' + route + ' ' + path + ' ' + origin;
    }

    private static String field(String text, String name) {
        int at = text.indexOf(name);
        if (at < 0) {
            return "";
        }
        int end = at + name.length();
        while (end < text.length() && text.charAt(end) != '\r' && text.charAt(end) != '\n') {
            end++;
        }
        return text.substring(at + name.length(), end).strip();
    }

    private static void waitFor(AtomicLong counter, long value) {
        long deadline = System.nanoTime() + Duration.ofMinutes(20).toNanos();
        while (counter.get() < value && System.nanoTime() < deadline) {
            LockSupport.parkNanos(100_000);
        }
    }

    /** Says in its answer what reached it; for a stream first the one half, and after some swaps the other. */
    private static final class EchoOrigin implements AutoCloseable {
        static final int SWAPS_A_STREAM_SEES = 3;
        private final ServerSocket server;
        private final String name;
        private final AtomicLong swaps;

        EchoOrigin(String name, AtomicLong swaps) throws IOException {
            this.name = name;
            this.swaps = swaps;
            server = new ServerSocket(0, 200, InetAddress.getByName("127.0.0.1"));
            Thread accept = new Thread(() -> {
                while (!server.isClosed()) {
                    try {
                        Socket socket = server.accept();
                        Thread serve = new Thread(() -> serve(socket));
                        serve.setDaemon(true);
                        serve.start();
                    } catch (IOException closed) {
                        return;
                    }
                }
            });
            accept.setDaemon(true);
            accept.start();
        }

        String url() {
            return "http://127.0.0.1:" + server.getLocalPort();
        }

        private void serve(Socket socket) {
            try (socket) {
                socket.setTcpNoDelay(true);
                InputStream in = new BufferedInputStream(socket.getInputStream());
                while (true) {
                    String head = head(in);
                    if (head.isEmpty()) {
                        return;
                    }
                    String body = "origin=" + name + "\npath=" + head.split(" ", 3)[1] + "\ngateway="
                            + field(head, "X-Gateway-Revision:") + "\nroute=" + field(head, "X-Route-Revision:") + "\n";
                    String answer = "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
                    int half = answer.length();
                    if (head.contains("/stream ")) {
                        half -= body.length() / 2;
                    }
                    send(socket, answer.substring(0, half));
                    if (half < answer.length()) {
                        waitFor(swaps, swaps.get() + SWAPS_A_STREAM_SEES);
                        send(socket, answer.substring(half));
                    }
                }
            } catch (IOException over) {
                // The gateway closes connections it has no more use for.
            }
        }

        private static void send(Socket socket, String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int c = in.read(); c >= 0; c = in.read()) {
            text.append((char) c);
            int length = text.length();
            if (c == '\n' && length >= 4 && text.charAt(length - 3) == '\n') {
                return text.toString();
            }
        }
        return "";
    }

    /** One connection, request after request. */
    private static final class KeepAliveClient implements AutoCloseable {
        private final Socket socket;
        private final InputStream in;

        KeepAliveClient(int port) throws IOException {
            socket = new Socket("127.0.0.1", port);
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(20_000);
            in = new BufferedInputStream(socket.getInputStream());
        }

        String get(String path) throws IOException {
            socket.getOutputStream()
                    .write(("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            String head = head(in);
            if (!head.startsWith("HTTP/1.1 200")) {
                throw new IOException("answered: " + head);
            }
            int length = Integer.parseInt(field(head.toLowerCase(java.util.Locale.ROOT), "content-length:"));
            return head + new String(in.readNBytes(length), StandardCharsets.US_ASCII);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
