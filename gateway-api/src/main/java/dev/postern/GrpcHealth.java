package dev.postern;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The two messages of gRPC's health checking protocol and the one call that carries them, by hand: the protocol is fixed, and
 * protobuf would be a library for six bytes.
 *
 * <pre>
 *   POST /grpc.health.v1.Health/Check             :status 200, content-type application/grpc
 *   0 | length (4) | 0A len service…      ─▶      0 | length (4) | 08 status
 *                                         ◀─      grpc-status 0
 * </pre>
 *
 * Sources: grpc/doc/health-checking.md, grpc/doc/PROTOCOL-HTTP2.md, the encoding of protobuf. Fields that are not known are
 * passed over, as protobuf wants it; everything else that is not as it should be is a failure that says what.
 */
final class GrpcHealth {
    /** The answer has two bytes; more is room for fields of later versions. */
    static final int MAX_BYTES = 4096;

    private static final String TARGET = "/grpc.health.v1.Health/Check";
    private static final int PREFIX = 5;
    private static final int SERVING = 1;
    private static final String[] STATUSES = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    /** grpc-timeout holds eight digits at most. */
    private static final long MAX_TIMEOUT = 99_999_999;

    private GrpcHealth() {}

    /** @param service the empty text for the server as a whole */
    static Request request(String service, Duration timeout) {
        byte[] name = service.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        if (name.length > 0) {
            message.write(1 << 3 | 2); // field 1, length-delimited
            for (int rest = name.length; ; rest >>>= 7) {
                boolean last = rest < 0x80;
                message.write(last ? rest : rest & 0x7f | 0x80);
                if (last) {
                    break;
                }
            }
            message.writeBytes(name);
        }
        ByteArrayOutputStream framed = new ByteArrayOutputStream();
        int length = message.size();
        framed.writeBytes(
                new byte[] {0, (byte) (length >> 24), (byte) (length >> 16), (byte) (length >> 8), (byte) length});
        framed.writeBytes(message.toByteArray());
        return Request.of("POST", TARGET)
                .withHeader("Content-Type", "application/grpc")
                .withHeader("TE", "trailers")
                .withHeader("grpc-timeout", timeout(timeout))
                .withBody(Body.of(framed.toByteArray()));
    }

    private static String timeout(Duration timeout) {
        if (timeout.toSeconds() >= MAX_TIMEOUT / 1000) {
            return Math.min(timeout.toSeconds(), MAX_TIMEOUT) + "S";
        }
        return Math.max(1, timeout.toMillis()) + "m";
    }

    /** True, or a failure that says why not. */
    static CompletionStage<Boolean> verdict(Endpoint endpoint, Response response) {
        return response.body()
                .buffer(MAX_BYTES)
                .thenCompose(body -> response.body().trailers().thenApply(trailers -> {
                    String complaint = complaint(response, body.toByteArray(), trailers);
                    if (complaint != null) {
                        throw new GatewayException(Failure.RESPONSE_MALFORMED, endpoint.uri() + ' ' + complaint);
                    }
                    return true;
                }));
    }

    private static @Nullable String complaint(Response response, byte[] body, Headers trailers) {
        if (response.status() != 200) {
            return "answered " + response.status() + ", which is not gRPC";
        }
        String type = response.header("content-type");
        if (type == null || !(type.equals("application/grpc") || type.matches("application/grpc[+;].*"))) {
            return "answered with another content type than application/grpc";
        }
        // A head that is also the end of the response carries what trailers would: "trailers-only".
        Headers ending = body.length == 0 && trailers.isEmpty() ? response.headers() : trailers;
        String status = ending.all("grpc-status").size() == 1 ? ending.get("grpc-status") : null;
        if (status == null || !status.matches("[0-9]{1,2}")) {
            return "ended without a grpc-status";
        }
        return switch (Integer.parseInt(status)) {
            case 0 -> complaint(body);
            case 5 -> "does not know the service (grpc-status 5, NOT_FOUND)";
            case 12 -> "does not offer grpc.health.v1.Health (grpc-status 12, UNIMPLEMENTED)";
            default -> "answered with grpc-status " + status;
        };
    }

    private static @Nullable String complaint(byte[] body) {
        if (body.length < PREFIX || body[0] != 0 || length(body) != body.length - PREFIX) {
            return "answered with something else than one uncompressed message";
        }
        long status = status(body);
        if (status < 0) {
            return "answered with a message that is no HealthCheckResponse";
        }
        if (status == SERVING) {
            return null;
        }
        return "says " + (status < STATUSES.length ? STATUSES[(int) status] : "status " + status);
    }

    private static long length(byte[] body) {
        return (body[1] & 0xffL) << 24 | (body[2] & 0xffL) << 16 | (body[3] & 0xffL) << 8 | body[4] & 0xffL;
    }

    /** Field 1 as a number, 0 when it is not there, the last one when it is there twice; -1 for what is no message. */
    private static long status(byte[] body) {
        Reader reader = new Reader(body);
        long status = 0;
        while (reader.more()) {
            long tag = reader.varint();
            // Field numbers have 29 bits, and there is no field 0.
            if (tag >>> 3 == 0 || tag >>> 32 != 0) {
                return -1;
            }
            if (tag == (1 << 3)) {
                status = reader.varint();
                // An enum is an int32, which is sent with its sign in 64 bits.
                if (status < 0 || status > Integer.MAX_VALUE) {
                    return -1;
                }
            } else if (tag >>> 3 == 1 || !reader.skip((int) tag & 7)) {
                return -1;
            }
        }
        return reader.broken ? -1 : status;
    }

    /** Reads forward; broken once it would read past the end. */
    private static final class Reader {
        private final byte[] bytes;
        private int at = PREFIX;
        private boolean broken;

        Reader(byte[] bytes) {
            this.bytes = bytes;
        }

        boolean more() {
            return !broken && at < bytes.length;
        }

        /** -1 when broken, and for numbers with the highest bit. */
        long varint() {
            long value = 0;
            for (int shift = 0; shift < 64 && at < bytes.length; shift += 7) {
                byte next = bytes[at++];
                value |= (next & 0x7fL) << shift;
                if (next >= 0) {
                    return value;
                }
            }
            broken = true;
            return -1;
        }

        /** Whether there was something of this wire type; groups are none, they are older than this protocol. */
        boolean skip(int wireType) {
            long size;
            switch (wireType) {
                case 0 -> {
                    varint();
                    return !broken;
                }
                case 1 -> size = 8;
                case 2 -> size = varint();
                case 5 -> size = 4;
                default -> size = -1;
            }
            if (size < 0 || size > bytes.length - at) {
                broken = true;
                return false;
            }
            at += (int) size;
            return true;
        }
    }
}
