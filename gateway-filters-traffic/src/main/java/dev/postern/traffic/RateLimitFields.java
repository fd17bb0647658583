package dev.postern.traffic;

import dev.postern.Body;
import dev.postern.Headers;
import dev.postern.Response;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a rate limit tells the client: {@code RateLimit-Policy} and {@code RateLimit}
 * (draft-ietf-httpapi-ratelimit-headers-10), {@code Retry-After}, the older {@code X-RateLimit-*}, and the problem document
 * of a refusal.
 *
 * <p>A limit of several windows is several policies; each is named after its window: {@code "api-1s"}, {@code "api-1d"}.
 */
final class RateLimitFields {
    // Registered by the draft for RFC 9457 problems.
    private static final String PROBLEM_TYPE = "https://iana.org/assignments/http-problem-types#quota-exceeded";

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final Gcra[] gcras;
    private final String[] quoted;
    private final String[] limits;
    private final String policy;
    private final boolean current;
    private final boolean legacy;

    RateLimitFields(String name, List<Limit> limits, boolean current, boolean legacy) {
        this.current = current;
        this.legacy = legacy;
        gcras = limits.stream().map(Gcra::new).toArray(Gcra[]::new);
        quoted = new String[limits.size()];
        this.limits = new String[limits.size()];
        List<String> policies = new ArrayList<>();
        for (int i = 0; i < quoted.length; i++) {
            Limit limit = limits.get(i);
            quoted[i] = quoted(limits.size() == 1 ? name : name + '-' + limit.windowName());
            this.limits[i] = Long.toString(limit.permits());
            // Windows are told in whole seconds; a longer window than the real one makes the policy look stricter, not
            // looser.
            long seconds = seconds(limit.window().toNanos());
            policies.add(quoted[i] + ";q=" + limit.permits() + ";w=" + seconds);
        }
        policy = String.join(", ", policies);
    }

    /** Whether {@link #admitted} would add anything. */
    boolean any() {
        return current || legacy;
    }

    /** The response to a request that was admitted. Fields of the same names stay: each names its own policy. */
    Response admitted(Response response, long[] levels) {
        return response.withHeaders(response.headers().edit(headers -> {
            if (current) {
                headers.add("RateLimit-Policy", policy);
                headers.add("RateLimit", items(levels));
            }
            if (legacy) {
                legacy(headers, tightest(levels), levels, -1);
            }
        }));
    }

    /** 429. */
    Response refused(Refusal refusal, long[] levels) {
        int slowest = refusal.slowest();
        boolean hopeless = refusal.waitNanos() == Long.MAX_VALUE;
        long wait = seconds(refusal.waitNanos());
        Headers headers = Headers.of("Content-Type", "application/problem+json").edit(lines -> {
            if (!hopeless) {
                lines.add("Retry-After", Long.toString(wait));
            }
            if (current) {
                lines.add("RateLimit-Policy", policy);
                // Only the policy that is waited for, so that t and Retry-After are one number.
                String item = quoted[slowest] + ";r=" + gcras[slowest].remaining(levels[slowest]);
                lines.add("RateLimit", hopeless ? item : item + ";t=" + wait);
            }
            if (legacy) {
                legacy(lines, slowest, levels, hopeless ? -1 : wait);
            }
        });
        return Response.of(429).withHeaders(headers).withBody(Body.of(problem(refusal, wait, hopeless)));
    }

    private String items(long[] levels) {
        String items = item(0, levels[0]);
        for (int i = 1; i < levels.length; i++) {
            items += ", " + item(i, levels[i]);
        }
        return items;
    }

    private String item(int limit, long level) {
        long more = gcras[limit].nanosUntilMore(level);
        String known = quoted[limit] + ";r=" + gcras[limit].remaining(level);
        return more > 0 ? known + ";t=" + seconds(more) : known;
    }

    /** These fields name no policy, so only one limit can be told: of several filters on the way the tightest. */
    private void legacy(Headers.Builder headers, int limit, long[] levels, long waitSeconds) {
        long remaining = gcras[limit].remaining(levels[limit]);
        long told = number(headers.get("X-RateLimit-Remaining"));
        if (told >= 0 && told <= remaining) {
            return;
        }
        long reset = waitSeconds >= 0 ? waitSeconds : seconds(gcras[limit].nanosUntilMore(levels[limit]));
        headers.set("X-RateLimit-Limit", limits[limit]);
        headers.set("X-RateLimit-Remaining", Long.toString(remaining));
        headers.set("X-RateLimit-Reset", Long.toString(reset));
    }

    private int tightest(long[] levels) {
        int tightest = 0;
        for (int i = 1; i < levels.length; i++) {
            if (gcras[i].remaining(levels[i]) < gcras[tightest].remaining(levels[tightest])) {
                tightest = i;
            }
        }
        return tightest;
    }

    private String problem(Refusal refusal, long wait, boolean hopeless) {
        StringBuilder json = new StringBuilder(256)
                .append("{\"type\":\"")
                .append(PROBLEM_TYPE)
                .append("\",\"title\":\"Too Many Requests\",\"status\":429,\"code\":\"rate_limited\",\"detail\":\"");
        if (hopeless) {
            json.append("this request costs more than the limit allows at once");
        } else {
            json.append("try again in ").append(wait).append(wait == 1 ? " second" : " seconds");
        }
        json.append("\",\"violated-policies\":[");
        String comma = "";
        for (int i = 0; i < quoted.length; i++) {
            if (refusal.violates(i)) {
                // A quoted structured-field string of printable ASCII is the same text as a JSON string.
                json.append(comma).append(quoted[i]);
                comma = ",";
            }
        }
        return json.append("]}").toString();
    }

    /** Whole seconds, rounded up: who comes after them is not early. */
    private static long seconds(long nanos) {
        return nanos / NANOS_PER_SECOND + (nanos % NANOS_PER_SECOND == 0 ? 0 : 1);
    }

    private static long number(@Nullable String digits) {
        if (digits == null || digits.isEmpty() || digits.length() > 15) {
            return -1;
        }
        long number = 0;
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            if (c < '0' || c > '9') {
                return -1;
            }
            number = number * 10 + c - '0';
        }
        return number;
    }

    /** Whether a structured-field String (RFC 8941 3.3.3) can hold the text. */
    static boolean canCarry(String text) {
        return text.chars().allMatch(c -> c >= ' ' && c <= '~');
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
