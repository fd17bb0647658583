package dev.postern.runtime.observe;

import dev.postern.Failure;
import dev.postern.Outcome;
import java.util.BitSet;
import java.util.Locale;

/**
 * The fixed sets that methods, statuses and outcomes are reduced to before they become labels. Callers choose methods and
 * upstreams choose statuses: neither may choose how many time series there are.
 */
final class Labels {
    static final String NONE = "none";
    static final String OTHER = "other";

    /** The code of every method without a label of its own. */
    static final int OTHER_METHOD = 0;

    private static final String[] METHODS = {
        OTHER, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "CONNECT", "TRACE"
    };
    private static final String[] ENDINGS = {
        "success", "client_error", "server_error", "gateway_failure", "upstream_failure"
    };
    // The registry of RFC 9110 16.2, and 499.
    private static final BitSet STATUSES = new BitSet(600);

    static {
        int[][] ranges = {
            {101, 101},
            {200, 208},
            {226, 226},
            {300, 308},
            {400, 418},
            {421, 426},
            {428, 429},
            {431, 431},
            {451, 451},
            {499, 508},
            {510, 511}
        };
        for (int[] range : ranges) {
            STATUSES.set(range[0], range[1] + 1);
        }
    }

    private Labels() {}

    /** A number below 16 for each method that has a label of its own, and one for all others. */
    static int methodCode(String method) {
        return switch (method) {
            case "GET" -> 1;
            case "HEAD" -> 2;
            case "POST" -> 3;
            case "PUT" -> 4;
            case "PATCH" -> 5;
            case "DELETE" -> 6;
            case "OPTIONS" -> 7;
            case "QUERY" -> 8;
            case "CONNECT" -> 9;
            case "TRACE" -> 10;
            default -> OTHER_METHOD;
        };
    }

    static String method(int code) {
        return METHODS[code];
    }

    /** A registered status as it is, another one as its first digit. */
    static int statusCode(int status) {
        return status >= 0 && STATUSES.get(status) ? status : Math.max(0, Math.min(9, status / 100));
    }

    static String status(int code) {
        return code >= 100 ? Integer.toString(code) : code + "xx";
    }

    static String party(Failure failure) {
        return failure.party().name().toLowerCase(Locale.ROOT);
    }

    /** How an exchange ended: who has to be looked at, if anybody; below 8. */
    static int endingCode(Outcome outcome) {
        Failure failure = outcome.failure();
        // What a rule has ended went as it should: an alert on errors must not see it.
        if (failure != null && failure != Failure.STREAM_ENDED) {
            return switch (failure.party()) {
                case CLIENT -> 1;
                case GATEWAY -> 3;
                case UPSTREAM -> 4;
            };
        }
        return outcome.status() < 400 ? 0 : outcome.status() < 500 ? 1 : 2;
    }

    static String ending(int code) {
        return ENDINGS[code];
    }
}
