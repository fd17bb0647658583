package dev.postern.runtime.corpus;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.undertow.Undertow;
import io.undertow.util.Headers;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpVersion;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.coyote.Adapter;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.hc.core5.http.impl.bootstrap.ServerBootstrap;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.io.CloseMode;
import org.apache.tomcat.util.net.ApplicationBufferHandler;
import org.apache.tomcat.util.net.SocketEvent;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.glassfish.grizzly.http.server.HttpHandler;
import org.glassfish.grizzly.http.server.NetworkListener;

/** The HTTP servers of the JVM that the {@link Garden} has, each as it comes. */
final class Plants {
    private static final String LOOPBACK = "127.0.0.1";
    private static final int MAX_BODY = 1 << 20;

    private Plants() {}

    static List<Plant> all() throws Exception {
        List<Plant> all = new ArrayList<>();
        all.add(new Netty());
        all.add(new VertxStock());
        all.add(new Jdk());
        all.add(new Jetty());
        all.add(new UndertowPlant());
        all.add(new Tomcat());
        all.add(new HttpCore());
        all.add(new Grizzly());
        all.addAll(ProxyPlant.installed());
        return all;
    }

    private static String target(String path, String query) {
        return query == null ? path : path + '?' + query;
    }

    /** Netty's decoder alone, in memory. */
    private static final class Netty extends Plant {
        Netty() {
            super("Netty");
        }

        @Override
        List<Seen> see(byte[] bytes) {
            EmbeddedChannel channel = new EmbeddedChannel(
                    new HttpRequestDecoder(16384, 65536, 65536), new HttpObjectAggregator(MAX_BODY));
            channel.writeInbound(Unpooled.copiedBuffer(bytes, LAST_BYTES));
            List<Seen> all = new ArrayList<>();
            for (FullHttpRequest next = channel.readInbound(); next != null; next = channel.readInbound()) {
                byte[] body = new byte[next.content().readableBytes()];
                next.content().readBytes(body);
                String host = next.headers().get("Host", "");
                String method = next.decoderResult().isSuccess() ? next.method().name() : "malformed";
                all.add(new Seen(method, next.uri(), host, List.of(), body));
                next.release();
            }
            channel.finishAndReleaseAll();
            return all;
        }

        @Override
        int port() {
            return 0;
        }

        @Override
        void stop() {
            // Nothing is open.
        }
    }

    /** A server of Vert.x without the gateway. */
    private static final class VertxStock extends Plant {
        private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
        private final HttpServer server;

        VertxStock() {
            super("Vert.x");
            server = vertx.createHttpServer(
                            new HttpServerOptions().setMaxHeaderSize(65536).setMaxInitialLineLength(16384))
                    .requestHandler(request -> request.body().onSuccess(body -> {
                        String host = request.getHeader("Host");
                        String method = request.version() == HttpVersion.HTTP_1_1
                                ? request.method().name()
                                : "version " + request.version();
                        note(method, request.uri(), host, body.getBytes());
                        request.response().end();
                    }))
                    .listen(0, LOOPBACK)
                    .toCompletionStage()
                    .toCompletableFuture()
                    .join();
        }

        @Override
        int port() {
            return server.actualPort();
        }

        @Override
        void stop() {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }

    /** The JDK's. */
    private static final class Jdk extends Plant {
        private final com.sun.net.httpserver.HttpServer server =
                com.sun.net.httpserver.HttpServer.create(new InetSocketAddress(LOOPBACK, 0), 0);

        Jdk() throws IOException {
            super("JDK");
            server.createContext("/", exchange -> {
                byte[] body = exchange.getRequestBody().readAllBytes();
                note(
                        exchange.getRequestMethod(),
                        exchange.getRequestURI().toString(),
                        exchange.getRequestHeaders().getFirst("Host"),
                        body);
                exchange.sendResponseHeaders(204, -1);
                exchange.close();
            });
            server.start();
        }

        @Override
        int port() {
            return server.getAddress().getPort();
        }

        @Override
        void stop() {
            server.stop(0);
        }
    }

    /** Jetty's core. */
    private static final class Jetty extends Plant {
        private final Server server = new Server();
        private final ServerConnector connector = new ServerConnector(server, 1, 1);

        Jetty() throws Exception {
            super("Jetty");
            connector.setHost(LOOPBACK);
            HttpConfiguration settings =
                    connector.getConnectionFactory(HttpConnectionFactory.class).getHttpConfiguration();
            settings.setRequestHeaderSize(65536);
            // An escaped percent sign is one too many for it otherwise.
            settings.setUriCompliance(UriCompliance.UNSAFE);
            server.addConnector(connector);
            server.setHandler(new Handler.Abstract() {
                @Override
                public boolean handle(
                        org.eclipse.jetty.server.Request request,
                        org.eclipse.jetty.server.Response response,
                        Callback callback)
                        throws IOException {
                    byte[] body = Content.Source.asInputStream(request).readAllBytes();
                    note(
                            request.getMethod(),
                            request.getHttpURI().getPathQuery(),
                            request.getHeaders().get("Host"),
                            body);
                    callback.succeeded();
                    return true;
                }
            });
            server.start();
        }

        @Override
        int port() {
            return connector.getLocalPort();
        }

        @Override
        void stop() throws Exception {
            server.stop();
        }
    }

