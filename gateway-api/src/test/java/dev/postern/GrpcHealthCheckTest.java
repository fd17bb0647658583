package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.testing.FakeServices;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GrpcHealthCheckTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Endpoint ENDPOINT = Endpoint.of("http://10.0.0.7:8081");
    private static final String ONE_MESSAGE = "answered with something else than one uncompressed message";
    private static final String NO_MESSAGE = "answered with a message that is no HealthCheckResponse";

    @Test
    void has_the_defaults_of_all_checks_and_changes_as_a_copy() {
        GrpcHealthCheck check = HealthCheck.grpc();
        assertThat(check)
                .returns(Duration.ofSeconds(5), GrpcHealthCheck::interval)
                .returns(Duration.ofSeconds(5), GrpcHealthCheck::unhealthyInterval)
                .returns(0.1, GrpcHealthCheck::jitter)
                .returns(3, GrpcHealthCheck::unhealthyAfter)
                .returns(2, GrpcHealthCheck::healthyAfter)
                .isEqualTo(HealthCheck.grpc())
                .hasToString("gRPC health");
        assertThat(HealthCheck.grpc("shop.Orders"))
                .isEqualTo(HealthCheck.grpc("shop.Orders"))
                .hasSameHashCodeAs(HealthCheck.grpc("shop.Orders"))
                .hasToString("gRPC health of shop.Orders");
        List<GrpcHealthCheck> others = List.of(
                HealthCheck.grpc("a"),
                HealthCheck.grpc("b"),
                check.interval(SECOND),
                check.unhealthyInterval(SECOND),
                check.timeout(Duration.ofSeconds(2)),
                check.jitter(0.2),
                check.unhealthyAfter(1),
                check.healthyAfter(1));
        assertThat(others).doesNotHaveDuplicates().doesNotContain(check);
        assertThat(HealthCheck.grpc("a").interval(SECOND)).hasToString("gRPC health of a");
    }

    @Test
    void what_makes_no_sense_is_refused() {
        GrpcHealthCheck check = HealthCheck.grpc();
        List.<Runnable>of(
                        () -> HealthCheck.grpc(""),
                        () -> HealthCheck.grpc(" "),
                        () -> HealthCheck.grpc("x".repeat(1001)),
                        () -> check.timeout(Duration.ZERO),
                        () -> check.interval(Duration.ofSeconds(-1)),
                        () -> check.unhealthyInterval(Duration.ZERO),
                        () -> check.jitter(1),
                        () -> check.unhealthyAfter(0),
                        () -> check.healthyAfter(0))
                .forEach(wrong -> assertThatThrownBy(wrong::run).hasMessageContaining("(expected: "));
    }

    @ParameterizedTest
    @CsvSource({"1, 1000m", "99998, 99998000m", "100000, 100000S", "999999999, 99999999S"})
    void the_call_says_how_long_it_waits(long seconds, String header) {
        Request sent = sentBy(HealthCheck.grpc().timeout(Duration.ofSeconds(seconds)));
        assertThat(sent.header("grpc-timeout")).isEqualTo(header);
    }

    @Test
    void the_call_is_one_of_grpc_with_the_service_in_it() throws Exception {
        Request sent = sentBy(HealthCheck.grpc());
        assertThat(sent.method() + ' ' + sent.target()).isEqualTo("POST /grpc.health.v1.Health/Check");
        assertThat(sent.header("content-type")).isEqualTo("application/grpc");
        assertThat(sent.header("te")).isEqualTo("trailers");
        assertThat(bytes(sent)).isEqualTo("0000000000");
        assertThat(bytes(sentBy(HealthCheck.grpc("a.Ü")))).isEqualTo("00000000060a04612ec39c");
        assertThat(bytes(sentBy(HealthCheck.grpc("x".repeat(127))))).startsWith("00000000810a7f78");
        // 300 = 0b10_0101100: seven bits a byte, the lower ones first.
        assertThat(bytes(sentBy(HealthCheck.grpc("x".repeat(300))))).startsWith("000000012f0aac0278");
        assertThat(sentBy(HealthCheck.grpc().timeout(Duration.ofNanos(1))).header("grpc-timeout"))
                .isEqualTo("1m");
    }

    @Test
    void serving_is_well() {
        assertThat(asked(answer("00000000020801", "0")).join()).isTrue();
        assertThat(asked(answer("00000000020801", "0")
                                .withHeader("content-type", "application/grpc+proto; charset=utf-8"))
                        .join())
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "00000000020802, 0, says NOT_SERVING",
        "00000000020800, 0, says UNKNOWN",
        "0000000000, 0, says UNKNOWN",
        "00000000020803, 0, says SERVICE_UNKNOWN",
        "00000000020804, 0, says status 4",
        "00000000020801, 5, 'does not know the service (grpc-status 5, NOT_FOUND)'",
        "'', 12, 'does not offer grpc.health.v1.Health (grpc-status 12, UNIMPLEMENTED)'",
        "00000000020801, 14, answered with grpc-status 14",
        "00000000020801, 100, ended without a grpc-status",
        "00000000020801, -1, ended without a grpc-status",
        "00000000020801, '', ended without a grpc-status",
        // No whole message, two of them, a compressed one, a length beyond the end, a negative length.
        "'', 0, " + ONE_MESSAGE,
        "00000000, 0, " + ONE_MESSAGE,
        "000000000208, 0, " + ONE_MESSAGE,
        "0000000002080100000000020801, 0, " + ONE_MESSAGE,
        "01000000020801, 0, " + ONE_MESSAGE,
        "007fffffff0801, 0, " + ONE_MESSAGE,
        "00ffffffff0801, 0, " + ONE_MESSAGE,
        // A number that does not end, one that is too long, a negative one, one that is none.
        "00000000020880, 0, " + NO_MESSAGE,
        "000000000c08ffffffffffffffffffff01, 0, " + NO_MESSAGE,
        "000000000b08ffffffffffffffffff01, 0, " + NO_MESSAGE,
        "00000000030a0101, 0, " + NO_MESSAGE,
        // Field 0, a group, a text that is longer than what comes, a fixed number that is cut.
        "00000000020001, 0, " + NO_MESSAGE,
        "00000000021314, 0, " + NO_MESSAGE,
        "0000000003127f00, 0, " + NO_MESSAGE,
        "000000000c12ffffffffffffffffff0100, 0, " + NO_MESSAGE,
        "0000000003150000, 0, " + NO_MESSAGE,
        "00000000031100ff, 0, " + NO_MESSAGE,
        "00000000021080, 0, " + NO_MESSAGE,
    })
    void all_else_is_not_and_says_why(String bytes, String status, String complaint) {
        assertThatThrownBy(() -> asked(answer(bytes, status)).join())
                .isInstanceOf(CompletionException.class)
                .hasRootCauseMessage("http://10.0.0.7:8081 " + complaint);
    }

    @ParameterizedTest
    @CsvSource({
        "08020801",
        "1200080110ffffffffffffffffff01",
        "08011501020304",
        "0801110102030405060708",
        "0801faffffff0f00",
    })
    void fields_of_later_versions_are_passed_over_and_the_last_of_one_name_counts(String message) {
        String framed = "00" + HexFormat.of().toHexDigits(message.length() / 2) + message;
        assertThat(asked(answer(framed, "0")).join()).isTrue();
    }

    @Test
    void the_head_alone_may_be_the_whole_answer() {
        Response head = Response.of(200).withHeader("content-type", "application/grpc");
        assertThatThrownBy(() -> asked(head.withHeader("grpc-status", "12")).join())
                .hasMessageContaining("UNIMPLEMENTED");
        assertThatThrownBy(() -> asked(head.withHeader("grpc-status", "0")).join())
                .hasMessageContaining(ONE_MESSAGE);
        assertThatThrownBy(() -> asked(head).join()).hasMessageContaining("ended without a grpc-status");
        // In front of a message it says nothing: that may still break off.
        byte[] serving = HexFormat.of().parseHex("00000000020801");
        assertThatThrownBy(() -> asked(head.withHeader("grpc-status", "0").withBody(Body.of(serving)))
                        .join())
                .hasMessageContaining("ended without a grpc-status");
    }

    @Test
    void an_answer_of_another_protocol_is_not_well() {
        Response good = answer("00000000020801", "0");
        assertThatThrownBy(() -> asked(good.withStatus(503)).join())
                .hasMessageContaining("answered 503, which is not gRPC");
        assertThatThrownBy(() -> asked(good.withHeader("content-type", "application/grpc-web"))
                        .join())
                .hasMessageContaining("another content type");
        assertThatThrownBy(() -> asked(good.withoutHeader("content-type")).join())
                .hasMessageContaining("another content type");
        assertThatThrownBy(() -> asked(good.withBody(Body.of(new byte[4097]))).join())
                .hasMessageContaining("4096");
    }

    private static CompletableFuture<Boolean> asked(Response answer) {
        FakeServices services =
                new FakeServices().answering((endpoint, request) -> CompletableFuture.completedFuture(answer));
        return HealthCheck.grpc().check(ENDPOINT, services).toCompletableFuture();
    }

    private static Request sentBy(GrpcHealthCheck check) {
        FakeServices services = new FakeServices();
        check.check(ENDPOINT, services);
        return services.sent().get(0);
    }

    private static String bytes(Request request) throws Exception {
        return HexFormat.of()
                .formatHex(
                        request.body().buffer(2000).toCompletableFuture().get().toByteArray());
    }

    private static Response answer(String hex, String grpcStatus) {
        return Response.of(200)
                .withHeader("content-type", "application/grpc")
                .withBody(new Answer(Body.of(HexFormat.of().parseHex(hex)), Headers.of("grpc-status", grpcStatus)));
    }

    /** In memory, with trailers. */
    private record Answer(BufferedBody bytes, Headers fields) implements Body {
        @Override
        public long length() {
            return bytes.length();
        }

        @Override
        public boolean replayable() {
            return true;
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return bytes.chunks();
        }

        @Override
        public CompletionStage<BufferedBody> buffer(int maxBytes) {
            return bytes.buffer(maxBytes);
        }

        @Override
        public CompletionStage<Headers> trailers() {
            return CompletableFuture.completedFuture(fields);
        }

        @Override
        public void discard() {}
    }
}
