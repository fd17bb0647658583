package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Protocol;
import dev.postern.Route;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Running;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.TlsServerCredentials;
import io.grpc.testing.integration.TestCases;
import io.grpc.testing.integration.TestServiceClient;
import io.grpc.testing.integration.TestServiceImpl;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The standard interop cases of gRPC, with client and server of its own project: what passes between the two passes with the
 * gateway in the middle, in cleartext and over TLS. Seven more cases need credentials of a cloud.
 */
class GrpcInteropTest {
    /** Those that pass directly. */
    private static final Set<TestCases> CASES = EnumSet.of(
            TestCases.EMPTY_UNARY,
            TestCases.LARGE_UNARY,
            TestCases.CLIENT_COMPRESSED_UNARY_NOPROBE,
            TestCases.SERVER_COMPRESSED_UNARY,
            TestCases.CLIENT_STREAMING,
            TestCases.CLIENT_COMPRESSED_STREAMING_NOPROBE,
            TestCases.SERVER_STREAMING,
            TestCases.SERVER_COMPRESSED_STREAMING,
            TestCases.PING_PONG,
            TestCases.EMPTY_STREAM,
            TestCases.CUSTOM_METADATA,
            TestCases.STATUS_CODE_AND_MESSAGE,
            TestCases.SPECIAL_STATUS_MESSAGE,
            TestCases.UNIMPLEMENTED_METHOD,
            TestCases.UNIMPLEMENTED_SERVICE,
            TestCases.CANCEL_AFTER_BEGIN,
            TestCases.CANCEL_AFTER_FIRST_RESPONSE,
            TestCases.TIMEOUT_ON_SLEEPING_SERVER,
            TestCases.VERY_LARGE_REQUEST,
            TestCases.PICK_FIRST_UNARY,
            TestCases.RPC_SOAK,
            TestCases.CHANNEL_SOAK);

    /** Those that do not: this server knows neither probes of compression, nor GET, nor reports of its load. */
    private static final Set<TestCases> NOT_DIRECTLY = EnumSet.of(
            TestCases.CACHEABLE_UNARY,
            TestCases.CLIENT_COMPRESSED_UNARY,
            TestCases.CLIENT_COMPRESSED_STREAMING,
            TestCases.ORCA_PER_RPC,
            TestCases.ORCA_OOB);

    /** Sleeps for five seconds by itself. */
    private static final TestCases SLOW = TestCases.PICK_FIRST_UNARY;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @TempDir
    Path files;

    private final ScheduledExecutorService service = Executors.newScheduledThreadPool(2);
    private final ExecutorService clients = Executors.newCachedThreadPool();
    private final List<Server> servers = new ArrayList<>();
    private Server server;

    @BeforeEach
    void serve() throws Exception {
        server = server(false);
    }

    @AfterEach
    void stop() throws Exception {
        for (Server each : servers) {
            assertThat(each.shutdownNow().awaitTermination(5, TimeUnit.SECONDS)).isTrue();
        }
        clients.shutdownNow();
        service.shutdownNow();
    }

    private Server server(boolean secure) throws Exception {
        Server started = Grpc.newServerBuilderForPort(
                        0,
                        secure
                                ? TlsServerCredentials.create(
                                        certificate("server1.pem").toFile(),
                                        certificate("server1.key").toFile())
                                : InsecureServerCredentials.create())
                .maxInboundMessageSize(16 << 20)
                .addService(ServerInterceptors.intercept(new TestServiceImpl(service), TestServiceImpl.interceptors()))
                .build()
                .start();
        servers.add(started);
        return started;
    }

    private Path certificate(String name) throws Exception {
        Path copy = files.resolve(name);
        if (!Files.exists(copy)) {
            try (InputStream in = TestServiceClient.class.getResourceAsStream("/certs/" + name)) {
                Files.copy(in, copy);
            }
        }
        return copy;
    }

    private int gateway(Listener listener) {
        Running running = rig.start(gateway -> gateway.listen(listener.host("127.0.0.1"))
                .upstream(Upstream.builder("interop")
                        .endpoints("http://127.0.0.1:" + server.getPort())
                        .protocol(Protocol.HTTP_2)
                        .build())
                .route(Route.builder("interop")
                        .match(Match.prefix("/"))
                        .maxRequestBytes(16 << 20)
                        .to("interop")
                        .build()));
        return running.port();
    }

    /** Runs cases, each with a client of its own; what failed, and how. */
    private Future<List<String>> failures(Set<TestCases> cases, int port, boolean secure) {
        return clients.submit(() -> {
            List<String> failures = new ArrayList<>();
            for (TestCases each : cases) {
                String failure = failure(each, port, secure);
                if (failure != null) {
                    failures.add(each + ": " + failure);
                }
            }
            return failures;
        });
    }

    private static String failure(TestCases each, int port, boolean secure) throws Exception {
        // The client is a program: what it can run one by one is not public.
        TestServiceClient client = new TestServiceClient();
        call(client, "parseArgs", new Class<?>[] {String[].class}, (Object) new String[] {
            "--server_host=127.0.0.1",
            "--server_port=" + port,
            "--use_tls=" + secure,
            "--use_test_ca=true",
            "--server_host_override=foo.test.google.fr",
            "--soak_iterations=2",
            "--test_case=" + each
        });
        call(client, "setUp", new Class<?>[0]);
        try {
            call(client, "runTest", new Class<?>[] {TestCases.class}, each);
            return null;
        } catch (InvocationTargetException failed) {
            return String.valueOf(failed.getCause());
        } finally {
            call(client, "tearDown", new Class<?>[0]);
        }
    }

    private static void call(TestServiceClient client, String name, Class<?>[] types, Object... arguments)
            throws Exception {
        Method method = TestServiceClient.class.getDeclaredMethod(name, types);
        method.setAccessible(true);
        method.invoke(client, arguments);
    }

    @Test
    void every_interop_case_that_passes_directly_passes_in_cleartext_and_over_tls() throws Exception {
        Tls tls = Tls.pem(certificate("server1.pem"), certificate("server1.key"));
        int direct = server.getPort();
        int cleartext = gateway(Listener.http2Cleartext(0));
        int secure = gateway(Listener.https(0, tls));
        List<Future<List<String>>> slow = List.of(
                failures(EnumSet.of(SLOW), direct, false),
                failures(EnumSet.of(SLOW), cleartext, false),
                failures(EnumSet.of(SLOW), secure, true));
        Set<TestCases> others = EnumSet.copyOf(CASES);
        others.remove(SLOW);

        assertThat(CASES).hasSize(22);
        assertThat(failures(others, direct, false).get()).as("directly").isEmpty();
        assertThat(failures(others, cleartext, false).get())
                .as("through the gateway, in cleartext")
                .isEmpty();
        assertThat(failures(others, secure, true).get())
                .as("through the gateway, over TLS")
                .isEmpty();
        for (Future<List<String>> each : slow) {
            assertThat(each.get()).isEmpty();
        }
    }

    /** Twenty seconds. */
    @Test
    @EnabledIfSystemProperty(named = "postern.interop", matches = "all")
    void the_others_do_not_pass_directly_either() throws Exception {
        for (TestCases each : NOT_DIRECTLY) {
            assertThat(failure(each, server.getPort(), false))
                    .as(each.toString())
                    .isNotNull();
        }
        assertThat(failures(CASES, server(true).getPort(), true).get())
                .as("directly over TLS")
                .isEmpty();
    }
}
