package dev.postern.runtime.message;

import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.runtime.rig.Fuzz;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Parsers of this package, for the fuzzer. */
public final class MessageFuzz {
    private static final String KEY = "AQIDBAUGBwgJCgsMDQ4PEA==";

    private MessageFuzz() {}

    /** Frames of WebSockets are the same however the bytes are cut; the first byte says whose they are. */
    public static Fuzz.Target frames() {
        return input -> {
            String whole = judged(input, Integer.MAX_VALUE);
            String single = judged(input, 1);
            check(whole.equals(single), "byte by byte: " + single + ", at once: " + whole);
            int cut = 2 + (input.length & 7);
            String pieces = judged(input, cut);
            check(whole.equals(pieces), "in pieces of " + cut + ": " + pieces + ", at once: " + whole);
            return whole.replaceAll("[0-9]+", "").hashCode();
        };
    }

    private static String judged(byte[] input, int piece) {
        int kind = input.length == 0 ? 0 : input[0];
        Frames frames = new Frames((kind & 1) != 0, (kind & 2) != 0, 100_000, 5);
        StringBuilder out = new StringBuilder();
        long payload = 0;
        long wholeMessages = 0;
        int at = Math.min(1, input.length);
        while (at < input.length) {
            int to = (int) Math.min(input.length, (long) at + piece);
            while (at < to) {
                Frames.Step step = frames.next(input, at, to);
                check(step == Frames.Step.MORE ? frames.at() == to : frames.at() > at, "does not go on");
                switch (step) {
                    case HEAD -> {
                        out.append('h').append(frames.opcode()).append(frames.isFinal() ? "." : "+");
                        payload = 0;
                    }
                    case CONTROL ->
                        out.append('c')
                                .append(frames.opcode())
                                .append(frames.opcode() == Frames.CLOSE ? " " + frames.closeCode() : "");
                    case PAYLOAD -> {
                        if (!frames.isText(input, at, frames.at(), payload)) {
                            return out.append("no text").toString();
                        }
                        payload += frames.at() - at;
                    }
                    case REFUSED -> {
                        check(frames.code() >= 1000 && !frames.reason().isEmpty(), "refused without a word");
                        return out.append(frames.code()).append(frames.reason()).toString();
                    }
                    case MORE -> {
                        // The next piece may complete it.
                    }
                }
                boolean ends = (step == Frames.Step.HEAD || step == Frames.Step.PAYLOAD) && !frames.isWithinFrame();
                if (ends && frames.isFinal()) {
                    out.append(frames.isWhole() ? "" : "half a character");
                    wholeMessages++;
                }
                at = frames.at();
            }
        }
        return out.append(frames.isPartial())
                .append(frames.isWithinFrame())
                .append(wholeMessages)
                .toString();
    }

    /** What is text to us is text to the JDK, masked or not, in pieces or not. */
    public static Fuzz.Target utf8() {
        return input -> {
            boolean text = true;
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(input));
            } catch (CharacterCodingException none) {
                text = false;
            }
            int mask = Arrays.hashCode(input);
            byte[] masked = input.clone();
            for (int i = 0; i < masked.length; i++) {
                masked[i] ^= (byte) (mask >> 8 * (i & 3));
            }
            check(text == accepted(input, 0, Integer.MAX_VALUE), "the JDK says " + text);
            check(text == accepted(masked, mask, 1 + (input.length & 15)), "masked: the JDK says " + text);
            return (text ? 1 : 0) + 2 * (input.length & 63);
        };
    }

    private static boolean accepted(byte[] bytes, int mask, int piece) {
        Utf8 utf8 = new Utf8();
        for (int at = 0; at < bytes.length; ) {
            int to = (int) Math.min(bytes.length, (long) at + piece);
            if (!utf8.accept(bytes, at, to, mask, at)) {
                return false;
            }
            at = to;
        }
        return utf8.isComplete();
    }

    /** Lengths of gRPC messages are the same however the bytes are cut. */
    public static Fuzz.Target grpcMessages() {
        return input -> {
            boolean whole = new GrpcMessages(1000).pass(Buffer.buffer(input));
            GrpcMessages pieces = new GrpcMessages(1000);
            boolean goesOn = true;
            for (int i = 0; i < input.length && goesOn; i++) {
                goesOn = pieces.pass(Buffer.buffer(new byte[] {input[i]}));
            }
            check(whole == goesOn, "byte by byte: " + goesOn + ", at once: " + whole);
            return (whole ? 1 : 0) + 2 * (input.length & 63);
        };
    }

    /** Of the extensions that either side names only one passes, and only if it was offered. Two lines: offered, accepted. */
    public static Fuzz.Target handshakes() {
        return input -> {
            String[] lines = new String(input, StandardCharsets.ISO_8859_1).split("\n", 3);
            Headers.Builder headers =
                    Headers.builder().add("Sec-WebSocket-Version", "13").add("Sec-WebSocket-Key", KEY);
            try {
                headers.add("Sec-WebSocket-Extensions", lines[0]);
                if (lines.length > 1) {
                    headers.add("Sec-WebSocket-Protocol", lines[1]);
                }
            } catch (IllegalArgumentException noField) {
                return 0;
            }
            MultiMap offer = MultiMap.caseInsensitiveMultiMap();
            Handshake handshake;
            try {
                handshake = Handshake.of("GET", "websocket", true, false, headers.build());
                handshake.offer(offer, headers.build(), input.length % 7 == 0);
            } catch (GatewayException refused) {
                return 1;
            }
            String extensions = offer.get("Sec-WebSocket-Extensions");
            MultiMap answer = MultiMap.caseInsensitiveMultiMap()
                    .set("Upgrade", "websocket")
                    .set("Connection", "Upgrade")
                    .set("Sec-WebSocket-Accept", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY=");
            if (lines.length > 2 && lines[2].chars().allMatch(c -> c >= ' ' && c < 127)) {
                answer.set("Sec-WebSocket-Extensions", lines[2]);
            }
            try {
                Handshake.Agreed agreed = handshake.accepted(answer, "http://a");
                String said = agreed.extensions();
                check(said == null || (extensions != null && said.toLowerCase().contains("permessage-deflate")), said);
                check(said == null || !unquoted(said).contains(","), said);
                return said == null ? 2 : 3 + said.length();
            } catch (GatewayException refused) {
                return -refused.reason().length();
            }
        };
    }

    private static String unquoted(String list) {
        return list.replaceAll("\"(\\\\.|[^\"\\\\])*\"", "").strip();
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