    /** Undertow's core. */
    private static final class UndertowPlant extends Plant {
        private final Undertow server = Undertow.builder()
                .addHttpListener(0, LOOPBACK)
                .setIoThreads(1)
                .setWorkerThreads(2)
                .setHandler(exchange -> exchange.getRequestReceiver().receiveFullBytes((done, body) -> {
                    String query = done.getQueryString();
                    boolean bare = query.isEmpty() && !done.getRequestURL().endsWith("?");
                    note(
                            done.getRequestMethod().toString(),
                            target(done.getRequestURI(), bare ? null : query),
                            done.getRequestHeaders().getFirst(Headers.HOST),
                            body);
                    done.endExchange();
                }))
                .build();

        UndertowPlant() {
            super("Undertow");
            server.start();
        }

        @Override
        int port() {
            return ((InetSocketAddress) server.getListenerInfo().get(0).getAddress()).getPort();
        }

        @Override
        void stop() {
            server.stop();
        }
    }

    /** Tomcat's connector, without a container. */
    private static final class Tomcat extends Plant implements Adapter {
        private final Http11NioProtocol protocol = new Http11NioProtocol();
        private final ExecutorService executor = Executors.newFixedThreadPool(2);

        Tomcat() throws Exception {
            super("Tomcat");
            protocol.setAddress(InetAddress.getByName(LOOPBACK));
            protocol.setPort(0);
            protocol.setExecutor(executor);
            protocol.setMaxHttpRequestHeaderSize(65536);
            protocol.setMaxHeaderCount(200);
            protocol.setRelaxedQueryChars("[]");
            protocol.setAdapter(this);
            protocol.init();
            protocol.start();
        }

        @Override
        public void service(org.apache.coyote.Request request, org.apache.coyote.Response response) throws Exception {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            Chunk chunk = new Chunk();
            while (request.doRead(chunk) >= 0) {
                byte[] bytes = new byte[chunk.buffer.remaining()];
                chunk.buffer.get(bytes);
                body.writeBytes(bytes);
            }
            if (response.getStatus() == 200) {
                note(
                        request.getMethod(),
                        target(
                                request.requestURI().toString(),
                                request.queryString().isNull()
                                        ? null
                                        : request.queryString().toString()),
                        request.getHeader("Host"),
                        body.toByteArray());
            }
            response.setContentLength(0);
            response.action(org.apache.coyote.ActionCode.CLOSE, null);
        }

        private static final class Chunk implements ApplicationBufferHandler {
            private java.nio.ByteBuffer buffer = java.nio.ByteBuffer.allocate(0);

            @Override
            public void setByteBuffer(java.nio.ByteBuffer newBuffer) {
                buffer = newBuffer;
            }

            @Override
            public java.nio.ByteBuffer getByteBuffer() {
                return buffer;
            }

            @Override
            public void expand(int size) {
                // Nothing is kept.
            }
        }

        @Override
        public boolean prepare(org.apache.coyote.Request request, org.apache.coyote.Response response) {
            return true;
        }

        @Override
        public boolean asyncDispatch(
                org.apache.coyote.Request request, org.apache.coyote.Response response, SocketEvent event) {
            return false;
        }

        @Override
        public void log(org.apache.coyote.Request request, org.apache.coyote.Response response, long time) {
            // A request that it refused: whoever compares sees that it is missing.
        }

        @Override
        public void checkRecycled(org.apache.coyote.Request request, org.apache.coyote.Response response) {
            // Of no interest.
        }

        @Override
        public String getDomain() {
            return "garden";
        }

        @Override
        int port() {
            return protocol.getLocalPort();
        }

        @Override
        void stop() throws Exception {
            protocol.stop();
            protocol.destroy();
            executor.shutdownNow();
        }
    }

    /** Apache HttpCore, classic. */
    private static final class HttpCore extends Plant {
        private final org.apache.hc.core5.http.impl.bootstrap.HttpServer server;

        HttpCore() throws IOException {
            super("HttpCore");
            server = ServerBootstrap.bootstrap()
                    .setLocalAddress(InetAddress.getByName(LOOPBACK))
                    .setListenerPort(0)
                    .setRequestRouter((message, context) -> (request, response, exchange) -> {
                        byte[] body = request.getEntity() == null
                                ? new byte[0]
                                : EntityUtils.toByteArray(request.getEntity());
                        String host = request.getFirstHeader("Host").getValue();
                        note(request.getMethod(), request.getRequestUri(), host, body == null ? new byte[0] : body);
                        response.setCode(204);
                    })
                    .create();
            server.start();
        }

        @Override
        int port() {
            return server.getLocalPort();
        }

        @Override
        void stop() {
            server.close(CloseMode.IMMEDIATE);
        }
    }

    /** Grizzly's server. */
    private static final class Grizzly extends Plant {
        private final org.glassfish.grizzly.http.server.HttpServer server =
                new org.glassfish.grizzly.http.server.HttpServer();
        private final NetworkListener listener = new NetworkListener("garden", LOOPBACK, 0);

        Grizzly() throws IOException {
            super("Grizzly");
            listener.setMaxHttpHeaderSize(65536);
            listener.setMaxRequestHeaders(200);
            server.addListener(listener);
            server.getServerConfiguration().setAllowPayloadForUndefinedHttpMethods(true);
            server.getServerConfiguration()
                    .addHttpHandler(
                            new HttpHandler() {
                                @Override
                                public void service(
                                        org.glassfish.grizzly.http.server.Request request,
                                        org.glassfish.grizzly.http.server.Response response)
                                        throws Exception {
                                    byte[] body = request.getInputStream().readAllBytes();
                                    note(
                                            request.getMethod().getMethodString(),
                                            target(request.getRequestURI(), request.getQueryString()),
                                            request.getHeader("Host"),
                                            body);
                                }
                            },
                            "/");
            server.start();
        }

        @Override
        int port() {
            return listener.getPort();
        }

        @Override
        void stop() {
            server.shutdownNow();
        }
    }
}
