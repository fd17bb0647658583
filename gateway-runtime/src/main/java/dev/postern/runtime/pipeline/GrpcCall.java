package dev.postern.runtime.pipeline;

import dev.postern.Body;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is different about gRPC calls: how long they may take they say themselves, and what goes wrong is told in fields that
 * their clients look at. After the protocol description of gRPC ("gRPC over HTTP2", "HTTP to gRPC Status Code Mapping").
 */
public final class GrpcCall {
    private static final int MAX_DIGITS = 8;
    private static final long MOST = 99_999_999;

    private static final int CANCELLED = 1;
    private static final int UNKNOWN = 2;
    private static final int DEADLINE_EXCEEDED = 4;
    private static final int PERMISSION_DENIED = 7;
    private static final int RESOURCE_EXHAUSTED = 8;
    private static final int FAILED_PRECONDITION = 9;
    private static final int ABORTED = 10;
    private static final int UNIMPLEMENTED = 12;
    private static final int INTERNAL = 13;
    private static final int UNAVAILABLE = 14;
    private static final int UNAUTHENTICATED = 16;

    private GrpcCall() {}

    /** Whether a request is a call; gRPC-Web is not. */
    static boolean is(Request request) {
        return request.method().equals("POST") && isContent(request.header("content-type"));
    }

    private static boolean isContent(@Nullable String type) {
        if (type == null || !type.regionMatches(true, 0, "application/grpc", 0, 16)) {
            return false;
        }
        return type.length() == 16 || type.charAt(16) == '+' || type.charAt(16) == ';' || type.charAt(16) == ' ';
    }

    /** What {@code grpc-timeout} says in nanoseconds; the largest number when it says nothing, or nothing that can be read. */
    static long timeoutNanos(@Nullable String text) {
        int digits = text == null ? 0 : text.length() - 1;
        if (text == null || digits < 1 || digits > MAX_DIGITS) {
            return Long.MAX_VALUE;
        }
        long value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return Long.MAX_VALUE;
            }
            value = 10 * value + digit;
        }
        return switch (text.charAt(digits)) {
            case 'H' -> TimeUnit.HOURS.toNanos(value);
            case 'M' -> TimeUnit.MINUTES.toNanos(value);
            case 'S' -> TimeUnit.SECONDS.toNanos(value);
            case 'm' -> TimeUnit.MILLISECONDS.toNanos(value);
            case 'u' -> TimeUnit.MICROSECONDS.toNanos(value);
            case 'n' -> value;
            default -> Long.MAX_VALUE;
        };
    }

    /** The same the other way round, as exactly as eight digits allow; never 0, which some services take for none. */
    public static String timeout(long nanos) {
        long micros = Math.max(1, TimeUnit.NANOSECONDS.toMicros(nanos));
        if (micros <= MOST) {
            return micros + "u";
        }
        long millis = TimeUnit.NANOSECONDS.toMillis(nanos);
        return millis <= MOST ? millis + "m" : Math.min(MOST, TimeUnit.NANOSECONDS.toSeconds(nanos)) + "S";
    }

    /** An answer of the gateway as clients of gRPC understand it: a head with a status and nothing else ("trailers-only"). */
    static Response told(Response answer, @Nullable GatewayException cause) {
        if (isContent(answer.header("content-type")) || answer.header("grpc-status") != null) {
            return answer;
        }
        answer.body().discard();
        int status = cause == null ? status(answer.status()) : status(cause.failure(), answer.status());
        String message = cause == null ? "HTTP status " + answer.status() : cause.reason();
        Headers headers = answer.headers().edit(edit -> {
            for (int i = 0; i < answer.headers().size(); i++) {
                String name = answer.headers().name(i);
                if (name.regionMatches(true, 0, "content-", 0, 8)) {
                    edit.remove(name);
                }
            }
            edit.set("content-type", "application/grpc");
            edit.set("grpc-status", Integer.toString(status));
            edit.set("grpc-message", message);
        });
        return Response.of(200).withHeaders(headers).withBody(Body.empty());
    }

    private static int status(Failure failure, int http) {
        return switch (failure) {
            case DEADLINE_EXCEEDED, CALL_DEADLINE, FIRST_BYTE_TIMEOUT, REQUEST_BODY_TIMEOUT -> DEADLINE_EXCEEDED;
            case REQUEST_BODY_TOO_LARGE, RESPONSE_BODY_TOO_LARGE, REQUEST_HEAD_TOO_LARGE -> RESOURCE_EXHAUSTED;
            case CLIENT_GONE, CLIENT_STALLED -> CANCELLED;
            case NO_ROUTE, METHOD_NOT_ALLOWED -> UNIMPLEMENTED;
            default -> status(http);
        };
    }

    private static int status(int http) {
        return switch (http) {
            case 400, 500 -> INTERNAL;
            case 401 -> UNAUTHENTICATED;
            case 403 -> PERMISSION_DENIED;
            case 404, 405, 501 -> UNIMPLEMENTED;
            case 408, 504 -> DEADLINE_EXCEEDED;
            case 409 -> ABORTED;
            case 412 -> FAILED_PRECONDITION;
            case 413, 429, 431 -> RESOURCE_EXHAUSTED;
            case 499 -> CANCELLED;
            case 502, 503 -> UNAVAILABLE;
            default -> UNKNOWN;
        };
    }
}
