package dev.postern;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code application/problem+json} bodies (RFC 9457), written without a JSON library: five flat members. */
final class ProblemDetails {
    static final ErrorHandler HANDLER = new ErrorHandler() {
        @Override
        public Response answer(GatewayException error, Request request) {
            return response(error.failure().status(), error.reason(), null);
        }

        @Override
        public String toString() {
            return "problem details";
        }
    };

    private static final Map<Integer, String> TITLES = new HashMap<>();

    static {
        String[] phrases = {
            "400 Bad Request",
            "401 Unauthorized",
            "403 Forbidden",
            "404 Not Found",
            "405 Method Not Allowed",
            "406 Not Acceptable",
            "408 Request Timeout",
            "409 Conflict",
            "410 Gone",
            "411 Length Required",
            "412 Precondition Failed",
            "413 Content Too Large",
            "414 URI Too Long",
            "415 Unsupported Media Type",
            "416 Range Not Satisfiable",
            "417 Expectation Failed",
            "421 Misdirected Request",
            "422 Unprocessable Content",
            "425 Too Early",
            "426 Upgrade Required",
            "428 Precondition Required",
            "429 Too Many Requests",
            "431 Request Header Fields Too Large",
            "451 Unavailable For Legal Reasons",
            "499 Client Closed Request",
            "500 Internal Server Error",
            "501 Not Implemented",
            "502 Bad Gateway",
            "503 Service Unavailable",
            "504 Gateway Timeout",
            "505 HTTP Version Not Supported"
        };
        for (String phrase : phrases) {
            TITLES.put(Integer.valueOf(phrase.substring(0, 3)), phrase.substring(4));
        }
    }

    private ProblemDetails() {}

    static Response response(int status, String code, @Nullable String detail) {
        StringBuilder json = new StringBuilder(128).append("{\"type\":\"about:blank\"");
        String title = TITLES.getOrDefault(status, "Error");
        member(json, "title", title);
        json.append(",\"status\":").append(status);
        member(json, "code", code);
        if (detail != null) {
            member(json, "detail", detail);
        }
        return Response.of(status)
                .withHeaders(Headers.of("Content-Type", "application/problem+json"))
                .withBody(Body.of(json.append('}').toString()));
    }

    private static void member(StringBuilder json, String name, String value) {
        json.append(",\"").append(name).append("\":\"");
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ' || c == 0x2028 || c == 0x2029) {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        json.append('"');
    }
}
