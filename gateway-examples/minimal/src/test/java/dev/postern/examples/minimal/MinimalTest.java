package dev.postern.examples.minimal;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.postern.Gateway;
import dev.postern.GatewayConfig;
import dev.postern.Listener;
import dev.postern.Upstream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class MinimalTest {
    @Test
    void requests_go_to_both_endpoints_and_nowhere_else() throws Exception {
        HttpServer first = service("first");
        HttpServer second = service("second");
        try (Gateway gateway = onFreePort(Minimal.gateway().config(), url(first), url(second))) {
            gateway.start();
            String url = gateway.listeners().get(0).url();
            HttpClient client = HttpClient.newHttpClient();

            // Which one begins is left to chance; from then on they take turns.
            assertThat(List.of(
                            get(client, url + "/orders/1").body(),
                            get(client, url + "/orders/1").body()))
                    .containsExactlyInAnyOrder("first /orders/1", "second /orders/1");
            assertThat(get(client, url + "/orders?a=b").body()).endsWith(" /orders?a=b");
            assertThat(get(client, url + "/users/1").statusCode()).isEqualTo(404);

            gateway.stop(Duration.ZERO);
        } finally {
            first.stop(0);
            second.stop(0);
        }
    }

    @Test
    void the_readme_shows_this_very_gateway() throws IOException {
        String source = Files.readString(
                inProject("gateway-examples/minimal/src/main/java/dev/postern/examples/minimal/Minimal.java"));
        String gateway = source.substring(source.indexOf("public final class"));
        assertThat(Files.readString(inProject("README.md"))).contains("```java\n" + gateway + "```");
    }

    /** The configuration under test, with ports of this test's. */
    private static Gateway onFreePort(GatewayConfig config, String... orders) {
        return config.toBuilder()
                .withoutListeners()
                .listen(Listener.http(0).host("127.0.0.1"))
                .withoutUpstreams()
                .upstream(Upstream.builder("orders").endpoints(orders).build())
                .build();
    }

    private static HttpServer service(String name) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] answer = (name + ' ' + exchange.getRequestURI()).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        return server;
    }

    private static String url(HttpServer server) {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private static HttpResponse<String> get(HttpClient client, String url) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
    }

    /** These sources are also built from other folders, as applications are. */
    private static Path inProject(String path) {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve(path))) {
            folder = folder.getParent();
        }
        return folder == null ? Path.of(path) : folder.resolve(path);
    }
}
