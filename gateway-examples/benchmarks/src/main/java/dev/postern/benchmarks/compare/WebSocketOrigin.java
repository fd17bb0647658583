package dev.postern.benchmarks.compare;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServerOptions;

/** An origin that accepts every WebSocket and says nothing, and answers everything else with two bytes. */
final class WebSocketOrigin implements AutoCloseable {
    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    private final int port;

    WebSocketOrigin() {
        port = vertx.createHttpServer(
                        new HttpServerOptions().setHost("127.0.0.1").setPort(0))
                .webSocketHandler(socket -> socket.handler(ignored -> {}))
                .requestHandler(request -> request.response().end("ok"))
                .listen()
                .await()
                .actualPort();
    }

    int port() {
        return port;
    }

    @Override
    public void close() {
        vertx.close().await();
    }
}
