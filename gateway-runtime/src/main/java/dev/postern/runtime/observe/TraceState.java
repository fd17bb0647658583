package dev.postern.runtime.observe;

import dev.postern.Headers;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads {@code tracestate} (W3C Trace Context Level 2, 3.3) and gives back what may be passed on: the members in their
 * order, without empty ones, in 512 characters. A list that breaks a rule is dropped as a whole, as the specification
 * demands: more than 32 members, a key twice, a key or value outside the grammar.
 */
final class TraceState {
    static final String NAME = "tracestate";
    static final String NONE = "";

    private static final int MAX_MEMBERS = 32;
    private static final int MAX_KEY = 256;
    private static final int MAX_VALUE = 256;
    // What everybody has to pass on at least (3.3.1.5); passing on more would let callers grow our requests.
    private static final int MAX_LENGTH = 512;
    private static final int LONG_MEMBER = 128;

    private TraceState() {}

    /** What may be passed on; {@link #NONE} when there is nothing. */
    static String of(Headers headers) {
        if (!headers.contains(NAME)) {
            return NONE;
        }
        List<String> members = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        for (String line : headers.all(NAME)) {
            for (String listed : line.split(",")) {
                String member = trim(listed);
                if (member.isEmpty()) {
                    // Allowed (3.3.1.1): several lines that were joined leave some behind.
                    continue;
                }
                int equals = member.indexOf('=');
                if (members.size() == MAX_MEMBERS
                        || !isKey(member, equals)
                        || !isValue(member, equals + 1)
                        || !keys.add(member.substring(0, equals))) {
                    return NONE;
                }
                members.add(member);
            }
        }
        shorten(members);
        return String.join(",", members);
    }

    /** Whole members go: first those of more than 128 characters, then from the right (3.3.1.5). */
    private static void shorten(List<String> members) {
        int length = members.size() - 1;
        for (String member : members) {
            length += member.length();
        }
        for (int i = members.size() - 1; i >= 0 && length > MAX_LENGTH; i--) {
            if (members.get(i).length() > LONG_MEMBER) {
                length -= members.remove(i).length() + 1;
            }
        }
        for (int i = members.size() - 1; i >= 0 && length > MAX_LENGTH; i--) {
            length -= members.remove(i).length() + 1;
        }
    }

    private static boolean isKey(String member, int end) {
        if (end < 1 || end > MAX_KEY) {
            return false;
        }
        for (int i = 0; i < end; i++) {
            char c = member.charAt(i);
            boolean plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
            if (!plain && (i == 0 || "_-*/@".indexOf(c) < 0)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isValue(String member, int start) {
        int length = member.length() - start;
        if (length < 1 || length > MAX_VALUE) {
            return false;
        }
        for (int i = start; i < member.length(); i++) {
            char c = member.charAt(i);
            if (c < ' ' || c > '~' || c == '=') {
                return false;
            }
        }
        return true;
    }

    private static String trim(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && isBlank(text.charAt(start))) {
            start++;
        }
        while (end > start && isBlank(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(start, end);
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t';
    }
}
