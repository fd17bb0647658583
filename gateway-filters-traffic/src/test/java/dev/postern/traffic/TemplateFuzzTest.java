package dev.postern.traffic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.postern.Body;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.testing.FakeChain;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Mutated inputs for every parser of this module: none breaks, and no value changes the shape of what it is put into. */
class TemplateFuzzTest {
    private static String text(byte[] input) {
        return new String(input, StandardCharsets.UTF_8);
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }

    @Test
    void json_of_upstreams() throws Exception {
        Mutations.run(
                "json",
                input -> {
                    JsonNode node = Json.read(ByteBuffer.wrap(input));
                    if (node == null) {
                        return 0;
                    }
                    // What was read is written so that it is read as the same; -3e0 and -3 are, as nodes they are not.
                    JsonNode again = Json.read(ByteBuffer.wrap(Json.bytes(node)));
                    check(again != null && node.toString().equals(again.toString()), node + " and " + again);
                    return 1 + (node.toString().length() & 255);
                },
                "{\"a\":[1,2.5,-3e7,true,null],\"b\":{\"c\":\"\\ud83d\\ude00\"}}",
                "[[[]]]",
                "{\"a\":1,\"a\":2} x",
                "61e1000000000000");
    }

    @Test
    void values_in_targets() throws Exception {
        TargetTemplate template = TargetTemplate.parse("/a/{id}/b?x={query:y}&z=1", problem -> {});
        Mutations.run(
                "value-in-target",
                input -> {
                    String value = text(input);
                    String target;
                    try {
                        target = template.fill(reference -> value);
                    } catch (UnusableValue unusable) {
                        return 0;
                    }
                    int mark = target.indexOf('?');
                    check(target.substring(0, mark).split("/", -1).length == 4, target);
                    check(target.substring(mark).split("&", -1).length == 2, target);
                    check(target.chars().allMatch(c -> c > ' ' && c < 127), target);
                    return 1 + target.length();
                },
                "7",
                "../x",
                "a b&c=d#e",
                "\u00e4/\\");
    }

    @Test
    void templates_of_targets() throws Exception {
        Mutations.run(
                "target-template",
                input -> {
                    List<String> problems = new ArrayList<>();
                    TargetTemplate template = TargetTemplate.parse(text(input), problems::add);
                    return problems.size() * 16
                            + (problems.isEmpty() ? template.references().size() : 0);
                },
                "/users/{id}/orders?page={query:page}&of={user.name}",
                "/{a}{b.c.d}/x",
                "/}{");
    }

    @Test
    void templates_of_bodies() throws Exception {
        Mutations.run(
                "json-template",
                input -> {
                    List<String> problems = new ArrayList<>();
                    JsonTemplate template = JsonTemplate.parse(text(input), problems::add);
                    if (template == null || !problems.isEmpty()) {
                        return -1;
                    }
                    byte[] body = template.fill(reference -> TextNode.valueOf("\",\"evil\":\"1"));
                    JsonNode filled = Json.read(ByteBuffer.wrap(body));
                    check(filled != null, text(body));
                    check(filled.size() == Json.read(text(input)).size(), text(body));
                    return template.references().size();
                },
                "{\"a\":\"{id}\",\"b\":[\"x {query:q} y\",1],\"c\":{\"d\":\"{user.id}\"}}",
                "\"{id}\"",
                "{\"a\":\"{\"}");
    }

    @Test
    void references() throws Exception {
        Mutations.run(
                "reference",
                input -> {
                    Reference reference = Reference.parse(text(input));
                    if (reference instanceof Reference.Result result) {
                        check(!result.path().contains("") && !result.path().isEmpty(), "" + result);
                        check((result.call() + '.' + String.join(".", result.path())).equals(text(input)), "" + result);
                        return 4 + result.path().size();
                    }
                    return reference == null ? 0 : reference instanceof Reference.Variable ? 1 : 2;
                },
                "id",
                "query:page",
                "user.team.0.id",
                "a..b");
    }

    @Test
    void types_of_grpc_web() throws Exception {
        // Two lines: what the body is, and what is accepted.
        Mutations.run(
                "grpc-web-type",
                input -> {
                    String[] lines = (text(input) + "\n").split("\n", 3);
                    Request request;
                    try {
                        request = Request.of("POST", "/")
                                .withHeader("Content-Type", lines[0])
                                .withHeader("Accept", lines[1]);
                    } catch (IllegalArgumentException noField) {
                        return 0;
                    }
                    FakeChain chain = FakeChain.answering(behind -> CompletableFuture.completedFuture(
                            Response.of(200).withHeader("Content-Type", "" + behind.header("Content-Type"))));
                    String back = "" + chain.run(GrpcWeb.toGrpc(), request).header("Content-Type");
                    String type = "" + chain.proceeded().get(0).header("Content-Type");
                    if (type.equals(request.header("Content-Type"))) {
                        check(type.equals(back), back);
                        return 1;
                    }
                    check(type.equals("application/grpc") || type.startsWith("application/grpc+"), type);
                    check(back.startsWith("application/grpc-web"), back);
                    return 2 + (type.length() & 31) * 2 + (back.contains("text") ? 1 : 0);
                },
                "application/grpc-web+proto\napplication/grpc-web",
                "application/grpc-web-text; charset=x\n",
                "Application/gRPC-Web-Text+json\napplication/grpc-web+json",
                "application/grpc-websocket\n*/*");
    }

