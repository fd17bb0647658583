package dev.postern.runtime.observe;

import dev.postern.Failure;
import dev.postern.GatewayException;
import org.jspecify.annotations.Nullable;

/**
 * Writes the member that this gateway adds to {@code Proxy-Status} (RFC 9209) when it answers in the place of an
 * upstream:
 *
 * <pre>postern; error=http_protocol_error; received-status=200; details="response_malformed"</pre>
 *
 * <p>Made of the gateway's name, the error type and the stable reason only. {@code next-hop} is never written and the
 * message of the exception is never read: both name hosts.
 */
public final class ProxyStatus {
    private static final String TOKEN_MARKS = "!#$%&'*+-.^_`|~:/";

    private ProxyStatus() {}

    /**
     * The member for a failure.
     *
     * @param gateway the name of the deployment
     * @param failure what went wrong
     * @param receivedStatus the status the upstream had sent, or null when none came
     */
    public static String of(String gateway, Failure failure, @Nullable Integer receivedStatus) {
        return member(gateway, failure, failure.code(), receivedStatus);
    }

    /**
     * The member for a failure that may have a finer reason.
     *
     * @param gateway the name of the deployment
     * @param exception what went wrong
     * @param receivedStatus the status the upstream had sent, or null when none came
     */
    public static String of(String gateway, GatewayException exception, @Nullable Integer receivedStatus) {
        return member(gateway, exception.failure(), exception.reason(), receivedStatus);
    }

    private static String member(String gateway, Failure failure, String reason, @Nullable Integer receivedStatus) {
        StringBuilder out = new StringBuilder(96);
        if (isToken(gateway)) {
            out.append(gateway);
        } else {
            string(out, gateway);
        }
        out.append("; error=").append(failure.proxyStatus());
        if (receivedStatus != null) {
            out.append("; received-status=").append(receivedStatus.intValue());
        }
        string(out.append("; details="), reason);
        return out.toString();
    }

    /** RFC 9651 3.3.4: begins with a letter or a star, which is narrower than the token of HTTP. */
    private static boolean isToken(String text) {
        if (text.isEmpty() || !(isLetter(text.charAt(0)) || text.charAt(0) == '*')) {
            return false;
        }
        for (int i = 1; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!isLetter(c) && !(c >= '0' && c <= '9') && TOKEN_MARKS.indexOf(c) < 0) {
                return false;
            }
        }
        return true;
    }

    private static boolean isLetter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }

    /** RFC 9651 3.3.3: visible ASCII and blanks, quote and backslash escaped. What it cannot hold becomes a question mark. */
    private static void string(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else {
                out.append(c >= ' ' && c <= '~' ? c : '?');
            }
        }
        out.append('"');
    }
}
