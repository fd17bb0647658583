package org.example;

import com.sun.net.httpserver.HttpServer;
import dev.postern.Gateway;
import dev.postern.GatewayStartException;
import dev.postern.Listener;
import dev.postern.Upstream;
import dev.postern.runtime.VertxRuntime;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.VertxWrapper;
import io.vertx.core.internal.http.HttpServerInternal;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs the README's gateway in front of two origins of its own: it must proxy, guard its bytes, and refuse to start where
 * it could not. Ends with an exception, so with another code than 0, if not. Argument: "modules" or "classpath".
 */
public final class Check {
    /** Lenient parsers take the second line of the field for a part of it, strict ones for a field of its own. */
    private static final String FOLDED = "GET /orders/9 HTTP/1.1\r\nHost: a\r\nX-A: b\r\n Content-Length: 5\r\n\r\n";

    private Check() {}

    public static void main(String[] args) throws Exception {
        onTheRightPath(args[0]);
        AtomicInteger served = new AtomicInteger();
        HttpServer first = origin("first", served);
        HttpServer second = origin("second", served);
        try {
            proxies(url(first), url(second), served);
            doesNotStartUnguarded();
        } finally {
            first.stop(0);
            second.stop(0);
        }
        System.out.println("check passed: " + args[0]);
    }

    private static void onTheRightPath(String expected) {
        boolean modules = expected.equals("modules");
        for (Class<?> type : new Class<?>[] {Check.class, Gateway.class, VertxRuntime.class, Vertx.class}) {
            check(type.getModule().isNamed() == modules, type + " is in " + type.getModule());
        }
    }

    private static void proxies(String first, String second, AtomicInteger served) throws Exception {
        try (Gateway gateway = Minimal.gateway().config().toBuilder()
                .withoutListeners()
                .listen(Listener.http(0).host("127.0.0.1"))
                .withoutUpstreams()
                .upstream(Upstream.builder("orders").endpoints(first, second).build())
                .build()) {
            gateway.start();
            String url = gateway.listeners().get(0).url();
            HttpClient client = HttpClient.newHttpClient();

            Set<String> answers = Set.of(
                    get(client, url + "/orders/1?a=b").body(),
                    get(client, url + "/orders/1?a=b").body());
            check(answers.equals(Set.of("first /orders/1?a=b", "second /orders/1?a=b")), "answers: " + answers);
            int status = get(client, url + "/users/1").statusCode();
            check(status == 404, "no route, and still " + status);
            check(served.get() == 2, "the origins have seen " + served);

            String answer = raw(gateway.listeners().get(0).port(), FOLDED);
            check(answer.startsWith("HTTP/1.1 400 "), "a folded field was answered with: " + answer);
            check(answer.contains("framing.obs_fold"), "not refused by the byte guard: " + answer);
            check(served.get() == 2, "a folded field was forwarded");
            gateway.stop(Duration.ZERO);
        }
    }

    /** A Vertx whose servers listen past the gateway's hook: what an unfitting version of it would be. */
    private static void doesNotStartUnguarded() throws Exception {
        Vertx vertx = Vertx.vertx();
        try (Gateway gateway = Gateway.builder()
                .runtime(VertxRuntime.using(new PastTheHook((VertxInternal) vertx)))
                .listen(Listener.http(0).host("127.0.0.1"))
                .build()) {
            gateway.start();
            throw new AssertionError("a listener without its byte guard has started: " + gateway.listeners());
        } catch (GatewayStartException refused) {
            check(refused.getMessage().contains("the byte guard is not in place"), refused.toString());
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().get();
        }
    }

    /** Its servers listen on contexts of its own, and answer 200 to what gets through to them. */
    private static final class PastTheHook extends VertxWrapper {
        PastTheHook(VertxInternal delegate) {
            super(delegate);
        }

        @Override
        public HttpServerInternal createHttpServer(HttpServerOptions options) {
            HttpServerInternal server = (HttpServerInternal) super.createHttpServer(options);
            server.requestHandler(
                    request -> request.response().end().onComplete(sent -> request.connection().close()));
            return (HttpServerInternal) Proxy.newProxyInstance(
                    Check.class.getClassLoader(), new Class<?>[] {HttpServerInternal.class}, (self, method, args) -> {
                        if (method.getName().equals("requestHandler")) {
                            return self;
                        }
                        for (int i = 0; args != null && i < args.length; i++) {
                            args[i] = args[i] instanceof ContextInternal ? delegate.createEventLoopContext() : args[i];
                        }
                        try {
                            return method.invoke(server, args);
                        } catch (InvocationTargetException thrown) {
                            throw thrown.getCause();
                        }
                    });
        }
    }

    static HttpServer origin(String name, AtomicInteger served) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            served.incrementAndGet();
            byte[] answer = (name + ' ' + exchange.getRequestURI()).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        return server;
    }

    static String url(HttpServer server) {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    static HttpResponse<String> get(HttpClient client, String url, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
        return client.send(
                (headers.length == 0 ? request : request.headers(headers)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static String raw(int port, String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            InputStream answer = socket.getInputStream();
            return new String(answer.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
