package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Body;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Match;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.testing.BodyContract;
import dev.postern.testing.FakeBody;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FilterContract;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GrpcWebTest {
    /** A message of three bytes. */
    private static final String MESSAGE = "\0\0\0\0\3abc";

    private static final Headers OK = Headers.of("grpc-status", "0").with("x-sum", "7");
    private static final String TRAILERS = "\u0080\0\0\0\32grpc-status: 0\r\nx-sum: 7\r\n";

    private final GrpcWeb filter = GrpcWeb.toGrpc();

    static Upstream upstream() {
        Upstream greeter = Upstream.builder("greeter")
                .endpoints("http://10.0.0.7:9090")
                .protocol(Protocol.HTTP_2)
                .build();
        return greeter;
    }

    static Route route() {
        // @start region="smallest"
        Route greeter = Route.builder("greeter")
                .match(Match.prefix("/greet.Greeter/"))
                .filter(GrpcWeb.toGrpc())
                .to("greeter")
                .streaming()
                .build();
        // @end
        return greeter;
    }

    private static Request call(String type, Body body) {
        return Request.of("POST", "/greet.Greeter/Hello")
                .withHeader("Content-Type", type)
                .withHeader("X-Grpc-Web", "1")
                .withBody(body);
    }

    private static Response grpc(Body body) {
        return Response.of(200)
                .withHeader("Content-Type", "application/grpc+proto")
                .withBody(body);
    }

    private static String text(Body body) {
        return new String(bytes(body), StandardCharsets.ISO_8859_1);
    }

    private static byte[] bytes(Body body) {
        var content = body.buffer(1 << 20).toCompletableFuture().join().bytes();
        byte[] bytes = new byte[content.remaining()];
        content.get(bytes);
        return bytes;
    }

    private static byte[] latin(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    @Test
    void a_binary_call_keeps_its_body_and_gets_its_trailers_as_a_frame() {
        FakeChain chain =
                FakeChain.answering(grpc(FakeBody.of("\0\0\0\0", "\3a", "bc").trailers(OK)));
        Body body = Body.of(latin(MESSAGE));

        Response answer = chain.run(filter, call("application/grpc-web+proto", body));

        Request sent = chain.proceeded().get(0);
        assertThat(sent.header("Content-Type")).isEqualTo("application/grpc+proto");
        assertThat(sent.header("TE")).isEqualTo("trailers");
        assertThat(sent.header("X-Grpc-Web")).isNull();
        assertThat(sent.body()).as("passed on as it is").isSameAs(body);
        assertThat(answer.header("Content-Type")).isEqualTo("application/grpc-web+proto");
        assertThat(text(answer.body())).isEqualTo(MESSAGE + TRAILERS);
    }

    @Test
    void a_text_call_is_base64_in_both_directions_and_each_piece_can_be_read_when_it_comes() {
        FakeChain chain =
                FakeChain.answering(grpc(FakeBody.of("\0\0\0\0\3a", "bc").trailers(OK)));
        String encoded = Base64.getEncoder().encodeToString(latin(MESSAGE));

        Response answer = chain.run(
                filter, call("application/grpc-web-text", FakeBody.of(encoded.substring(0, 3), encoded.substring(3))));

        Request sent = chain.proceeded().get(0);
        assertThat(sent.header("Content-Type")).isEqualTo("application/grpc");
        assertThat(text(sent.body())).isEqualTo(MESSAGE);
        assertThat(answer.header("Content-Type")).isEqualTo("application/grpc-web-text+proto");
        Base64.Encoder base64 = Base64.getEncoder();
        assertThat(text(answer.body()))
                .isEqualTo(base64.encodeToString(latin("\0\0\0\0\3a"))
                        + base64.encodeToString(latin("bc"))
                        + base64.encodeToString(latin(TRAILERS)));
    }

    @ParameterizedTest
    @CsvSource({
        "application/grpc-web, application/grpc-web-text, application/grpc-web-text+proto",
        "application/grpc-web-text, application/grpc-web; q=1, application/grpc-web+proto",
        "Application/GRPC-Web;x=y, */*, application/grpc-web+proto"
    })
    void the_form_of_the_answer_is_the_one_that_is_accepted_or_that_of_the_call(
            String type, String accept, String back) {
        FakeChain chain = FakeChain.answering(grpc(FakeBody.of().trailers(OK)));
        Response answer = chain.run(filter, call(type, Body.empty()).withHeader("Accept", accept));
        assertThat(chain.proceeded().get(0).header("Accept")).isNull();
        assertThat(answer.header("Content-Type")).isEqualTo(back);
        answer.body().discard();
    }

    @Test
    void a_status_in_the_head_comes_where_the_client_looks_for_it() {
        Response early = grpc(Body.empty())
                .withHeader("grpc-status", "5")
                .withHeader("grpc-message", "no such greeting")
                .withHeader("x-other", "1");
        Response answer = FakeChain.answering(early).run(filter, call("application/grpc-web", Body.empty()));
        assertThat(answer.header("grpc-status")).isNull();
        assertThat(answer.header("x-other")).isEqualTo("1");
        assertThat(text(answer.body())).endsWith("grpc-status: 5\r\ngrpc-message: no such greeting\r\n");
    }

    @Test
    void t123_a_service_that_gives_no_status_is_an_unknown_one() {
        Response answer =
                FakeChain.answering(grpc(FakeBody.of(MESSAGE))).run(filter, call("application/grpc-web", Body.empty()));
        assertThat(text(answer.body())).startsWith(MESSAGE).contains("grpc-status: 2\r\n");
    }

    @Test
    void what_is_not_grpc_passes_untouched_in_both_directions() {
        for (Request other : List.of(
                call("application/grpc", Body.of("x")),
                call("application/grpc-webber", Body.of("x")),
                Request.get("/").withHeader("Content-Type", "application/grpc-web"),
                Request.get("/"))) {
            FakeChain chain = FakeChain.answering(grpc(Body.of("y")));
            Response answer = chain.run(filter, other);
            assertThat(chain.proceeded()).containsExactly(other);
            assertThat(answer.header("Content-Type")).isEqualTo("application/grpc+proto");
        }
        for (Response other : List.of(
                Response.text(200, "hello"),
                Response.text(503, "no"),
                grpc(Body.of("x")).withStatus(500))) {
            Response answer = FakeChain.answering(other).run(filter, call("application/grpc-web", Body.empty()));
            assertThat(answer).isSameAs(other);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"AAA", "AA=A", "A===", "AA-A", "AA A", "AB==", "AAB=", "AAAA=", "AAAAAA", "=AAA", "AAA=="})
    void what_is_not_base64_breaks_the_request(String text) {
        FakeChain chain = FakeChain.answering(grpc(Body.empty()));
        chain.run(filter, call("application/grpc-web-text", FakeBody.of(text)))
                .body()
                .discard();
        Body sent = chain.proceeded().get(0).body();
        assertThatThrownBy(() -> text(sent))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(GatewayException.class, broken -> {
                    assertThat(broken.failure()).isEqualTo(Failure.REQUEST_BODY_BROKEN);
                    assertThat(broken.reason()).isEqualTo("grpc_web.base64");
                });
    }

    @Test
    void padding_may_stand_between_messages_wherever_the_chunks_are_cut() {
        byte[] all = new byte[300];
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) (i * 31);
        }
        StringBuilder encoded = new StringBuilder();
        for (int from = 0, size = 1; from < all.length; from += size, size = size % 7 + 1) {
            int to = Math.min(all.length, from + size);
            encoded.append(Base64.getEncoder().encodeToString(java.util.Arrays.copyOfRange(all, from, to)));
        }
        for (int cut = 1; cut < 9; cut++) {
            String[] chunks = encoded.toString().split("(?<=\\G.{" + cut + "})");
            FakeChain chain = FakeChain.answering(grpc(Body.empty()));
            chain.run(filter, call("application/grpc-web-text", FakeBody.of(chunks)))
                    .body()
                    .discard();
            assertThat(bytes(chain.proceeded().get(0).body())).isEqualTo(all);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u0080\0\0\0\0", "\2\0\0\0\0", "\0\0\0", "\0\0\0\0\5abc", "\0\0\0\0\1a\u0081"})
    void t116_a_service_cannot_forge_trailers_and_half_a_message_is_no_end(String content) {
        Response answer = FakeChain.answering(grpc(Body.of(latin(content))))
                .run(filter, call("application/grpc-web", Body.empty()));
        assertThatThrownBy(() -> text(answer.body()))
                .isInstanceOf(CompletionException.class)
                .rootCause()
                .isInstanceOfSatisfying(
                        GatewayException.class,
                        broken -> assertThat(broken.reason()).isEqualTo("grpc_web.frame"));
    }

    @Test
    void bodies_and_filter_keep_their_contracts() {
        BodyContract.check(() -> answered("application/grpc-web", FakeBody.of("\0\0\0\0\3a", "bc")));
        BodyContract.check(() -> answered("application/grpc-web-text", FakeBody.of("\0\0\0\0\3a", "bc")));
        BodyContract.check(() -> {
            FakeChain chain = FakeChain.answering(grpc(Body.empty()));
            chain.run(filter, call("application/grpc-web-text", FakeBody.of("AAA", "AAAAA")))
                    .body()
                    .discard();
            return chain.proceeded().get(0).body();
        });
        FilterContract.check(filter);
        FilterContract.of(filter)
                .request(call("application/grpc-web-text", Body.of("AAAA")))
                .verify();
    }

    private Body answered(String type, FakeBody body) {
        return FakeChain.answering(grpc(body))
                .run(filter, call(type, Body.empty()))
                .body();
    }

    @Test
    void a_body_that_is_dropped_lets_go_of_the_one_inside() {
        FakeBody inside = FakeBody.of(MESSAGE);
        answered("application/grpc-web", inside).discard();
        assertThat(inside.released()).isTrue();
    }

    @Test
    void there_is_one_filter_so_swaps_keep_it() {
        assertThat(GrpcWeb.toGrpc()).isSameAs(GrpcWeb.toGrpc());
        assertThat(filter.name()).isEqualTo("GrpcWeb");
        assertThat(route().filters()).containsExactly(filter);
        assertThat(upstream().protocol()).isEqualTo(Protocol.HTTP_2);
    }
}
