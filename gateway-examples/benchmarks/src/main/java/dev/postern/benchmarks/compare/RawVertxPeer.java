package dev.postern.benchmarks.compare;

import io.netty.util.AsciiString;
import io.vertx.core.AsyncResult;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpConnectOptions;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.OpenSSLEngineOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.transport.Transport;
import java.util.ArrayDeque;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The floor: a proxy written by hand on Vert.x with everything that was measured to pay, and nothing that a gateway needs.
 * It keeps its connections in a deque of its own, copies headers in one pass, buffers bodies up to 64 KiB and sends them
 * with the head in one write. It checks nothing, routes nothing, counts nothing, has no timeout and no retry.
 *
 * <p>{@code -Dport} and {@code -Dorigin} say where, {@code -Dtls=folder} serves TLS, {@code -Dtransport} is {@code epoll}, {@code io_uring} or {@code nio}.
 */
public final class RawVertxPeer extends VerticleBase {
    private static final int SMALL_BYTES = 64 * 1024;
    private static final CharSequence FORWARDED_FOR = HttpHeaders.createOptimized("x-forwarded-for");

    private final int port;
    private volatile int bound;
    private final ArrayDeque<HttpClientConnection> idle = new ArrayDeque<>();
    private final HttpConnectOptions connect;

    RawVertxPeer(int port, int origin) {
        this.port = port;
        connect = new HttpConnectOptions().setHost("127.0.0.1").setPort(origin);
    }

    /** A floor that runs, and where. */
    record Floor(Vertx vertx, int port) {}

    /** Runs until it is killed. */
    public static void main(String[] args) {
        long begun = System.nanoTime();
        start(
                System.getProperty("transport", "epoll"),
                Integer.getInteger("port", 8080),
                Integer.getInteger("origin", 19000));
        System.out.println("started in " + (System.nanoTime() - begun) / 1_000_000 + " ms");
    }

    /** A floor in this process; closing the Vertx ends it. Port 0 is any free one. */
    static Floor start(String transport, int port, int origin) {
        Vertx vertx = Vertx.builder()
                .with(new VertxOptions()
                        .setEventLoopPoolSize(1)
                        .setWorkerPoolSize(1)
                        .setInternalBlockingPoolSize(1))
                .withTransport(transport(transport))
                .build();
        RawVertxPeer peer = new RawVertxPeer(port, origin);
        vertx.deployVerticle(peer, new DeploymentOptions()).await();
        return new Floor(vertx, peer.bound);
    }

    private static Transport transport(String name) {
        Transport transport = switch (name) {
            case "epoll" -> Transport.EPOLL;
            case "io_uring" -> Transport.IO_URING;
            default -> Transport.NIO;
        };
        if (transport == null || !transport.available()) {
            throw new IllegalStateException("transport " + name + " is not available here");
        }
        return transport;
    }

    @Override
    public Future<?> start() {
        HttpClientAgent mine = vertx.createHttpClient(new HttpClientOptions()
                .setKeepAliveTimeout(600)
                .setMaxChunkSize(SMALL_BYTES)
                .setDecompressionSupported(false));
        HttpServerOptions options = new HttpServerOptions().setHost("127.0.0.1").setPort(port);
        String tls = System.getProperty("tls");
        if (tls != null) {
            options.setSsl(true)
                    .setKeyCertOptions(new PemKeyCertOptions()
                            .setCertPath(tls + "/cert.pem")
                            .setKeyPath(tls + "/key.pem"));
            if (OpenSSLEngineOptions.isAvailable()) {
                options.setSslEngineOptions(new OpenSSLEngineOptions());
            }
        }
        return vertx.createHttpServer(options)
                .requestHandler(request -> handle(request, mine))
                .listen()
                .onSuccess(server -> bound = server.actualPort());
    }

    private void handle(HttpServerRequest request, HttpClientAgent client) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        boolean body = length != null || request.headers().contains(HttpHeaders.TRANSFER_ENCODING);
        Future<Buffer> small = body && isSmall(length) ? request.body() : null;
        if (body && small == null) {
            request.pause();
        }
        HttpClientConnection connection = idle.pollLast();
        if (connection != null) {
            send(request, connection, small, body);
        } else {
            client.connect(connect).onComplete(made -> {
                if (made.succeeded()) {
                    send(request, made.result(), small, body);
                } else {
                    fail(request);
                }
            });
        }
    }

    private void send(
            HttpServerRequest request, HttpClientConnection connection, @Nullable Future<Buffer> small, boolean body) {
        connection
                .request(new RequestOptions().setMethod(request.method()).setURI(request.uri()))
                .onComplete(made -> {
                    if (made.failed()) {
                        fail(request);
                        return;
                    }
                    HttpClientRequest sending = made.result();
                    copy(request.headers(), sending.headers());
                    SocketAddress peer = request.remoteAddress();
                    if (peer != null) {
                        sending.headers().set(FORWARDED_FOR, peer.hostAddress());
                    }
                    if (!body) {
                        sending.send().onComplete(come -> answer(request, come, connection));
                    } else if (small != null) {
                        small.onComplete(read ->
                                sending.send(read.result()).onComplete(come -> answer(request, come, connection)));
                    } else {
                        if (request.getHeader(HttpHeaders.CONTENT_LENGTH) == null) {
                            sending.setChunked(true);
                        }
                        sending.response().onComplete(come -> answer(request, come, connection));
                        request.pipeTo(sending);
                    }
                });
    }

    private void answer(
            HttpServerRequest request, AsyncResult<HttpClientResponse> come, HttpClientConnection connection) {
        if (come.failed()) {
            fail(request);
            return;
        }
        HttpClientResponse response = come.result();
        HttpServerResponse answer = request.response().setStatusCode(response.statusCode());
        copy(response.headers(), answer.headers());
        String length = response.getHeader(HttpHeaders.CONTENT_LENGTH);
        if (isSmall(length)) {
            response.body().onComplete(read -> {
                idle.addLast(connection);
                if (read.succeeded()) {
                    answer.end(read.result());
                } else {
                    fail(request);
                }
            });
            return;
        }
        if (length == null) {
            answer.setChunked(true);
        }
        response.pipeTo(answer).onComplete(piped -> {
            if (piped.succeeded()) {
                idle.addLast(connection);
            } else {
                connection.close();
            }
        });
    }

    private static void copy(MultiMap from, MultiMap to) {
        for (Map.Entry<String, String> field : from) {
            if (!endsHere(field.getKey())) {
                to.add((CharSequence) field.getKey(), (CharSequence) field.getValue());
            }
        }
    }

    private static boolean endsHere(CharSequence name) {
        return switch (name.length()) {
            case 2 -> is(name, "te");
            case 7 -> is(name, "trailer") || is(name, "upgrade");
            case 10 -> is(name, "connection") || is(name, "keep-alive");
            case 17 -> is(name, "transfer-encoding");
            default -> false;
        };
    }

    private static boolean is(CharSequence name, String other) {
        return AsciiString.contentEqualsIgnoreCase(name, other);
    }

    private static boolean isSmall(@Nullable String length) {
        return length != null && length.length() <= 5 && Integer.parseInt(length) <= SMALL_BYTES;
    }

    private static void fail(HttpServerRequest request) {
        HttpServerResponse answer = request.response();
        if (answer.headWritten()) {
            request.connection().close();
        } else {
            answer.setStatusCode(502).end();
        }
    }
}
