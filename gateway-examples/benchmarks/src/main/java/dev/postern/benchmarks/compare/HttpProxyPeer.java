package dev.postern.benchmarks.compare;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.PoolOptions;
import io.vertx.httpproxy.HttpProxy;

/** The proxy of the Vert.x project as its documentation has it, on one event loop with native transport. */
public final class HttpProxyPeer extends VerticleBase {
    /** Runs until it is killed. */
    public static void main(String[] args) {
        Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setPreferNativeTransport(true))
                .deployVerticle(new HttpProxyPeer(), new DeploymentOptions())
                .await();
    }

    @Override
    public Future<?> start() {
        HttpClient client = vertx.createHttpClient(
                new HttpClientOptions().setKeepAliveTimeout(600), new PoolOptions().setHttp1MaxSize(512));
        HttpProxy proxy = HttpProxy.reverseProxy(client).origin(Integer.getInteger("origin", 19000), "127.0.0.1");
        return vertx.createHttpServer(
                        new HttpServerOptions().setHost("127.0.0.1").setPort(Integer.getInteger("port", 8080)))
                .requestHandler(proxy)
                .listen();
    }
}
