package dev.postern.runtime.forward;

import dev.postern.Headers;
import dev.postern.runtime.forward.ResponseFraming.Step;
import dev.postern.runtime.rig.Fuzz;
import java.nio.charset.StandardCharsets;

/** Parsers of this package, for the fuzzer. */
public final class ForwardFuzz {
    private ForwardFuzz() {}

    /** The framing of responses is the same however the bytes are cut. */
    public static Fuzz.Target responses() {
        return input -> {
            boolean head = input.length % 5 == 0;
            String whole = judged(input, Integer.MAX_VALUE, head);
            String single = judged(input, 1, head);
            if (!whole.equals(single)) {
                throw new IllegalStateException("byte by byte: " + single + ", at once: " + whole);
            }
            return whole.replaceAll("[0-9]+", "").hashCode() ^ (whole.length() & 3);
        };
    }

    /** The status of a gRPC response is a number of two digits, or there is none. */
    public static Fuzz.Target grpcStatus() {
        return input -> {
            Headers head;
            try {
                head = Headers.builder()
                        .add("grpc-status", new String(input, StandardCharsets.ISO_8859_1))
                        .build();
            } catch (IllegalArgumentException noField) {
                return -2;
            }
            int status = GrpcStatus.of(head);
            if (status < -1 || status > 99) {
                throw new IllegalStateException("status " + status);
            }
            return status;
        };
    }

    private static String judged(byte[] input, int piece, boolean head) {
        ResponseFraming framing = new ResponseFraming();
        framing.expect(head);
        long body = 0;
        int at = 0;
        while (at < input.length) {
            if (framing.isIdle()) {
                return "ended at " + at + " after " + body;
            }
            long opaque = framing.opaque();
            if (opaque > 0) {
                int count = (int) Math.min(Math.min(opaque, piece), input.length - at);
                framing.skip(count);
                at += count;
                body += count;
                continue;
            }
            // Byte by byte, or in runs: the verdict is the same, and falls at the same byte.
            Step step;
            if (piece == 1) {
                step = framing.next(input[at++]);
            } else {
                at = framing.scan(input, at, at + Math.min(piece, input.length - at));
                step = framing.step();
            }
            if (step == Step.REFUSED) {
                return framing.reason() + " at " + at + " after " + body;
            }
        }
        return (framing.isIdle() ? "ended at " + at : "waits") + " after " + body;
    }
}
