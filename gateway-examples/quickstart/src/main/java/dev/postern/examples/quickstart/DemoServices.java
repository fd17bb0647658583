package dev.postern.examples.quickstart;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The services behind the gateway: HTTP servers on loopback, each on a port of its own. Every one of them can be killed,
 * made to stall, and brought back on the same port.
 *
 * <p>They answer any request with what they have received, so that one can see what the gateway has sent.
 */
final class DemoServices implements AutoCloseable {
    private static final List<String> NAMES = List.of(
            "orders-1", "orders-2", "orders-3", "users", "prices", "prices-canary", "recommendations", "inventory");

    static {
        // The JDK's server writes heads and bodies apart, and Nagle's algorithm would put 40 ms between them.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "demo-service");
        thread.setDaemon(true);
        return thread;
    });
    private final Map<String, Service> services = new LinkedHashMap<>();

    private DemoServices() {}

    /** Starts them all. */
    static DemoServices start() {
        DemoServices all = new DemoServices();
        for (String name : NAMES) {
            all.services.put(name, all.new Service(name));
        }
        return all;
    }

    /** {@code http://127.0.0.1:49152}. */
    String url(String name) {
        return "http://127.0.0.1:" + service(name).port;
    }

    /** Ends the server and all its connections; nobody listens on its port any more. */
    void kill(String name) {
        service(name).kill();
    }

    /** Goes on accepting requests, but answers none of them. */
    void stall(String name) {
        service(name).stall();
    }

    /** Brings a killed or stalled service back. */
    void restart(String name) {
        service(name).restart();
    }

    @Override
    public void close() {
        services.values().forEach(Service::kill);
        threads.shutdownNow();
    }

    private Service service(String name) {
        Service service = services.get(name);
        if (service == null) {
            throw new IllegalArgumentException("service: " + name + " (expected: one of " + services.keySet() + ")");
        }
        return service;
    }

    /** One service. */
    private final class Service {
        private final String name;
        private final int port;
        // Both guarded by this.
        private HttpServer server;
        private CountDownLatch mayAnswer = new CountDownLatch(0);

        Service(String name) {
            this.name = name;
            server = listen(0);
            port = server.getAddress().getPort();
        }

        synchronized void kill() {
            server.stop(0);
            mayAnswer.countDown();
        }

        synchronized void stall() {
            mayAnswer.countDown();
            mayAnswer = new CountDownLatch(1);
        }

        synchronized void restart() {
            kill();
            server = listen(port);
        }

        private HttpServer listen(int wanted) {
            try {
                HttpServer fresh =
                        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), wanted), 0);
                fresh.createContext("/", this::answer);
                fresh.setExecutor(threads);
                fresh.start();
                return fresh;
            } catch (IOException failed) {
                throw new UncheckedIOException(name + " cannot listen on port " + wanted, failed);
            }
        }

        private void answer(HttpExchange exchange) throws IOException {
            if (!awaitPermission()) {
                exchange.close();
                return;
            }
            String json = "{\"service\":\"%s\",\"received\":\"%s %s\"}\n"
                    .formatted(name, exchange.getRequestMethod(), exchange.getRequestURI());
            byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        }

        private boolean awaitPermission() {
            CountDownLatch latch;
            synchronized (this) {
                latch = mayAnswer;
            }
            try {
                latch.await();
                return true;
            } catch (InterruptedException closing) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }
}
