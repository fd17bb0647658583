package dev.postern.traffic.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Gateway;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.runtime.VertxRuntime;
import dev.postern.traffic.RateLimit;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ExactLimitTest {
    private static final int CLIENTS = 16;
    private static final int REQUESTS_EACH = 100;
    private static final int PERMITS = 777;

    @Test
    void sixteen_clients_on_four_loops_get_exactly_the_permits_there_are() throws Exception {
        AtomicInteger admitted = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        try (Gateway gateway = Gateway.builder()
                .runtime(new VertxRuntime().eventLoops(4))
                .listen(Listener.http(0).host("127.0.0.1"))
                .route(Route.builder("limited")
                        .match(Match.prefix("/"))
                        .filter(RateLimit.perClient(PERMITS, Duration.ofHours(10)))
                        .answer(Response.text(200, "ok"))
                        .build())
                .build()) {
            gateway.start();
            int port = gateway.listeners().get(0).port();
            CountDownLatch ready = new CountDownLatch(CLIENTS);
            List<Thread> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                Thread client = new Thread(() -> {
                    try (Socket socket = new Socket("127.0.0.1", port)) {
                        socket.setSoTimeout(20_000);
                        BufferedReader in = new BufferedReader(
                                new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
                        ready.countDown();
                        ready.await();
                        for (int n = 0; n < REQUESTS_EACH; n++) {
                            switch (status(socket, in)) {
                                case 200 -> admitted.incrementAndGet();
                                case 429 -> refused.incrementAndGet();
                                default -> throw new AssertionError("neither 200 nor 429");
                            }
                        }
                    } catch (Exception failed) {
                        throw new AssertionError(failed);
                    }
                });
                client.start();
                clients.add(client);
            }
            for (Thread client : clients) {
                client.join();
            }
            gateway.stop(Duration.ofMillis(200));
        }
        assertThat(admitted).hasValue(PERMITS);
        assertThat(refused).hasValue(CLIENTS * REQUESTS_EACH - PERMITS);
    }

    private static int status(Socket socket, BufferedReader in) throws Exception {
        socket.getOutputStream()
                .write("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        int status = Integer.parseInt(in.readLine().split(" ")[1]);
        int length = 0;
        for (String line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
            if (line.regionMatches(true, 0, "content-length:", 0, 15)) {
                length = Integer.parseInt(line.substring(15).strip());
            }
        }
        for (int i = 0; i < length; i++) {
            in.read();
        }
        return status;
    }
}
