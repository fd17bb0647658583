package dev.postern.runtime.forward;

import dev.postern.Headers;

/** What a gRPC service says in the head of a response that has nothing but a head ("trailers-only"). */
final class GrpcStatus {
    private GrpcStatus() {}

    /** 0 to 99; -1 when there is none, or it is no number. */
    static int of(Headers head) {
        String text = head.get("grpc-status");
        if (text == null || text.isEmpty() || text.length() > 2) {
            return -1;
        }
        int value = 0;
        for (int i = 0; i < text.length(); i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            value = 10 * value + digit;
        }
        return value;
    }
}