    @Test
    void rates_that_upstreams_tell() throws Exception {
        RateLimitFields fields = new RateLimitFields(
                "api",
                List.of(new Limit(100, Duration.ofSeconds(1), 100), new Limit(5, Duration.ofSeconds(9), 5)),
                true,
                true);
        Mutations.run(
                "rate-limit-remaining",
                input -> {
                    Response response;
                    try {
                        response = Response.of(200).withHeader("X-RateLimit-Remaining", text(input));
                    } catch (IllegalArgumentException noField) {
                        return 0;
                    }
                    Headers told = fields.admitted(response, new long[] {0, 0}).headers();
                    String remaining = told.get("X-RateLimit-Remaining");
                    check(told.all("X-RateLimit-Remaining").size() == 1 && remaining != null, "" + told);
                    check(Long.parseLong(remaining) <= 5, remaining);
                    return 1 + Integer.parseInt(remaining);
                },
                "3",
                "7",
                "00000000000004",
                "-1",
                "99999999999999999999");
    }

    @Test
    void base64_in_pieces() throws Exception {
        Mutations.run(
                "grpc-web-base64",
                input -> {
                    String whole = decoded(input, input.length);
                    check(
                            whole.equals(decoded(input, 1)),
                            "byte by byte: " + decoded(input, 1) + ", at once: " + whole);
                    check(whole.equals(decoded(input, 1 + (input.length & 7))), "in pieces; at once: " + whole);
                    if (input.length % 4 == 0 && !whole.equals("broken")) {
                        StringBuilder plain = new StringBuilder();
                        for (int at = 0; at < input.length; at += 4) {
                            byte[] group = Base64.getDecoder().decode(Arrays.copyOfRange(input, at, at + 4));
                            plain.append(new String(group, StandardCharsets.ISO_8859_1));
                        }
                        check(plain.toString().equals(whole), "the JDK reads " + plain);
                    }
                    return whole.equals("broken") ? -1 - (input.length & 7) : whole.length();
                },
                "AAAAAAJoaQ==",
                "AAAAAAA=AAAAAAI=",
                "aGk",
                "+/+/");
    }

    private static String decoded(byte[] input, int piece) {
        Base64Reading reading = new Base64Reading();
        StringBuilder plain = new StringBuilder();
        try {
            for (int at = 0; at < input.length; at += piece) {
                ByteBuffer next = reading.next(ByteBuffer.wrap(input, at, Math.min(piece, input.length - at)));
                plain.append(StandardCharsets.ISO_8859_1.decode(next));
            }
            return reading.last().toCompletableFuture().isCompletedExceptionally() ? "broken" : plain.toString();
        } catch (GatewayException broken) {
            return "broken";
        }
    }

    @Test
    void frames_of_grpc_in_pieces() throws Exception {
        Mutations.run(
                "grpc-web-frames",
                input -> {
                    String whole = framed(input, input.length);
                    check(whole.equals(framed(input, 1)), "byte by byte: " + framed(input, 1) + ", at once: " + whole);
                    check(whole.equals(framed(input, 1 + (input.length & 7))), "in pieces; at once: " + whole);
                    int frames = 0;
                    for (int at = 0; whole.equals("whole") && at < input.length; frames++) {
                        check(input[at] == 0 || input[at] == 1, "flags " + input[at]);
                        at += 5 + ByteBuffer.wrap(input).getInt(at + 1);
                    }
                    return whole.hashCode() + frames;
                },
                "\0\0\0\0\2hi",
                "\1\0\0\0\0\0\0\0\0\1x",
                "\0\0\0\1");
    }

    private static String framed(byte[] input, int piece) {
        GrpcFrames frames = new GrpcFrames(Body.empty(), Headers.EMPTY, false);
        try {
            for (int at = 0; at < input.length; at += piece) {
                frames.next(ByteBuffer.wrap(input, at, Math.min(piece, input.length - at)));
            }
            return frames.last().toCompletableFuture().isCompletedExceptionally() ? "half" : "whole";
        } catch (GatewayException broken) {
            return "broken";
        }
    }
}
