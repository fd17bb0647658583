package dev.postern.traffic;

import dev.postern.Failure;
import dev.postern.GatewayException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Reads Base64 that comes piece by piece (RFC 4648 4). A padded group may stand anywhere: clients of gRPC-Web encode message
 * by message.
 */
final class Base64Reading implements Reframed.Step {
    private int bits;
    private int digits;
    private int padding;

    @Override
    public ByteBuffer next(ByteBuffer chunk) {
        ByteBuffer plain = ByteBuffer.allocate((chunk.remaining() + digits + padding) / 4 * 3);
        while (chunk.hasRemaining()) {
            int next = chunk.get();
            if (next == '=') {
                padding++;
            } else {
                int digit = value(next);
                if (digit < 0 || padding > 0) {
                    throw broken();
                }
                bits = bits << 6 | digit;
                digits++;
            }
            if (digits + padding == 4) {
                group(plain);
            }
        }
        return plain.flip();
    }

    /** Four digits are three bytes; each sign of padding is a byte less, whose bits are 0. */
    private void group(ByteBuffer plain) {
        if (padding > 2) {
            throw broken();
        }
        int all = bits << 6 * padding;
        if (padding > 0 && (all & (1 << 8 * padding) - 1) != 0) {
            throw broken();
        }
        for (int i = 0; i < 3 - padding; i++) {
            plain.put((byte) (all >> 16 - 8 * i));
        }
        bits = 0;
        digits = 0;
        padding = 0;
    }

    @Override
    public CompletionStage<ByteBuffer> last() {
        return digits + padding == 0
                ? CompletableFuture.completedFuture(ByteBuffer.allocate(0))
                : CompletableFuture.failedFuture(broken());
    }

    private static int value(int c) {
        if (c >= 'A' && c <= 'Z') {
            return c - 'A';
        } else if (c >= 'a' && c <= 'z') {
            return c - 'a' + 26;
        } else if (c >= '0' && c <= '9') {
            return c - '0' + 52;
        }
        return c == '+' ? 62 : c == '/' ? 63 : -1;
    }

    private static GatewayException broken() {
        return new GatewayException(
                Failure.REQUEST_BODY_BROKEN, "grpc_web.base64", "a body of gRPC-Web text that is not Base64", null);
    }
}
