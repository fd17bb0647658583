package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.postern.Endpoint;
import dev.postern.GrpcHealthCheck;
import dev.postern.HealthCheck;
import dev.postern.Match;
import dev.postern.Protocol;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.UpstreamTls;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Http2Origin;
import dev.postern.runtime.rig.Pki;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.Running;
import dev.postern.runtime.tls.UpstreamTlsFiles;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Health checks of gRPC against the server of its own project, and against peers that keep to nothing. */
class GrpcHealthTest {
    private static final byte[] SERVING = {0, 0, 0, 0, 2, 8, 1};

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @TempDir
    Path files;

    private final HealthStatusManager health = new HealthStatusManager();
    private final List<Server> servers = new ArrayList<>();

    @AfterEach
    void stop() throws Exception {
        for (Server server : servers) {
            assertThat(server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS))
                    .isTrue();
        }
    }

    private Server server(ServerCredentials credentials, boolean reporting) throws Exception {
        var builder = Grpc.newServerBuilderForPort(0, credentials);
        Server server = (reporting ? builder.addService(health.getHealthService()) : builder)
                .build()
                .start();
        servers.add(server);
        return server;
    }

    private Running gateway(String url, GrpcHealthCheck check, UnaryOperator<Upstream.Builder> settings) {
        return rig.start(gateway -> gateway.upstream(settings.apply(Upstream.builder("orders")
                                .endpoints(url)
                                .protocol(Protocol.HTTP_2)
                                .healthCheck(check.interval(Duration.ofMillis(20))
                                        .unhealthyAfter(1)
                                        .healthyAfter(1)))
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
    }

    private static boolean healthy(Running running) {
        return running.gateway().upstream("orders").endpoints().get(0).healthy();
    }

    @Test
    void an_endpoint_is_well_while_its_server_says_serving() throws Exception {
        health.setStatus("shop.Orders", ServingStatus.SERVING);
        Server server = server(InsecureServerCredentials.create(), true);
        Running running =
                gateway("http://127.0.0.1:" + server.getPort(), HealthCheck.grpc("shop.Orders"), upstream -> upstream);
        health.setStatus("shop.Orders", ServingStatus.NOT_SERVING);
        await().until(() -> !healthy(running));
        health.setStatus("shop.Orders", ServingStatus.SERVING);
        await().until(() -> healthy(running));
        // The server as a whole is not what was asked about.
        health.setStatus("", ServingStatus.NOT_SERVING);
        health.clearStatus("shop.Orders");
        await().until(() -> !healthy(running));
        assertThat(rig.warnings())
                .anyMatch(line -> line.contains("says NOT_SERVING"))
                .anyMatch(line -> line.contains("does not know the service (grpc-status 5, NOT_FOUND)"));
    }

    @Test
    void a_server_without_health_service_is_not_well_and_the_log_says_why() throws Exception {
        Server server = server(InsecureServerCredentials.create(), false);
        Running running = gateway("http://127.0.0.1:" + server.getPort(), HealthCheck.grpc(), upstream -> upstream);
        await().until(() -> !healthy(running));
        assertThat(rig.warnings())
                .anyMatch(line -> line.contains("does not offer grpc.health.v1.Health (grpc-status 12"));
    }

    @Test
    void over_tls_the_check_believes_what_its_upstream_believes() throws Exception {
        Pki authority = new Pki("authority");
        var pair = Pki.write(files, "server", authority.server(1, "localhost"));
        Server server = server(
                TlsServerCredentials.create(
                        pair.certificate().toFile(), pair.key().toFile()),
                true);
        Path trust = authority.trust(files);
        health.setStatus("", ServingStatus.NOT_SERVING);
        Running running = gateway(
                "https://localhost:" + server.getPort(),
                HealthCheck.grpc(),
                upstream -> upstream.tls(UpstreamTls.verified().trust(trust)));
        await().until(() -> !healthy(running));
        health.setStatus("", ServingStatus.SERVING);
        await().until(() -> healthy(running));
    }

    @Test
    void an_endpoint_that_keeps_to_nothing_is_not_well_and_holds_nothing() throws Exception {
        assertRefused(
                "without a grpc-status",
                (connection, stream, frame) -> connection
                        .headers(stream.id(), false, ":status", "200", "content-type", "application/grpc")
                        .data(stream.id(), true, SERVING));
        assertRefused(
                "without a grpc-status",
                (connection, stream, frame) -> connection
                        .headers(stream.id(), false, ":status", "200", "content-type", "application/grpc")
                        .data(stream.id(), false, SERVING)
                        .headers(stream.id(), true, "grpc-status", "0", "grpc-status", "14"));
        assertRefused(
                "no HealthCheckResponse",
                (connection, stream, frame) -> connection
                        .headers(stream.id(), false, ":status", "200", "content-type", "application/grpc")
                        .data(stream.id(), false, new byte[] {0, 0, 0, 0, 2, -1, -1})
                        .headers(stream.id(), true, "grpc-status", "0"));
        assertRefused("more than 4096 bytes", (connection, stream, frame) -> {
            connection.headers(stream.id(), false, ":status", "200", "content-type", "application/grpc");
            for (int i = 0; i < 10; i++) {
                connection.data(stream.id(), false, new byte[1000]);
            }
        });
        assertRefused("", (connection, stream, frame) -> connection.reset(stream.id(), RawHttp2.INTERNAL_ERROR));
        assertRefused(
                "",
                (connection, stream, frame) -> connection
                        .headers(stream.id(), false, ":status", "200", "content-type", "application/grpc")
                        .data(stream.id(), false, SERVING)
                        .reset(stream.id(), RawHttp2.INTERNAL_ERROR));
        assertRefused("", (connection, stream, frame) -> connection.close());
    }

    private void assertRefused(String complaint, Http2Origin.Script answer) throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete(answer)));
        assertThatThrownBy(() -> checked(HealthCheck.grpc().timeout(Duration.ofSeconds(5)), origin, calls()))
                .hasMessageContaining(origin.url())
                .hasMessageContaining(complaint);
    }

    @Test
    void an_answer_that_does_not_come_in_time_is_none_and_its_connection_is_not_asked_again() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) -> {
            if (asked.incrementAndGet() == 1) {
                return;
            }
            connection
                    .headers(stream.id(), false, ":status", "200", "content-type", "application/grpc")
                    .data(stream.id(), false, SERVING)
                    .headers(stream.id(), true, "grpc-status", "0");
        })));
        OwnCalls calls = calls();
        GrpcHealthCheck check = HealthCheck.grpc();
        assertThatThrownBy(() -> checked(check.timeout(Duration.ofMillis(100)), origin, calls))
                .hasMessageContaining(origin.url());
        assertThat(checked(check, origin, calls)).isTrue();
        assertThat(origin.connections()).hasSize(2);
        assertThat(checked(check, origin, calls)).isTrue();
        assertThat(origin.connections()).hasSize(2);
        await().until(() -> origin.open() == 1);
        assertThat(origin.received().get(1).header("te")).isEqualTo("trailers");
        assertThat(origin.received().get(1).header(":path")).isEqualTo("/grpc.health.v1.Health/Check");
    }

    private OwnCalls calls() {
        OwnCalls calls = new OwnCalls(rig.vertx(), new UpstreamTlsFiles(rig.vertx()));
        rig.close(calls::close);
        return calls;
    }

    private static boolean checked(GrpcHealthCheck check, Http2Origin origin, OwnCalls calls) throws Exception {
        OwnCalls.Manner manner = new OwnCalls.Manner(UpstreamTls.verified(), Protocol.HTTP_2);
        RuntimeServices services = new RuntimeServices(null, null, null, calls, null, null, null, manner);
        return check.check(Endpoint.of(origin.url()), services)
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS);
    }
}
