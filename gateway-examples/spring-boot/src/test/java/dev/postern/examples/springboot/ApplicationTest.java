package dev.postern.examples.springboot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.postern.Gateway;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

class ApplicationTest {
    private final HttpClient client = HttpClient.newHttpClient();

    @Test
    void a_route_leads_to_a_bean_and_counts_in_the_registry_of_the_application() throws Exception {
        try (ConfigurableApplicationContext context = start("http://localhost:1")) {
            assertThat(get(url(context) + "/healthz").body()).isEqualTo("ready\n");
            HttpResponse<String> greeting = get(url(context) + "/greetings/Ann");
            assertThat(greeting.statusCode()).isEqualTo(200);
            assertThat(greeting.body()).isEqualTo("Good day, Ann\n");

            MeterRegistry meters = context.getBean(MeterRegistry.class);
            // An exchange is over when its last byte is out: the client may be a little ahead of the count.
            await().untilAsserted(() -> assertThat(meters.get("postern.requests")
                            .tag("route", "greeting")
                            .timer()
                            .count())
                    .isEqualTo(1));
        }
    }

    @Test
    void another_route_leads_to_a_service() throws Exception {
        HttpServer orders = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        orders.createContext("/", exchange -> {
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        orders.start();
        try (ConfigurableApplicationContext context =
                start("http://127.0.0.1:" + orders.getAddress().getPort())) {
            assertThat(get(url(context) + "/orders/7").statusCode()).isEqualTo(204);
        } finally {
            orders.stop(0);
        }
    }

    @Test
    void nobody_listens_any_more_when_the_context_is_closed() throws Exception {
        ConfigurableApplicationContext context = start("http://localhost:1");
        String url = url(context);
        Gateway gateway = context.getBean(Gateway.class);
        assertThat(get(url + "/healthz").statusCode()).isEqualTo(200);

        context.close();

        assertThat(gateway.health().live()).isFalse();
        assertThatThrownBy(() -> get(url + "/healthz")).isInstanceOf(ConnectException.class);
    }

    @Test
    void a_port_that_is_taken_fails_the_start_and_is_named() throws IOException {
        try (ServerSocket taken = new ServerSocket(0)) {
            assertThatThrownBy(() -> SpringApplication.run(
                            Application.class,
                            "--gateway.port=" + taken.getLocalPort(),
                            "--orders.url=http://localhost:1"))
                    .rootCause()
                    .satisfies(cause -> assertThat(cause).isInstanceOf(IOException.class));
        }
    }

    private static ConfigurableApplicationContext start(String orders) {
        return SpringApplication.run(
                Application.class, "--gateway.port=0", "--gateway.drain=0s", "--orders.url=" + orders);
    }

    private static String url(ConfigurableApplicationContext context) {
        return context.getBean(Gateway.class).listeners().get(0).url();
    }

    private HttpResponse<String> get(String url) throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(URI.create(url))
                        .timeout(Duration.ofSeconds(10))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
