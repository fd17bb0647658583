package dev.postern.runtime.balancing;

import dev.postern.Headers;
import dev.postern.Request;
import org.jspecify.annotations.Nullable;

/**
 * Reads and removes one cookie of a request. A cookie that is there twice says nothing: which one a peer would take is not
 * known.
 */
public final class PinCookie {
    private PinCookie() {}

    /** The value of the only cookie of this name; null when there is none, or more than one. */
    static @Nullable String presented(Headers headers, String name) {
        String found = null;
        for (int i = 0; i < headers.size(); i++) {
            if (!isCookie(headers.name(i))) {
                continue;
            }
            String line = headers.value(i);
            for (int start = 0; start <= line.length(); start = end(line, start) + 1) {
                int value = valueOf(line, start, name);
                if (value >= 0) {
                    if (found != null) {
                        return null;
                    }
                    found = line.substring(value, end(line, start)).strip();
                }
            }
        }
        return found;
    }

    /** The request without any cookie of this name; what else its lines say stays as it is. */
    public static Request without(Request request, String name) {
        Headers headers = request.headers();
        if (!anyOf(headers, name)) {
            return request;
        }
        Headers.Builder kept = Headers.builder();
        for (int i = 0; i < headers.size(); i++) {
            String value = headers.value(i);
            String rest = isCookie(headers.name(i)) ? without(value, name) : value;
            // A line that said something else still does, one that said nothing else is gone.
            if (rest != null) {
                kept.add(headers.name(i), rest);
            }
        }
        return request.withHeaders(kept.build());
    }

    private static boolean anyOf(Headers headers, String name) {
        for (int i = 0; i < headers.size(); i++) {
            if (isCookie(headers.name(i)) && isIn(headers.value(i), name)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isIn(String line, String name) {
        for (int start = 0; start <= line.length(); start = end(line, start) + 1) {
            if (valueOf(line, start, name) >= 0) {
                return true;
            }
        }
        return false;
    }

    private static @Nullable String without(String line, String name) {
        if (!isIn(line, name)) {
            return line;
        }
        StringBuilder kept = new StringBuilder(line.length());
        for (int start = 0; start <= line.length(); start = end(line, start) + 1) {
            if (valueOf(line, start, name) < 0) {
                kept.append(kept.isEmpty() ? "" : ";").append(line, start, end(line, start));
            }
        }
        String rest = kept.toString().strip();
        return rest.isEmpty() ? null : rest;
    }

    /** Where the value begins of the pair that begins here, or -1 when the pair has another name. */
    private static int valueOf(String line, int start, String name) {
        int end = end(line, start);
        int at = start;
        while (at < end && (line.charAt(at) == ' ' || line.charAt(at) == '\t')) {
            at++;
        }
        if (!line.startsWith(name, at) || at + name.length() > end) {
            return -1;
        }
        at += name.length();
        while (at < end && (line.charAt(at) == ' ' || line.charAt(at) == '\t')) {
            at++;
        }
        return at < end && line.charAt(at) == '=' ? at + 1 : -1;
    }

    private static int end(String line, int start) {
        int end = line.indexOf(';', start);
        return end < 0 ? line.length() : end;
    }

    private static boolean isCookie(String name) {
        return name.length() == 6 && name.equalsIgnoreCase("cookie");
    }
}
